import { record } from '../access/audit.store.ts';
import { UserError } from '../core/errors.ts';
import { actions, message, text } from '../core/message.ts';
import { plural, quoteWord } from '../core/text.ts';
import { formatDuration } from '../core/time.ts';
import { beganSilence } from '../incidents/lifecycle.ts';
import { addSilence } from '../incidents/silences.store.ts';
import { lastingMs } from './lasting.ts';
import { findTarget, wordOf } from './silence-target.ts';
import { commandButton, defineCommand } from './spec.ts';

export const silence = defineCommand({
  name: 'silence',
  aliases: ['mute'],
  summary: 'Nobody is called for a job, a cluster, a team or a tag for a while.',
  details:
    'Problems are still recorded and shown on the page; what is not over when the silence ends is told then. A name is a job; `cluster:`, `team:` and `tag:` in front of it name those. A tag covers the jobs of your teams that have it, also those that get it later. At most 7 days.',
  examples: [
    'silence etl-orders 2h "Kafka upgrade"',
    'silence tag:nightly 2h "warehouse is moved"',
    'silence cluster:standalone 30min "new nodes"',
    'silence team:data 1h "fire drill"',
  ],
  arguments: [
    { name: 'target', summary: 'A job, or cluster:name, team:name or tag:name.', required: true, kind: 'text' },
    { name: 'for', summary: 'How long, for example 2h.', required: true, kind: 'text' },
    { name: 'reason', summary: 'Why: everybody who looks reads it.', required: true, kind: 'rest' },
  ],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const { for: lasts = '' } = args.values;
    const target = await findTarget(ctx, args.values['target'] as string, (word) =>
      ['silence', word, lasts, quoteWord(args.rest.join(' '))].join(' '),
    );
    const forMs = lastingMs(lasts, 'A silence', 'Nothing was silenced.');
    const reason = args.rest.join(' ').trim();
    if (reason === '')
      throw new UserError('A silence needs a reason: whoever looks for the missing alert reads it.', {
        hint: `For example: /flink silence ${wordOf(target)} ${lasts} "Kafka upgrade". Nothing was silenced.`,
      });
    const by = ctx.me().ref;
    return ctx.effect(async (tx) => {
      const made = await addSilence(tx, { scope: target.scope, name: target.name, teams: target.teams, reason, by, forMs });
      const open = await beganSilence(tx, made, target.covers);
      await record(tx, {
        actor: { person: by, origin: ctx.request.origin.kind },
        action: 'silence.began',
        subject: `${target.scope}:${target.name}`,
        details: { silence: made.id, reason, until: made.until.toISOString(), ...(target.teams ? { teams: target.teams } : {}) },
      });
      return {
        ...message(
          'neutral',
          `Silenced: ${target.words}, for ${formatDuration(forMs)}`,
          text('Until ', { time: made.until }, `: ${reason}`),
          ...(open > 0 ? [text(`${plural(open, 'open incident')} calls nobody until then.`)] : []),
          actions(commandButton('End the silence', `unsilence ${quoteWord(wordOf(target))}`)),
        ),
        visibility: 'channel' as const,
      };
    });
  },
});
