import { UserError } from '../../core/errors.ts';
import { optionLists } from '../blocks/elements.ts';
import { type FoundElement, interactiveElements } from '../blocks/find.ts';
import { newCheck } from '../blocks/problems.ts';
import type { Context } from '../context.ts';
import { initialValues } from '../modals.ts';
import { type Ack, isObject, type Json, type Person } from '../types.ts';
import { actor, payloadBase, textField } from './acting.ts';
import { type Place, placeOfElement } from './click.ts';

export interface Suggestions {
  options: Json[];
  option_groups: Json[];
  /** Why the list is empty when the app did not give it; Slack shows only "No results". */
  problem?: string;
}
const none: Suggestions = { options: [], option_groups: [] };

/** The options of an external select for what has been typed (block_suggestion); at most 100, within 3 s. */
export async function suggest(ctx: Context, body: Json): Promise<Suggestions> {
  const person = actor(ctx, body['as']);
  // somebody may close a dialog while they type in it
  const viewId = body['view_id'];
  if (typeof viewId === 'string' && !ctx.ws.state.views[viewId] && ctx.ws.state.homes[person.id]?.id !== viewId) return none;
  const place = placeOfElement(ctx, person, body);
  const actionId = textField(body, 'action_id');
  const found = interactiveElements(place.source).find((e) => e.actionId === actionId && e.element['type'] === 'external_select');
  const typed = typeof body['value'] === 'string' ? body['value'] : '';
  const least = typeof found?.element['min_query_length'] === 'number' ? found.element['min_query_length'] : 3;
  return !found || typed.length < least ? none : ask(ctx, person, place, found, typed);
}

async function ask(ctx: Context, person: Person, place: Place, { actionId, blockId }: FoundElement, typed: string): Promise<Suggestions> {
  const ack = await ctx.link.interaction({
    type: 'block_suggestion',
    ...payloadBase(ctx, person),
    ...place.payload,
    // what was filled in since the app last gave the view is not in it (bolt-js #1146, java-slack-sdk #1292)
    ...(isObject(place.payload['view'])
      ? { view: { ...place.payload['view'], state: { values: initialValues(place.source as Json, {}) } } }
      : {}),
    action_id: actionId,
    block_id: blockId,
    value: typed,
  });
  if (!ack.ok) return { ...none, problem: unanswered(ctx, ack) };
  const answer = ack.body ?? {};
  const check = newCheck('modal');
  optionLists(check, '', answer, 0);
  const lists = ['options', 'option_groups'].filter((key) => answer[key] !== undefined).length;
  const why = lists === 1 ? undefined : 'exactly one of options and option_groups must be given';
  if (why !== undefined || check.problems.length > 0) {
    ctx.journal.add({
      direction: 'in',
      what: 'answer to block_suggestion',
      transport: 'http',
      request: answer,
      status: 'invalid options',
      answer: why ?? check.problems,
      durationMs: 0,
      refused: true,
    });
    return { ...none, problem: `The app's answer is not a list that Slack takes: ${why ?? check.problems[0]?.message ?? ''}.` };
  }
  const list = (v: unknown) => (Array.isArray(v) ? v.filter(isObject) : []);
  return { options: list(answer['options']), option_groups: list(answer['option_groups']) };
}
function unanswered(ctx: Context, ack: Ack): string {
  if (ctx.setup.urls?.interactivity !== undefined && ctx.setup.urls.options === undefined)
    return 'The manifest names no message_menu_options_url, so the app is not asked.';
  return ack.error === 'operation_timeout' ? 'The app did not answer within 3 s.' : 'The app did not answer.';
}

/** What a person picks who types a text into an external select: the option of that value or text, else the first that contains it. @throws UserError */
export async function pickTyped(ctx: Context, person: Person, place: Place, element: FoundElement, typed: string): Promise<Json> {
  const least = Number(element.element['min_query_length'] ?? 3);
  const found = await ask(ctx, person, place, element, typed.length < least ? typed.padEnd(least) : typed);
  const all = [...found.options, ...found.option_groups.flatMap((g) => (Array.isArray(g['options']) ? g['options'].filter(isObject) : []))];
  const textOf = (o: Json) => (isObject(o['text']) ? String(o['text']['text']) : '');
  const picked = all.find((o) => o['value'] === typed || textOf(o) === typed) ?? all.find((o) => textOf(o).includes(typed)) ?? all[0];
  if (!picked) throw new UserError(found.problem ?? `Nothing is offered for ${typed}.`);
  return picked;
}
