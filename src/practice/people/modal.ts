import { ConflictError } from '../../core/errors.ts';
import { optionLists } from '../blocks/elements.ts';
import { interactiveElements } from '../blocks/find.ts';
import { newCheck } from '../blocks/problems.ts';
import type { Context } from '../context.ts';
import { closeViews, newView, pushView, replaceView, stackDepth, tellViews } from '../modals.ts';
import { type Ack, isObject, type Json, type StoredView } from '../types.ts';
import { SlackError } from '../web-api/slack-error.ts';
import { checkedView } from '../web-api/views.ts';
import { wireView } from '../wire.ts';
import { actor, payloadBase, textField } from './acting.ts';
import { placeOfElement, viewOf } from './click.ts';
import { actionValue, isEmpty } from './values.ts';

export interface SubmitResult {
  /** Errors beside the inputs, by block id; empty when the app took it. */
  errors: Record<string, string>;
  ack: Ack | undefined;
}

/** A person presses a modal's submit button. `values`: block id -> what was filled in (text, an option's value, a user id). */
export async function submit(ctx: Context, body: Json): Promise<SubmitResult> {
  const person = actor(ctx, body['as']);
  const view = viewOf(ctx, person, textField(body, 'view_id'));
  if (ctx.ws.state.stacks[person.id]?.at(-1) !== view.id) throw new ConflictError('Another dialog is on top of that one.');
  fill(view, isObject(body['values']) ? body['values'] : {});
  view.errors = missingInputs(view);
  if (Object.keys(view.errors).length > 0) {
    tellViews(ctx, person.id);
    return { errors: view.errors, ack: undefined };
  }
  const ack = await ctx.link.interaction({
    type: 'view_submission',
    ...payloadBase(ctx, person),
    trigger_id: ctx.tickets.newTrigger(person.id, view.id),
    view: wireView(ctx.ws, view),
    response_urls: [],
  });
  if (!ack.ok) {
    ctx.changes.emit({ type: 'notice', for: person.id, data: { text: 'We had some trouble connecting. Try again?' } });
    return { errors: {}, ack };
  }
  return { errors: applyAnswer(ctx, view, ack), ack };
}

/** What the app wants done with the stack: errors, update, push, clear; nothing closes the modal. */
function applyAnswer(ctx: Context, view: StoredView, ack: Ack): Record<string, string> {
  const answer = ack.body ?? {};
  const refuse = (why: unknown) => {
    const status = why instanceof SlackError ? why.code : String(why);
    ctx.journal.add({
      direction: 'in',
      what: 'answer to view_submission',
      transport: 'http',
      request: answer,
      status,
      answer: why instanceof SlackError ? why.extra : undefined,
      durationMs: 0,
      refused: true,
    });
    ctx.changes.emit({ type: 'notice', for: view.user, data: { text: 'We had some trouble connecting. Try again?' } });
    return {};
  };
  try {
    switch (answer['response_action']) {
      case undefined:
        closeViews(ctx, view.user, false);
        return {};
      case 'clear':
        closeViews(ctx, view.user, true);
        return {};
      case 'errors': {
        const errors = isObject(answer['errors']) ? answer['errors'] : {};
        const inputs = interactiveElements(view.view)
          .filter((e) => e.block['type'] === 'input')
          .map((e) => e.blockId);
        const entries = Object.entries(errors).map(([k, v]) => [k, String(v)] as const);
        if (entries.length === 0 || entries.some(([id]) => !inputs.includes(id)))
          return refuse('errors must name input blocks of the view');
        view.errors = Object.fromEntries(entries);
        tellViews(ctx, view.user);
        return view.errors;
      }
      case 'update':
        replaceView(ctx, view, checkedView(answer['view'], 'modal'));
        return {};
      case 'push':
        if ((ctx.ws.state.stacks[view.user]?.length ?? 0) >= stackDepth) return refuse('push_limit_reached');
        pushView(ctx, newView(view.user, checkedView(answer['view'], 'modal'), view));
        return {};
      default:
        return refuse('unknown response_action');
    }
  } catch (error) {
    if (error instanceof SlackError) return refuse(error);
    throw error;
  }
}

