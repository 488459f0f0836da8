import type { ExternalSelect, KnownBlock, ModalView, PlainTextElement } from '@slack/types';
import { z } from 'zod';
import { quoteTyped } from '../commands/typed-word.ts';
import { truncate } from '../core/text.ts';
import type { ActionValue } from './action-value.ts';

export const askCallbackId = 'sluice_ask';

/** The external selects of forms; what they offer is found in on-options.ts. */
export const jobActionId = 'sluice_job';
export const pointActionId = 'sluice_point';

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
  x: z.literal(1).optional(),
  m: z.literal(1).optional(),
  channel: z.string().optional(),
  threadTs: z.string().optional(),
  messageTs: z.string().optional(),
  click: z.string(),
});

/**
 * The modal that asks for a button's typed value, choice, or both (Slack `views.open`). Options carry their number; the values are in
 * `private_metadata`, whose 3,000 characters a button's 2,000 cannot exceed.
 * @param searched the choice is one of a job's restore points: typed for, and all of them, not only those that fit into a button.
 */
export function askModal(value: ActionValue, buttonLabel: string, origin: AskOrigin, searched = false): ModalView {
  const title = value.i?.t || value.o?.t || buttonLabel;
  const blocks: KnownBlock[] = [];
  if (title.length > 24) blocks.push({ type: 'section', text: plain(title) });
  if (value.o) {
    blocks.push({
      type: 'input',
      block_id: 'choice',
      label: plain(value.o.l || 'Which one'),
      element: searched
        ? pointSelect()
        : {
            type: 'static_select',
            action_id: 'choice',
            options: value.o.v.map(([label, , description], i) => ({
              text: plain(label),
              value: String(i),
              ...(description ? { description: plain(description) } : {}),
            })),
          },
    });
    if (value.o.x && !searched) blocks.push({ type: 'context', elements: [plain(`${value.o.x} more are not shown here, see the page.`)] });
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
    ...(value.o && searched ? { x: 1 } : {}),
    ...(value.o && !searched ? { p: value.o.p, v: value.o.v.map(([, rest]) => rest) } : {}),
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
/** Plain text, as Slack wants it in labels, options and titles. */
export function plain(text: string): { type: 'plain_text'; text: string } {
  return { type: 'plain_text', text };
}
/** A select over the restore points of a job, all of which are offered before anything is typed. */
export function pointSelect(): ExternalSelect {
  return {
    type: 'external_select',
    action_id: pointActionId,
    min_query_length: 0,
    placeholder: plain('Type a kind, an age or a path'),
  };
}

/** What Slack tells of the fields of a submitted modal. */
export type FormState = Record<string, Record<string, { value?: string | null; selected_option?: Picked | null }>>;
/** An option as Slack gives it back. */
interface Picked {
  value: string;
  text?: PlainTextElement;
}

/** The command line that a form of a button fills in; undefined if the form was not made here. */
export function lineInForm(metadata: string): string | undefined {
  const parsed = metadataSchema.safeParse(tryJson(metadata));
  return parsed.success ? parsed.data.c : undefined;
}

/** The command line of a submitted form and where its answer goes; undefined if the form was not made here. */
export function lineOfForm(metadata: string, values: FormState): { line: string; origin: AskOrigin } | undefined {
  const parsed = metadataSchema.safeParse(tryJson(metadata));
  if (!parsed.success) return undefined;
  const { c, p, v, m, x, ...origin } = parsed.data;
  const picked = values['choice']?.[x ? pointActionId : 'choice']?.selected_option?.value;
  const rest = picked === undefined ? undefined : x ? picked : v?.[Number(picked)];
  if ((v || x) && rest === undefined) return undefined;
  const typed = values['input']?.['input']?.value ?? '';
  const line = c.replace(/\{(input|choice)\}/g, (_, which) =>
    which === 'choice' ? quoteTyped(`${p ?? ''}${rest ?? ''}`, false) : quoteTyped(typed, m === 1),
  );
  return { line, origin };
}
/** The value of a JSON text; undefined if it is none. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
