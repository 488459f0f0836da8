import type { KnownBlock, ModalView } from '@slack/types';
import { z } from 'zod';
import { oneLine, quoteWord, stripControls, truncate } from '../core/text.ts';
import type { ActionValue } from './action-value.ts';

export const askCallbackId = 'sluice_ask';

/** Where the answer of a form goes; kept in the modal itself, so it outlives a restart. Ids only. */
export interface AskOrigin {
  channel?: string | undefined;
  threadTs?: string | undefined;
  messageTs?: string | undefined;
  /** Names the click, whose response address may still be in memory. */
  click: string;
}
const metadataSchema = z.object({
  c: z.string(),
  p: z.string().optional(),
  v: z.array(z.string()).optional(),
  m: z.literal(1).optional(),
  channel: z.string().optional(),
  threadTs: z.string().optional(),
  messageTs: z.string().optional(),
  click: z.string(),
});

/**
 * The modal that asks for a button's typed value, choice, or both (Slack `views.open`). Options carry their number; the values are in
 * `private_metadata`, whose 3,000 characters a button's 2,000 cannot exceed.
 */
export function askModal(value: ActionValue, buttonLabel: string, origin: AskOrigin): ModalView {
  const title = value.i?.t || value.o?.t || buttonLabel;
  const blocks: KnownBlock[] = [];
  if (title.length > 24) blocks.push({ type: 'section', text: plain(title) });
  if (value.o) {
    blocks.push({
      type: 'input',
      block_id: 'choice',
      label: plain(value.o.l || 'Which one'),
      element: {
        type: 'static_select',
        action_id: 'choice',
        options: value.o.v.map(([label, , description], i) => ({
          text: plain(label),
          value: String(i),
          ...(description ? { description: plain(description) } : {}),
        })),
      },
    });
    if (value.o.x) blocks.push({ type: 'context', elements: [plain(`${value.o.x} more are not shown here, see the page.`)] });
  }
  if (value.i) {
    blocks.push({
      type: 'input',
      block_id: 'input',
      label: plain(value.i.l || 'Value'),
      optional: value.i.o === 1,
      element: {
        type: 'plain_text_input',
        action_id: 'input',
        multiline: value.i.m === 1,
        max_length: 1000,
        ...(value.i.p ? { placeholder: plain(value.i.p) } : {}),
      },
    });
  }
  const metadata = {
    c: value.c,
    ...(value.o ? { p: value.o.p, v: value.o.v.map(([, rest]) => rest) } : {}),
    ...(value.i?.m ? { m: 1 } : {}),
    ...Object.fromEntries(Object.entries(origin).filter(([, v]) => v !== undefined)),
  };
  return {
    type: 'modal',
    callback_id: askCallbackId,
    title: plain(truncate(title, 24)),
    submit: plain(buttonLabel.endsWith('…') ? 'Continue' : truncate(buttonLabel, 24)),
    close: plain('Cancel'),
    private_metadata: JSON.stringify(metadata),
    blocks,
  };
}
function plain(text: string): { type: 'plain_text'; text: string } {
  return { type: 'plain_text', text };
}

/** What Slack tells of the fields of a submitted modal. */
export type FormState = Record<string, Record<string, { value?: string | null; selected_option?: { value: string } | null }>>;

/** The command line of a submitted form and where its answer goes; undefined if the form was not made here. */
export function lineOfForm(metadata: string, values: FormState): { line: string; origin: AskOrigin } | undefined {
  const parsed = metadataSchema.safeParse(tryJson(metadata));
  if (!parsed.success) return undefined;
  const { c, p, v, m, ...origin } = parsed.data;
  const picked = values['choice']?.['choice']?.selected_option?.value;
  const rest = picked === undefined ? undefined : v?.[Number(picked)];
  if (v && rest === undefined) return undefined;
  const typed = values['input']?.['input']?.value ?? '';
  const line = c.replace(/\{(input|choice)\}/g, (_, which) =>
    which === 'choice' ? quoteTyped(`${p ?? ''}${rest ?? ''}`, false) : quoteTyped(typed, m === 1),
  );
  return { line, origin };
}
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Any text as one word of a command line. The command language has no escape inside quotes, so double quotes, straight or curly, become
 * apostrophes; everything else arrives as typed (line breaks only where several lines were asked for).
 */
export function quoteTyped(typed: string, multiline: boolean): string {
  const kept = multiline ? stripControls(typed).trim() : oneLine(stripControls(typed));
  return quoteWord(kept.replace(/["“”„‟«»]/g, "'"));
}
