import { AppError, ConflictError } from '../core/errors.ts';
import { context, type Message, message, type Part, type Span, text } from '../core/message.ts';
import { plural } from '../core/text.ts';
import type { Tx } from '../db/db.ts';
import { type Incident, membersOf } from '../incidents/incidents.store.ts';
import { resumedAtOnce } from '../incidents/message.ts';
import { jobChannels } from '../jobs/channels.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { lastRunThatRan, latestRun } from '../jobs/runs.store.ts';
import { accept } from '../operations/accept.ts';
import { holderOf } from '../operations/operations.store.ts';
import { findMessage } from '../outbox/outbox.store.ts';
import { restorePointsOfRun } from '../restore-points/restore-points.store.ts';
import { keptIncident, wrongNow } from './kept-incident.ts';
import { type CommandContext, defineCommand } from './spec.ts';

export const resumeAll = defineCommand({
  name: 'resume-all',
  summary: 'Resume every job that one incident message tells of.',
  details:
    'One operation for each job: the version that ran, from its newest complete state. Jobs that run, or that somebody works on, are left alone. At most 500 at once.',
  examples: ['resume-all inc_4k2m9x7qw3tz'],
  arguments: [{ name: 'incident', summary: 'Its id, or the job or cluster:name that it is about.', required: true, kind: 'text' }],
  options: {},
  kind: 'operate',
  right: 'operate',
  slow: 'maybe',
  async run(ctx, args): Promise<Message> {
    const { db } = ctx.services.database;
    const id = args.values['incident'] as string;
    const incident = await keptIncident(ctx, id);
    const members = await membersOf(db, incident.leaderId ?? incident.id);
    if (members.length === 0)
      throw new ConflictError('It is over already: no job of it is down.', { hint: `Nothing was done. ${wrongNow}` });
    await ctx.services.disk?.check();
    return ctx.effect(async (tx) => {
      const root = incident.messageId ? await findMessage(tx, incident.messageId) : undefined;
      const at = root?.sentChannel && root.sentTs ? { channel: root.sentChannel, threadTs: root.sentTs } : undefined;
      const left: string[] = [];
      const accepted: string[] = [];
      for (const member of members) {
        if (accepted.length === resumedAtOnce) break;
        const why = await resumeOne(ctx, tx, member, at);
        if (why) left.push(`${member.job ?? member.cluster}: ${why}`);
        else accepted.push(member.job ?? '');
      }
      const later = members.length - accepted.length - left.length;
      if (accepted.length === 0)
        throw new ConflictError(`None of them can be resumed now. ${left.slice(0, 5).join('; ')}.`, {
          hint: 'Nothing was done. To see how one of them stands: /flink status <job>',
        });
      return message(
        'neutral',
        `Accepted: resume ${plural(accepted.length, 'job')}`,
        ...(await Promise.all(accepted.slice(0, shownAtMost).map((job) => planOf(tx, job)))),
        ...(accepted.length > shownAtMost ? [context(`and ${accepted.length - shownAtMost} more`)] : []),
        ...(later > 0 ? [text({ bold: `${plural(later, 'job')} still to be resumed:` }, ' press it again when these are up.')] : []),
        ...left.slice(0, 10).map((line) => text('Left alone: ', line)),
        ...(left.length > 10 ? [context(`and ${left.length - 10} more left alone`)] : []),
        context('Each looks again at what it can begin from before it starts, and tells its progress in the thread of the incident.'),
      );
    });
  },
});

/** More jobs than that nobody reads. */
const shownAtMost = 15;
/** What the resume of a job will do, by what is known now. */
async function planOf(tx: Tx, job: string): Promise<Part> {
  const run = (await lastRunThatRan(tx, job)) ?? (await latestRun(tx, job));
  const [point] = run ? await restorePointsOfRun(tx, run.id) : [];
  const from: Span[] = point
    ? [`from ${point.kind}${point.checkpointId === null ? '' : ` ${point.checkpointId}`}, `, { time: point.takenAt }]
    : run?.restoredFrom && !run.lastCheckpoint
      ? ['from where it began, ', { code: run.restoredFrom }]
      : ['from what it can find'];
  return text({ bold: job }, run ? `: v${run.version} ` : ': ', ...from);
}
/** Accepts the resume of one job; why not, if it is left alone. */
async function resumeOne(
  ctx: CommandContext,
  tx: Tx,
  member: Incident,
  at: { channel: string; threadTs: string } | undefined,
): Promise<string | undefined> {
  const job = member.job === null ? undefined : await findJob(tx, member.job);
  if (!job) return 'it is not a job';
  if (ctx.verdict('operate', job) !== 'yes') return `not yours: it belongs to team ${job.team}`;
  const holder = await holderOf(tx, job.name);
  if (holder) return `${holder.actor.name} works on it (${holder.id})`;
  const run = await latestRun(tx, job.name);
  if (run && !run.ended) return 'it runs';
  const kind = ctx.services.kinds.find((one) => one.kind === 'start');
  if (!kind) return 'it cannot be started here';
  const { channel } = await jobChannels(tx, job, ctx.services);
  const { kind: origin, channel: asked } = ctx.request.origin;
  const refused = await accept(tx, {
    kind,
    job,
    input: { right: 'operate' },
    actor: ctx.me().ref,
    origin: { kind: origin, ...(at ?? (asked ? { channel: asked } : {})) },
    idemKey: `${ctx.request.deliveryKey}:${job.name}`,
    jobChannel: channel,
  }).then(
    () => undefined,
    // Somebody took the job since, or its cluster is only observed: the others are resumed all the same.
    (error: unknown) => {
      if (error instanceof AppError) return error.message;
      throw error;
    },
  );
  return refused;
}
