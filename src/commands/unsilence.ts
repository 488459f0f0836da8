import { record } from '../access/audit.store.ts';
import { NotFoundError, PermissionError } from '../core/errors.ts';
import { message } from '../core/message.ts';
import { endedSilence } from '../incidents/lifecycle.ts';
import { endSilences, listSilences } from '../incidents/silences.store.ts';
import { findTarget, mayEnd } from './silence-target.ts';
import { defineCommand } from './spec.ts';

export const unsilence = defineCommand({
  name: 'unsilence',
  aliases: ['unmute'],
  summary: 'End a silence before its time.',
  examples: ['unsilence etl-orders', 'unsilence cluster:standalone', 'unsilence tag:nightly'],
  arguments: [{ name: 'target', summary: 'What was silenced.', required: true, kind: 'text' }],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const typed = args.values['target'] as string;
    const all = await listSilences(ctx.services.database.db);
    // The last job may have lost the tag meanwhile.
    const tag = all.find((one) => one.scope === 'tag' && `tag:${one.name}` === typed.toLowerCase());
    const target = tag ? { ...tag, words: `tag ${tag.name}` } : await findTarget(ctx, typed, (word) => `unsilence ${word}`);
    const mine = all.filter((one) => one.scope === target.scope && one.name === target.name);
    if (mine.length === 0) throw new NotFoundError(`Nobody has silenced ${target.words}.`, { hint: 'What is silenced: /flink silences' });
    const foreign = mine.find((one) => !mayEnd(ctx, one));
    if (foreign)
      throw new PermissionError(
        `You may not end the silence of ${target.words}: it covers jobs of ${foreign.teams ? `the teams ${foreign.teams.join(', ')}` : 'every team'}.`,
        { hint: 'Nothing was changed. Ask an admin, or whoever began it.' },
      );
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
