import { record } from '../access/audit.store.ts';
import { ConflictError } from '../core/errors.ts';
import { message } from '../core/message.ts';
import { type Incident, membersOf } from '../incidents/incidents.store.ts';
import { acknowledgeIncidents } from '../incidents/open.ts';
import { keptIncident, wrongNow } from './kept-incident.ts';
import type { CommandContext } from './spec.ts';
import { defineCommand } from './spec.ts';

export const acknowledge = defineCommand({
  name: 'acknowledge',
  aliases: ['ack'],
  summary: 'Say that you look after an incident.',
  examples: ['acknowledge inc_4k2m9x7qw3tz'],
  arguments: [{ name: 'incident', summary: 'The id of the incident.', required: true, kind: 'text' }],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const id = args.values['incident'] as string;
    const incident = await keptIncident(ctx, id);
    // The message may tell of several jobs: of those that are this person's to look after.
    const open = await membersOf(ctx.services.database.db, incident.leaderId ?? incident.id);
    const members = await mine(ctx, open);
    const refused = members.length === 0 ? (open[0]?.job ?? incident.job) : undefined;
    if (refused) await ctx.job(refused);
    if (members.length === 0) throw new ConflictError('It is over already.', { hint: `Nothing was done. ${wrongNow}` });
    if (members.every((one) => one.ackedBy))
      throw new ConflictError(`${members[0]?.ackedBy?.name ?? 'Somebody'} looks after it already.`, {
        hint: 'Nothing was done. Say in its thread what you know, or ask whether help is needed.',
      });
    return ctx.effect(async (tx) => {
      const taken = await acknowledgeIncidents(
        tx,
        members.map((one) => one.id),
        ctx.me().ref,
      );
      if (taken.length === 0)
        throw new ConflictError('Somebody was faster, or it is over.', { hint: 'Nothing was done. Its message says who looks after it.' });
      await record(tx, {
        actor: { person: ctx.me().ref, origin: ctx.request.origin.kind },
        action: 'incident.acknowledged',
        subject: `incident:${id}`,
      });
      return message(
        'good',
        `You look after: ${taken[0]?.title ?? incident.title}${taken.length > 1 ? `, and ${taken.length - 1} more like it` : ''}`,
      );
    });
  },
});

async function mine(ctx: CommandContext, members: readonly Incident[]): Promise<Incident[]> {
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
  return allowed;
}
