import { record } from '../access/audit.store.ts';
import { NotFoundError } from '../core/errors.ts';
import { message } from '../core/message.ts';
import { endedSilence } from '../incidents/lifecycle.ts';
import { endSilences, listSilences } from '../incidents/silences.store.ts';
import { findTarget } from './silence.ts';
import { defineCommand } from './spec.ts';

export const unsilence = defineCommand({
  name: 'unsilence',
  aliases: ['unmute'],
  summary: 'End a silence before its time.',
  examples: ['unsilence etl-orders', 'unsilence cluster:standalone'],
  arguments: [{ name: 'target', summary: 'What was silenced.', required: true, kind: 'text' }],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const target = await findTarget(ctx, args.values['target'] as string);
    const mine = (await listSilences(ctx.services.database.db)).filter((one) => one.scope === target.scope && one.name === target.name);
    if (mine.length === 0) throw new NotFoundError(`Nobody has silenced ${target.words}.`, { hint: 'What is silenced: /flink silences' });
    const by = ctx.me().ref;
    return ctx.effect(async (tx) => {
      const ended = await endSilences(
        tx,
        mine.map((one) => one.id),
      );
      for (const one of ended) await endedSilence(tx, one, `The silence was ended by ${by.name}.`);
      await record(tx, {
        actor: { person: by, origin: ctx.request.origin.kind },
        action: 'silence.ended',
        subject: `${target.scope}:${target.name}`,
        details: { silences: ended.map((one) => one.id) },
      });
      return { ...message('good', `Not silenced any more: ${target.words}`), visibility: 'channel' as const };
    });
  },
});
