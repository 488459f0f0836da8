import { record } from '../access/audit.store.ts';
import { NotFoundError, PermissionError } from '../core/errors.ts';
import { message, text } from '../core/message.ts';
import { endedSilence } from '../incidents/lifecycle.ts';
import { endSilences, listSilences, type Silence } from '../incidents/silences.store.ts';
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
    const [ends, stays] = [true, false].map((may) => mine.filter((one) => mayEnd(ctx, one) === may)) as [Silence[], Silence[]];
    const covering = [...new Set(stays.map(teamsOf))].join(' and ');
    if (ends.length === 0)
      throw new PermissionError(`You may not end the silence of ${target.words}: it covers jobs of ${covering}.`, {
        hint: 'Nothing was changed. Ask an admin, or whoever began it.',
      });
    const by = ctx.me().ref;
    return ctx.effect(async (tx) => {
      const ended = await endSilences(
        tx,
        ends.map((one) => one.id),
      );
      for (const one of ended) await endedSilence(tx, one, `The silence was ended by ${by.name}.`);
      await record(tx, {
        actor: { person: by, origin: ctx.request.origin.kind },
        action: 'silence.ended',
        subject: `${target.scope}:${target.name}`,
        details: { silences: ended.map((one) => one.id) },
      });
      const stay = stays.map((one) =>
        text('Still silenced by ', { person: one.by }, ` for ${teamsOf(one)} until `, {
          time: one.until,
        }),
      );
      const title = stay.length > 0 ? `Not silenced any more for your teams: ${target.words}` : `Not silenced any more: ${target.words}`;
      return { ...message(stay.length > 0 ? 'neutral' : 'good', title, ...stay), visibility: 'channel' as const };
    });
  },
});

/** Of a tag: `the teams ads, core`. */
function teamsOf({ teams }: Silence): string {
  return teams ? `the teams ${teams.join(', ')}` : 'every team';
}
