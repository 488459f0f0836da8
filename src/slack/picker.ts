import type { Question } from '../commands/question.ts';
import type { PersonRef } from '../core/message.ts';
import { sleep } from '../core/time.ts';
import type { ListenerContext } from './listener-context.ts';
import type { AskOrigin, FormState } from './modal.ts';
import { rememberClick } from './modal-clicks.ts';
import { chosenJob, loadingModal, obstacleModal, type PickerState, pickerModal, pickerState } from './picker-modal.ts';

export interface PickerRequest {
  question: Question;
  person: PersonRef;
  triggerId: string;
  /** Where the answer of the form goes; its `click` names this request. */
  origin: AskOrigin;
  responseUrl: string | undefined;
}

/**
 * Opens the form for what a command line leaves out: first as "Loading…", because the trigger lives 3 s, then with its fields or with why there
 * is nothing to choose (Slack `views.open`, `views.update`). Once per request.
 * @returns false when Slack opened none: the trigger is used or too old, or Slack does not answer. Never rejects.
 */
export async function openPicker(ctx: ListenerContext, request: PickerRequest): Promise<boolean> {
  const { result } = ctx.opened.run(request.origin.click, () => open(ctx, request));
  return result;
}

async function open(ctx: ListenerContext, { question, person, triggerId, origin, responseUrl }: PickerRequest): Promise<boolean> {
  const state: PickerState = { line: question.line, origin };
  rememberClick(ctx.clicks, origin.click, responseUrl);
  let opened: { view_id: string; hash: string };
  try {
    const { view } = await ctx.web.views.open({ trigger_id: triggerId, view: loadingModal(question, state) });
    opened = { view_id: view?.id ?? '', hash: view?.hash ?? '' };
  } catch (err) {
    ctx.log.warn({ err, command: question.command.name }, 'a form did not open');
    return false;
  }
  ctx.background(fill(ctx, question, person, state, opened));
  return true;
}

const updateTries = 3;
/** Errors of `views.update` that say that the person has closed the form, or that it shows something newer. */
const isGone = /not_found|hash_conflict/;

async function fill(
  ctx: ListenerContext,
  question: Question,
  person: PersonRef,
  state: PickerState,
  opened: { view_id: string; hash: string },
): Promise<void> {
  const obstacle = await ctx.pickers?.obstacle(question.command, person);
  const view = obstacle ? obstacleModal(question, state, obstacle) : pickerModal(question, state);
  for (let tries = 1; ; tries++) {
    try {
      await ctx.web.views.update({ ...opened, view });
      return;
    } catch (err) {
      if (isGone.test(String(err))) return;
      // Without this the form says "Loading…" for ever.
      if (tries === updateTries) throw err;
      await sleep(500 * tries);
    }
  }
}

/** A job was chosen in a form whose restore points depend on it: they are asked for now (Slack `views.update`). Never rejects. */
export async function jobChosen(
  ctx: ListenerContext,
  view: { id: string; hash: string; private_metadata: string; state?: { values: FormState } },
): Promise<void> {
  const state = pickerState(view.private_metadata);
  const question = state && ctx.pickers?.question(state.line);
  if (!state || !question) return;
  const values = view.state?.values ?? {};
  const job = chosenJob(question, values);
  if (job === state.job) return;
  try {
    await ctx.web.views.update({ view_id: view.id, hash: view.hash, view: pickerModal(question, { ...state, job }, values) });
  } catch (err) {
    if (!isGone.test(String(err))) ctx.log.warn({ err }, 'a form could not show the restore points');
  }
}
