import { record } from '../access/audit.store.ts';
import { ConflictError } from '../core/errors.ts';
import { message } from '../core/message.ts';
import { membersOf } from '../incidents/incidents.store.ts';
import { unacknowledgeIncidents } from '../incidents/open.ts';
import { ofMine } from './acknowledge.ts';
import { keptIncident, wrongNow } from './kept-incident.ts';
import { defineCommand } from './spec.ts';

export const unacknowledge = defineCommand({
  name: 'unacknowledge',
  aliases: ['unack'],
  summary: 'Say that nobody looks after an incident any more.',
  details: 'Who is on call is called to it again, at once. Also of what somebody else has acknowledged.',
  examples: ['unacknowledge etl-orders', 'unacknowledge inc_4k2m9x7qw3tz'],
  arguments: [{ name: 'incident', summary: 'Its id, or the job or cluster:name that it is about.', required: true, kind: 'text' }],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const id = args.values['incident'] as string;
    const incident = await keptIncident(ctx, id);
    const open = await membersOf(ctx.services.database.db, incident.leaderId ?? incident.id);
    const members = await ofMine(ctx, incident, open);
    if (members.length === 0) throw new ConflictError('It is over already.', { hint: `Nothing was done. ${wrongNow}` });
    const me = ctx.me().ref;
    return ctx.effect(async (tx) => {
      const given = await unacknowledgeIncidents(
        tx,
        members.map((one) => one.id),
        `${me.name ?? me.userId} says that nobody looks after it any more.`,
      );
      if (given.length === 0)
        throw new ConflictError('Nobody looks after it.', { hint: `Nothing was done. To take it: /flink acknowledge ${incident.id}` });
      await record(tx, {
        actor: { person: me, origin: ctx.request.origin.kind },
        action: 'incident.unacknowledged',
        subject: `incident:${incident.id}`,
      });
      const more = given.length > 1 ? `, and ${given.length - 1} more like it` : '';
      return message('neutral', `Nobody looks after it any more: ${given[0]?.title ?? incident.title}${more}`);
    });
  },
});
