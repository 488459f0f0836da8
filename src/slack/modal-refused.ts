import type { KnownBlock, ModalView, PlainTextElement } from '@slack/types';
import { context, type Message, type Part } from '../core/message.ts';
import type { FormState } from './modal.ts';
import { renderMessage } from './render.ts';

/** What Slack tells of the view that was submitted. */
export interface SubmittedView {
  id: string;
  hash: string;
  callback_id: string;
  private_metadata: string;
  title: PlainTextElement;
  submit?: PlainTextElement | null;
  close?: PlainTextElement | null;
  blocks: KnownBlock[];
  state: { values: FormState };
}
const mark = 'refused-';
/** A refusal is a sentence and a hint; what is longer belongs on the page. */
const blocksAtMost = 6;

/** The same form once more, with what was refused above it and everything that was filled in kept (Slack: `response_action: update`). */
export function refusedModal(view: SubmittedView, refusal: Message): ModalView {
  const said = renderMessage({ ...refusal, parts: refusal.parts.map(withoutButtons) }).blocks;
  const above = said.slice(0, blocksAtMost).map((block, i) => ({ ...block, block_id: `${mark}${i}` }));
  const form = view.blocks.filter((block) => !block.block_id?.startsWith(mark)).map((block) => filledIn(block, view.state.values));
  return {
    type: 'modal',
    callback_id: view.callback_id,
    private_metadata: view.private_metadata,
    title: view.title,
    ...(view.submit ? { submit: view.submit } : {}),
    ...(view.close ? { close: view.close } : {}),
    blocks: [...above, ...form],
  };
}

/** What the buttons of a refusal would type, said in words: in a form they would leave it behind. */
function withoutButtons(part: Part): Part {
  if (part.kind !== 'actions') return part;
  const lines = part.actions.flatMap((a) => (a.command === undefined || a.input || a.choice ? [] : [a.command]));
  return context(...lines.flatMap((line, i) => [i === 0 ? 'Or type ' : ', or ', { code: `/flink ${line}` }]));
}

/** Slack keeps what was typed where the ids stay the same; the initial value says it also to clients that do not. */
export function filledIn(block: KnownBlock, values: FormState): KnownBlock {
  if (block.type !== 'input') return block;
  const { element } = block;
  const given = values[block.block_id ?? '']?.[element.action_id ?? ''];
  if (element.type === 'plain_text_input' && given?.value) return { ...block, element: { ...element, initial_value: given.value } };
  if (element.type === 'external_select') {
    const picked = given?.selected_option;
    return picked?.text ? { ...block, element: { ...element, initial_option: { ...picked, text: picked.text } } } : block;
  }
  if (element.type !== 'static_select') return block;
  const picked = element.options?.find((option) => option.value === given?.selected_option?.value);
  return picked ? { ...block, element: { ...element, initial_option: picked } } : block;
}
