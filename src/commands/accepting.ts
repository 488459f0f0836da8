import { record } from '../access/audit.store.ts';
import { listPeople, teamMembers } from '../access/people.store.ts';
import { type Right, samePerson, whoMay } from '../access/policy.ts';
import { PermissionError, UserError } from '../core/errors.ts';
import { actions, context, type Message, message, type Part, type PersonRef, type Span, text } from '../core/message.ts';
import type { Tx } from '../db/db.ts';
import { jobChannels } from '../jobs/channels.ts';
import type { Job } from '../jobs/jobs.store.ts';
import { accept } from '../operations/accept.ts';
import { holderConflict } from '../operations/operations.store.ts';
import { planHash } from '../operations/plan-hash.ts';
import type { Json, Operation, OperationKind } from '../operations/types.ts';
import { worldFacts } from '../operations/world-facts.ts';
import { desire } from '../outbox/outbox.store.ts';
import { giveUpParked } from './parked.ts';
import { type CommandContext, commandButton, Reply } from './spec.ts';
import { decisionButtons } from './views/operation-buttons.ts';

export interface Wanted {
  kind: string;
  job: Job;
  right: Right;
  input: Json;
  /** `to restore etl-orders`, for sentences. */
  what: string;
  reason?: string | undefined;
  breakGlass?: string | undefined;
  /** What would happen, for the plan that a lead approves. */
  plan?: Part[];
  /** How to ask for it again with a reason: a command line with `{input}`. */
  askAgain?: string;
  /** A parked operation that this one replaces. */
  takesOver?: Operation | undefined;
  /** Looks once more inside the transaction that accepts it. @throws AppError */
  before?(tx: Tx): Promise<void>;
}

/**
 * Accepts an operation, or asks for a lead's approval first when the policy says so. Everything is committed together with the reply; a replay gets
 * the same reply.
 * @throws UpstreamError while a disk of Sluice is full
 */
export async function acceptOrAsk(ctx: CommandContext, wanted: Wanted): Promise<Message> {
  const { services, request } = ctx;
  const { job, right } = wanted;
  const verdict = ctx.verdict(right, job);
  if (verdict === 'no')
    throw new PermissionError(`You may not ${wanted.what.replace(/^to /, '')}: that needs ${whoMay(right)} of team ${job.team}.`, {
      hint: 'Ask somebody of that team, or an admin.',
    });
  const breakGlass = wanted.breakGlass;
  if (breakGlass !== undefined && ctx.verdict('break-glass', job) !== 'yes')
    throw new PermissionError(`You may not break glass on ${job.name}: that needs ${whoMay('break-glass')} of team ${job.team}.`, {
      hint: 'Nothing was done. Ask one of them.',
    });
  if (breakGlass !== undefined && !breakGlass.trim())
    throw new UserError('Break-glass needs a reason: all leads read it.', { hint: 'Nothing was done. Add --break-glass "why".' });
  const asks = verdict === 'asks' && breakGlass === undefined;
  if (asks && !wanted.reason?.trim()) throw needsReason(wanted);
  if (asks && wanted.takesOver) throw holderConflict(wanted.takesOver);
  await services.disk?.check();
  const kind = services.kinds.find((k) => k.kind === wanted.kind) as OperationKind;
  const actor = ctx.me().ref;
  const { channel, alertChannel } = await jobChannels(services.database.db, job, services);
  const { kind: origin, threadTs } = request.origin;
  const place = asks ? channel : (request.origin.channel ?? channel);
  return ctx.effect(async (tx) => {
    await wanted.before?.(tx);
    if (wanted.takesOver) await giveUpParked(tx, ctx, wanted.takesOver);
    const input = { ...wanted.input, right, ...(wanted.reason ? { reason: wanted.reason } : {}) };
    const leads = (await teamMembers(tx, job.team, 'lead')).filter((lead) => lead.userId !== actor.userId || lead.teamId !== actor.teamId);
    const op = await accept(tx, {
      kind,
      job,
      input,
      actor,
      origin: { kind: origin, ...(place ? { channel: place } : {}), ...(threadTs && !asks ? { threadTs } : {}) },
      idemKey: request.deliveryKey,
      jobChannel: channel,
      ...(asks
        ? {
            planHash: planHash(await worldFacts(tx, wanted.kind, job.name, input)),
            approval: {
              reason: wanted.reason as string,
              lifetimeMs: services.settings.approvalLifetimeMs,
              message: (id: string, until: Date) => approvalMessage(id, wanted, actor, leads, until),
            },
          }
        : {}),
      ...(breakGlass === undefined ? {} : { breakGlass }),
    });
    if (breakGlass !== undefined) {
      await record(tx, {
        actor: { person: actor, origin },
        action: 'break-glass',
        subject: `job:${job.name}`,
        details: { operation: op.id, reason: breakGlass },
      });
      await tellBreakGlass(tx, { id: op.id, wanted, actor, leads, channel, alertChannel: alertChannel ?? place });
    }
    const where: Span[] = place && place !== request.origin.channel ? [' in ', { channel: place }] : [];
    if (asks)
      return message(
        'neutral',
        `Asked for approval ${wanted.what}`,
        leads.length > 0
          ? text('A lead has to approve it', ...where, '. Nothing happens before.')
          : text(`Team ${job.team} has no other lead, so nobody can approve it. An admin can name one.`),
        context(op.id),
      );
    return message(
      'neutral',
      `Accepted: ${kind.busyTitle(op).replace(/^./, (c) => c.toLowerCase())}`,
      context('Progress ', ...(where.length > 0 ? where : ['in this channel']), ` · ${op.id}`),
    );
  });
}

