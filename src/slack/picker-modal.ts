import type { InputBlock, KnownBlock, ModalView } from '@slack/types';
import { z } from 'zod';
import type { Question, QuestionField } from '../commands/question.ts';
import { clean } from '../core/clean.ts';
import type { Message } from '../core/message.ts';
import { truncate } from '../core/text.ts';
import { type AskOrigin, type FormState, jobActionId, plain, pointActionId, pointSelect, tryJson } from './modal.ts';
import { filledIn } from './modal-refused.ts';
import { renderMessage } from './render.ts';

export const pickerCallbackId = 'sluice_pick';

/** What the form keeps of itself, so that it works after a restart: the line as it was typed, and the job once one is chosen. */
export interface PickerState {
  line: string;
  job?: string | undefined;
  origin: AskOrigin;
}
const metadataSchema = z.object({
  l: z.string(),
  j: z.string().optional(),
  channel: z.string().optional(),
  threadTs: z.string().optional(),
  messageTs: z.string().optional(),
  click: z.string(),
});

/** Reads a form's `private_metadata`; undefined if it was not made here. */
export function pickerState(metadata: string): PickerState | undefined {
  const parsed = metadataSchema.safeParse(tryJson(metadata));
  if (!parsed.success) return undefined;
  const { l, j, ...origin } = parsed.data;
  return { line: l, job: j, origin };
}
function metadataOf({ line, job, origin }: PickerState): string {
  const given = Object.entries({ l: line, j: job, ...origin }).filter(([, value]) => value !== undefined);
  return JSON.stringify(Object.fromEntries(given));
}

/** What stands there until the form is ready: a trigger lives 3 s, which is no time to ask the state store first. */
export function loadingModal(question: Question, state: PickerState): ModalView {
  return { ...frame(question, state), blocks: [{ type: 'section', text: plain('Loading…') }] };
}
/** Why there is nothing to choose. */
export function obstacleModal(question: Question, state: PickerState, why: Message): ModalView {
  const parts = why.parts.filter((part) => part.kind !== 'actions');
  return { ...frame(question, state), blocks: renderMessage({ ...why, parts }).blocks };
}

/**
 * The form that asks for what a command line leaves out: the job, then what else the command needs. Restore points are those of the chosen job,
 * so they are asked for once it is; `values` is what was filled in so far.
 */
export function pickerModal(question: Question, state: PickerState, values: FormState = {}): ModalView {
  const { command, fields } = question;
  const dependent = fields.some((field) => field.kind === 'restore-point');
  const blocks = fields.flatMap((field): KnownBlock[] => {
    if (field.kind === 'job') return [jobInput(field, dependent, state.job === undefined)];
    if (field.kind !== 'restore-point') return [textInput(field)];
    if (state.job === undefined)
      return [{ type: 'context', elements: [plain('Choose the job first; its restore points can be chosen then.')] }];
    return [{ type: 'input', block_id: blockId(field, state.job), label: plain(field.label), element: pointSelect() }];
  });
  return {
    ...frame(question, state),
    submit: plain(command.kind === 'read' ? 'Show' : capital(command.name)),
    blocks: [
      { type: 'section', text: plain(truncate(command.summary, 3000)) },
      ...blocks.map((block) => filledIn(block, values)),
      { type: 'context', elements: [plain(`The same as /flink ${example(question)}`)] },
    ],
  };
}
function frame(question: Question, state: PickerState): Pick<ModalView, 'type' | 'callback_id' | 'title' | 'close' | 'private_metadata'> {
  return {
    type: 'modal',
    callback_id: pickerCallbackId,
    title: plain(truncate(`/flink ${question.command.name}`, 24)),
    close: plain('Close'),
    private_metadata: metadataOf(state),
  };
}
function jobInput(field: QuestionField, dependent: boolean, first: boolean): InputBlock {
  return {
    type: 'input',
    block_id: blockId(field),
    label: plain(field.label),
    // Slack does not tell one select what was chosen in another, so the choice is told at once (bolt-js #1146).
    ...(dependent ? { dispatch_action: true } : {}),
    element: {
      type: 'external_select',
      action_id: jobActionId,
      min_query_length: 0,
      placeholder: plain('Type a part of the name'),
      ...(first ? { focus_on_load: true } : {}),
    },
  };
}
function textInput(field: QuestionField): InputBlock {
  return {
    type: 'input',
    block_id: blockId(field),
    label: plain(truncate(field.label.replace(/\.$/, ''), 2000)),
    element: { type: 'plain_text_input', action_id: 'text', max_length: 1000, multiline: field.kind === 'text' && field.label === 'Why?' },
  };
}
/** Another job has other restore points: another id, so that Slack does not keep the old choice. */
function blockId(field: QuestionField, job = ''): string {
  return `pick:${field.name}${field.kind === 'restore-point' ? `:${job.slice(0, 200)}` : ''}`;
}
function example(question: Question): string {
  const shown = Object.fromEntries(question.fields.map(({ name, shown: word }) => [name, word]));
  return truncate(clean(question.complete(shown)).replace(/"(<[^">]+>)"/g, '$1'), 300);
}
function capital(word: string): string {
  return truncate(
    word.replace(/^./, (c) => c.toUpperCase()),
    24,
  );
}

/** The job that was chosen, if one was. */
export function chosenJob(question: Question, values: FormState): string | undefined {
  const field = question.fields.find(({ kind }) => kind === 'job');
  return field && values[blockId(field)]?.[jobActionId]?.selected_option?.value;
}
/** The whole command line of a submitted form; undefined when the restore point could not be asked for yet, or is another job's. */
export function lineOfPicker(question: Question, values: FormState): string | undefined {
  const job = chosenJob(question, values);
  const filled: Record<string, string | undefined> = {};
  for (const field of question.fields) {
    if (field.kind === 'job') filled[field.name] = job;
    else if (field.kind === 'restore-point') filled[field.name] = values[blockId(field, job)]?.[pointActionId]?.selected_option?.value;
    else filled[field.name] = values[blockId(field)]?.['text']?.value ?? undefined;
    if (filled[field.name] === undefined) return undefined;
  }
  return question.complete(filled);
}

/** A list as Slack takes it: 100 options, 75 characters each, cut at grapheme borders; what cannot be a value as it is, is left out. */
export function slackOptions(choices: readonly { label: string; description: string; value: string }[]) {
  return choices
    .filter(({ value }) => value !== '' && value.length <= 75 && clean(value) === value)
    .slice(0, 100)
    .map(({ label, description, value }) => {
      const below = truncate(clean(description), 75);
      return { text: plain(truncate(clean(label), 75).trim() || '–'), value, ...(below.trim() ? { description: plain(below) } : {}) };
    });
}
