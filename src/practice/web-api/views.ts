import { validateView } from '../blocks/validate.ts';
import type { Context } from '../context.ts';
import { newView, openView, pushView, replaceView, stackDepth } from '../modals.ts';
import { isObject, type Json, type StoredView } from '../types.ts';
import { wireView } from '../wire.ts';
import { requiredArg, textArg } from './arguments.ts';
import { type Method, personArg } from './method.ts';
import { argumentError, problemsError, SlackError } from './slack-error.ts';

/** A view that Slack would take. @throws SlackError invalid_arguments, view_too_large */
export function checkedView(view: unknown, type: 'modal' | 'home'): Json {
  if (!isObject(view)) throw argumentError('missing required field: view');
  const verdict = validateView(view);
  if (view['type'] !== type) throw argumentError(`invalid view type, expected ${type} [json-pointer:/view/type]`);
  if (verdict.problems.length > 0) throw problemsError('invalid_arguments', verdict.problems);
  if (verdict.tooLarge) throw new SlackError('view_too_large');
  return view;
}
function trigger(ctx: Context, args: Json): { user: string; fromView: string | undefined } {
  const used = ctx.tickets.useTrigger(requiredArg(args, 'trigger_id'));
  if (typeof used === 'string') throw new SlackError(used);
  return used;
}
function checkHash(stored: StoredView | undefined, args: Json): void {
  const hash = textArg(args, 'hash');
  if (hash !== undefined && hash !== stored?.hash) throw new SlackError('hash_conflict');
}
function uniqueExternalId(ctx: Context, view: Json, except?: StoredView): void {
  const id = view['external_id'];
  if (typeof id !== 'string' || id === '') return;
  if (Object.values(ctx.ws.state.views).some((v) => v !== except && v.view['external_id'] === id))
    throw new SlackError('duplicate_external_id');
}

export const viewMethods: Record<string, Method> = {
  'views.open': {
    token: 'bot',
    tier: 'tier4',
    run(ctx, args) {
      const view = checkedView(args['view'], 'modal');
      uniqueExternalId(ctx, view);
      const { user } = trigger(ctx, args);
      const stored = newView(user, view);
      openView(ctx, stored);
      return { view: wireView(ctx.ws, stored) };
    },
  },
  'views.push': {
    token: 'bot',
    tier: 'tier4',
    run(ctx, args) {
      const view = checkedView(args['view'], 'modal');
      uniqueExternalId(ctx, view);
      const { user, fromView } = trigger(ctx, args);
      const stack = ctx.ws.state.stacks[user] ?? [];
      // a push needs a trigger that came from the modal itself
      if (fromView === undefined || !stack.includes(fromView)) throw new SlackError('not_found');
      if (stack.length >= stackDepth) throw new SlackError('push_limit_reached');
      const stored = newView(user, view, ctx.ws.state.views[stack.at(-1) ?? '']);
      pushView(ctx, stored);
      return { view: wireView(ctx.ws, stored) };
    },
  },
  'views.update': {
    token: 'bot',
    tier: 'tier4',
    run(ctx, args) {
      const view = checkedView(args['view'], 'modal');
      const id = textArg(args, 'view_id');
      const externalId = textArg(args, 'external_id');
      if (id === undefined && externalId === undefined) throw argumentError('missing required field: view_id or external_id');
      const stored = Object.values(ctx.ws.state.views).find((v) => (id === undefined ? v.view['external_id'] === externalId : v.id === id));
      if (!stored) throw new SlackError('not_found');
      checkHash(stored, args);
      uniqueExternalId(ctx, view, stored);
      replaceView(ctx, stored, view);
      return { view: wireView(ctx.ws, stored) };
    },
  },
  'views.publish': {
    token: 'bot',
    tier: 'tier4',
    run(ctx, args) {
      if (!ctx.setup.homeTab) throw new SlackError('not_enabled');
      const person = personArg(ctx, args, 'user_id');
      const view = checkedView(args['view'], 'home');
      checkHash(ctx.ws.state.homes[person.id], args);
      const stored = newView(person.id, view);
      ctx.ws.state.homes[person.id] = stored;
      ctx.changes.emit({ type: 'home', for: person.id, data: { view: wireView(ctx.ws, stored) } });
      return { view: wireView(ctx.ws, stored) };
    },
  },
};