function needsReason(wanted: Wanted): Reply {
  const again = wanted.askAgain;
  return new Reply(
    `${wanted.what.replace(/^t/, 'T')} on production, a lead has to approve it, and reads why.`,
    text('Add ', { code: '--reason "why"' }, '. Nothing was done.'),
    ...(again
      ? [actions({ label: 'Say why…', command: again, input: { title: 'Why?', label: 'Reason, shown to the leads', multiline: true } })]
      : []),
  );
}

/** The plan in the channel: what would happen, why, until when, for the leads to decide. */
function approvalMessage(
  id: string,
  wanted: Wanted,
  actor: { teamId: string; userId: string; name: string },
  leads: { teamId: string; userId: string; name: string }[],
  until: Date,
): Message {
  return {
    tone: 'warn',
    title: `Approval needed ${wanted.what}`,
    parts: [
      text({ person: actor }, ' asks: ', wanted.reason ?? ''),
      ...(wanted.plan ?? []),
      text(...leads.flatMap((lead, i): Span[] => [i > 0 ? ' ' : '', { person: lead }])),
      actions(...decisionButtons(id)),
      context('Can be approved until ', { time: until, style: 'time' }, ` · ${id}`),
    ],
  };
}
/**
 * Tells the job's channel, and names the leads there. Without a channel or another lead nobody would read it: then the alert channel and, by direct
 * message, every lead and admin are told instead.
 */
async function tellBreakGlass(
  tx: Tx,
  told: {
    id: string;
    wanted: Wanted;
    actor: PersonRef & { name: string };
    leads: (PersonRef & { name: string })[];
    channel: string | undefined;
    alertChannel: string | undefined;
  },
): Promise<void> {
  const { id, wanted, actor, leads, channel, alertChannel } = told;
  const isRead = channel !== undefined && leads.length > 0;
  const admins = isRead ? [] : (await listPeople(tx)).filter((p) => p.admin && p.active && !samePerson(p.ref, actor)).map((p) => p.ref);
  const message = breakGlassMessage(id, wanted, actor, { leads, admins });
  const place = isRead ? channel : (alertChannel ?? channel);
  if (place !== undefined)
    await desire(tx, {
      dedupeKey: `break-glass:${id}`,
      channel: place,
      fallbackChannels: alertChannel === undefined ? [] : [alertChannel],
      message,
      priority: 0,
    });
  if (isRead) return;
  for (const person of new Map([...leads, ...admins].map((p) => [p.userId, p])).values())
    await desire(tx, { dedupeKey: `break-glass:${id}:${person.userId}`, channel: person.userId, message, priority: 0 });
}
function breakGlassMessage(
  id: string,
  wanted: Wanted,
  actor: PersonRef & { name: string },
  readers: { leads: PersonRef[]; admins: PersonRef[] },
): Message {
  const { leads, admins } = readers;
  const names = (leads.length > 0 ? leads : admins).flatMap((person): Span[] => [{ person }, ' ']);
  const ask =
    leads.length > 0 ? 'please review it afterwards.' : `Team ${wanted.job.team} has no other lead: an admin can name one, who reviews it.`;
  return {
    tone: 'warn',
    title: `Break-glass: ${actor.name} acts without a second person ${wanted.what}`,
    parts: [
      text({ person: actor }, ' says: ', wanted.breakGlass ?? ''),
      ...(wanted.plan ?? []),
      text(...names, ask),
      actions(commandButton('Reviewed', `review ${id}`)),
      context(id),
    ],
  };
}
