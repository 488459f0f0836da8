import { actions, message, text } from '../core/message.ts';
import { plural, quoteWord } from '../core/text.ts';
import { listSilences } from '../incidents/silences.store.ts';
import { wordOf } from './silence-target.ts';
import { commandButton, defineCommand } from './spec.ts';

export const silences = defineCommand({
  name: 'silences',
  summary: 'What is silenced, by whom, why and until when.',
  examples: ['silences'],
  arguments: [],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx) {
    ctx.me();
    const all = await listSilences(ctx.services.database.db);
    if (all.length === 0) return message('good', 'Nothing is silenced');
    return message(
      'neutral',
      `${plural(all.length, 'silence')}`,
      ...all
        .slice(0, 20)
        .map((one) =>
          text({ bold: `${one.scope} ${one.name}` }, ' until ', { time: one.until }, ' by ', { person: one.by }, `: ${one.reason}`),
        ),
      actions(...all.slice(0, 5).map((one) => commandButton(`End ${one.name}`, `unsilence ${quoteWord(wordOf(one))}`))),
    );
  },
});
