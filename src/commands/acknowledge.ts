import { record } from '../access/audit.store.ts';
import { ConflictError } from '../core/errors.ts';
import { message, text } from '../core/message.ts';
import { formatDuration } from '../core/time.ts';
import { type Incident, membersOf } from '../incidents/incidents.store.ts';
import { acknowledgeIncidents } from '../incidents/open.ts';
import { keptIncident, wrongNow } from './kept-incident.ts';
import { lastingMs } from './lasting.ts';
import type { CommandContext } from './spec.ts';
import { defineCommand } from './spec.ts';

export const acknowledge = defineCommand({
  name: 'acknowledge',
  aliases: ['ack'],
  summary: 'Say that you look after an incident.',
  details:
    'Nobody is called to it any more, until it is over, or for as long as you say: then who is on call is called again. `unacknowledge` takes it back.',
  examples: ['acknowledge etl-orders', 'acknowledge inc_4k2m9x7qw3tz "broker is being replaced" --for 2h'],
  arguments: [
    { name: 'incident', summary: 'Its id, or the job or cluster:name that it is about.', required: true, kind: 'text' },
    { name: 'reason', summary: 'What you do about it: everybody who looks reads it.', required: false, kind: 'rest' },
  ],
  options: { for: { summary: 'For how long; until it is over when absent.', value: 'duration' } },
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const id = args.values['incident'] as string;
    const incident = await keptIncident(ctx, id);
    // The message may tell of several jobs: of those that are this person's to look after.
    const open = await membersOf(ctx.services.database.db, incident.leaderId ?? incident.id);
    const members = await ofMine(ctx, incident, open);
    if (members.length === 0) throw new ConflictError('It is over already.', { hint: `Nothing was done. ${wrongNow}` });
    const me = ctx.me().ref;
    const reason = args.rest.join(' ').trim() || undefined;
    const typed = args.options['for'];
    const forMs = typeof typed === 'string' ? lastingMs(typed, 'It', 'Nothing was acknowledged.') : undefined;
    const says = reason !== undefined || forMs !== undefined;
    // Whoever looks after it already may say more.
    const isMine = ({ ackedBy }: Incident) => says && ackedBy?.userId === me.userId && ackedBy.teamId === me.teamId;
    if (members.every((one) => one.ackedBy && !isMine(one)))
      throw new ConflictError(`${members[0]?.ackedBy?.name ?? 'Somebody'} looks after it already.`, {
        hint: 'Nothing was done. Say in its thread what you know, or ask whether help is needed.',
      });
    return ctx.effect(async (tx) => {
      const taken = await acknowledgeIncidents(
        tx,
        members.map((one) => one.id),
        me,
        { reason, forMs },
      );
      if (taken.length === 0)
        throw new ConflictError('Somebody was faster, or it is over.', { hint: 'Nothing was done. Its message says who looks after it.' });
      await record(tx, {
        actor: { person: me, origin: ctx.request.origin.kind },
        action: 'incident.acknowledged',
        subject: `incident:${incident.id}`,
        ...(says ? { details: { ...(reason ? { reason } : {}), ...(forMs ? { for: formatDuration(forMs) } : {}) } } : {}),
      });
      return message(
        'good',
        `You look after: ${taken[0]?.title ?? incident.title}${taken.length > 1 ? `, and ${taken.length - 1} more like it` : ''}`,
        ...(forMs === undefined ? [] : [text(`For ${formatDuration(forMs)}: then who is on call is called again.`)]),
      );
    });
  },
});

/** Of what one message tells that which is this person's to look after. @throws PermissionError when there is some, and none of it is. */
export async function ofMine(ctx: CommandContext, incident: Incident, members: readonly Incident[]): Promise<Incident[]> {
  const allowed: Incident[] = [];
  for (const one of members) {
    const may =
      one.job === null ||
      (await ctx.job(one.job).then(
        () => true,
        () => false,
      ));
    if (may) allowed.push(one);
  }
  const refused = allowed.length === 0 ? (members[0]?.job ?? incident.job) : undefined;
  if (refused) await ctx.job(refused);
  return allowed;
}