/** A person closes the top modal; the app hears of it only with notify_on_close. */
export async function closeModal(ctx: Context, body: Json): Promise<void> {
  const person = actor(ctx, body['as']);
  const view = viewOf(ctx, person, textField(body, 'view_id'));
  const clear = body['clear'] === true;
  closeViews(ctx, person.id, clear);
  if (view.view['notify_on_close'] !== true) return;
  await ctx.link.interaction({ type: 'view_closed', ...payloadBase(ctx, person), view: wireView(ctx.ws, view), is_cleared: clear });
}

/** The options of an external select for what has been typed (block_suggestion); at most 100, within 3 s. */
export async function suggest(ctx: Context, body: Json): Promise<{ options: Json[]; option_groups: Json[] }> {
  const person = actor(ctx, body['as']);
  const none = { options: [], option_groups: [] };
  // somebody may close a dialog while they type in it
  const viewId = body['view_id'];
  if (typeof viewId === 'string' && !ctx.ws.state.views[viewId] && ctx.ws.state.homes[person.id]?.id !== viewId) return none;
  const place = placeOfElement(ctx, person, body);
  const actionId = textField(body, 'action_id');
  const found = interactiveElements(place.source).find((e) => e.actionId === actionId && e.element['type'] === 'external_select');
  const value = typeof body['value'] === 'string' ? body['value'] : '';
  const least = typeof found?.element['min_query_length'] === 'number' ? found.element['min_query_length'] : 3;
  if (!found || value.length < least) return none;
  const ack = await ctx.link.interaction({
    type: 'block_suggestion',
    ...payloadBase(ctx, person),
    ...place.payload,
    action_id: actionId,
    block_id: found.blockId,
    value,
  });
  const answer = ack.body ?? {};
  const check = newCheck('modal');
  optionLists(check, '', answer);
  if (check.problems.length > 0) {
    ctx.journal.add({
      direction: 'in',
      what: 'answer to block_suggestion',
      transport: 'http',
      request: answer,
      status: 'invalid options',
      answer: check.problems,
      durationMs: 0,
      refused: true,
    });
    return none;
  }
  const list = (v: unknown) => (Array.isArray(v) ? v.filter(isObject) : []);
  return { options: list(answer['options']), option_groups: list(answer['option_groups']) };
}

function fill(view: StoredView, values: Json): void {
  for (const { blockId, actionId, element, block } of interactiveElements(view.view)) {
    const key = [blockId, labelOf(block)].find((k) => k !== '' && Object.hasOwn(values, k));
    if (key === undefined) continue;
    const { state } = actionValue(element, values[key]);
    if (state) view.values[blockId] = { ...view.values[blockId], [actionId]: state };
  }
}
function labelOf(block: Json): string {
  return isObject(block['label']) ? String(block['label']['text']) : '';
}

/** What Slack itself refuses before it asks the app: empty inputs that are not optional, texts that are too short or long. */
function missingInputs(view: StoredView): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const { block, blockId, actionId, element } of interactiveElements(view.view)) {
    if (block['type'] !== 'input') continue;
    const state = view.values[blockId]?.[actionId] as Json | undefined;
    if (isEmpty(state)) {
      if (block['optional'] !== true) errors[blockId] = 'Please complete this required field.';
      continue;
    }
    const value = state?.['value'];
    if (typeof value !== 'string') continue;
    const { min_length: min, max_length: max } = element;
    if (typeof min === 'number' && value.length < min) errors[blockId] = `Please enter at least ${min} characters.`;
    if (value.length > (typeof max === 'number' ? max : 3000))
      errors[blockId] = `Please enter no more than ${typeof max === 'number' ? max : 3000} characters.`;
  }
  return errors;
}
