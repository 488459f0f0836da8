import { ConflictError } from '../../core/errors.ts';
import { interactiveElements } from '../blocks/find.ts';
import type { Context } from '../context.ts';
import { closeViews, newView, pushView, replaceView, stackDepth, tellViews } from '../modals.ts';
import { type Ack, isObject, type Json, type Person, type StoredView } from '../types.ts';
import { SlackError } from '../web-api/slack-error.ts';
import { checkedView } from '../web-api/views.ts';
import { wireView } from '../wire.ts';
import { actor, payloadBase, textField } from './acting.ts';
import { viewOf, viewPlace } from './click.ts';
import { pickTyped } from './suggest.ts';
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
  await fill(ctx, person, view, isObject(body['values']) ? body['values'] : {});
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

async function fill(ctx: Context, person: Person, view: StoredView, values: Json): Promise<void> {
  for (const found of interactiveElements(view.view)) {
    const { blockId, actionId, element, block } = found;
    const key = [blockId, labelOf(block)].find((k) => k !== '' && Object.hasOwn(values, k));
    if (key === undefined) continue;
    const value = values[key];
    // the page sends the option that was picked, a test what is typed to find it
    const typed = element['type'] === 'external_select' && typeof value === 'string' && value !== '';
    const chosen = typed ? await pickTyped(ctx, person, viewPlace(ctx, view), found, value) : value;
    const { state } = actionValue(element, chosen);
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
