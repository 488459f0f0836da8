import { record } from '../access/audit.store.ts';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import { message } from '../core/message.ts';
import { acknowledgeIncident, findIncident } from '../incidents/incidents.store.ts';
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
    const incident = await findIncident(ctx.services.database.db, id);
    if (!incident) throw new NotFoundError(`There is no incident ${id}.`);
    if (incident.job) await ctx.job(incident.job);
    if (incident.state === 'resolved') throw new ConflictError('It is over already.');
    if (incident.ackedBy) throw new ConflictError(`${incident.ackedBy.name ?? 'Somebody'} looks after it already.`);
    return ctx.effect(async (tx) => {
      if (!(await acknowledgeIncident(tx, id, ctx.me().ref))) throw new ConflictError('Somebody was faster, or it is over.');
      await record(tx, {
        actor: { person: ctx.me().ref, origin: ctx.request.origin.kind },
        action: 'incident.acknowledged',
        subject: `incident:${id}`,
      });
      return message('good', `You look after: ${incident.title}`);
    });
  },
});
