import { randomBytes } from 'node:crypto';
import { interactiveElements, withIds } from './blocks/find.ts';
import type { Context } from './context.ts';
import { isObject, type Json, type StoredView } from './types.ts';
import { wireView } from './wire.ts';

export const stackDepth = 3;

/** A view as it is kept, with ids given to blocks that have none; values of blocks that stay the same are kept. */
export function newView(user: string, view: Json, previous?: StoredView): StoredView {
  const id = `V${randomBytes(6).toString('hex').toUpperCase()}`;
  const stored: StoredView = {
    id,
    type: view['type'] === 'home' ? 'home' : 'modal',
    user,
    hash: newHash(),
    rootId: previous?.rootId ?? id,
    previousId: previous?.id,
    view: { ...view, blocks: withIds(view['blocks']) },
    values: {},
  };
  stored.values = initialValues(stored.view, {});
  return stored;
}
function newHash(): string {
  return `${Math.floor(Date.now() / 1000)}.${randomBytes(4).toString('hex')}`;
}

/** Puts a new definition into an open view (views.update): inputs with the same ids keep what was filled in. */
export function replaceView(ctx: Context, stored: StoredView, view: Json): void {
  stored.view = { ...view, blocks: withIds(view['blocks']) };
  stored.values = initialValues(stored.view, stored.values);
  stored.hash = newHash();
  delete stored.errors;
  tellViews(ctx, stored.user);
}

/** Puts a modal on top of a person's stack. */
export function pushView(ctx: Context, stored: StoredView): void {
  ctx.ws.state.views[stored.id] = stored;
  ctx.ws.state.stacks[stored.user] = [...(ctx.ws.state.stacks[stored.user] ?? []), stored.id];
  tellViews(ctx, stored.user);
}

/** Opens a modal as the only one. */
export function openView(ctx: Context, stored: StoredView): void {
  dropStack(ctx, stored.user);
  pushView(ctx, stored);
}

/** Closes the top modal, or all of them. */
export function closeViews(ctx: Context, user: string, all: boolean): void {
  if (all) dropStack(ctx, user);
  else {
    const id = ctx.ws.state.stacks[user]?.pop();
    if (id !== undefined) delete ctx.ws.state.views[id];
  }
  tellViews(ctx, user);
}
function dropStack(ctx: Context, user: string): void {
  for (const id of ctx.ws.state.stacks[user] ?? []) delete ctx.ws.state.views[id];
  delete ctx.ws.state.stacks[user];
}

/** The open modals of a person, the top one last. */
export function viewStack(ctx: Context, user: string): Json[] {
  return (ctx.ws.state.stacks[user] ?? []).flatMap((id) => {
    const view = ctx.ws.state.views[id];
    return view ? [{ ...wireView(ctx.ws, view), errors: view.errors ?? {} }] : [];
  });
}
export function tellViews(ctx: Context, user: string): void {
  ctx.changes.emit({ type: 'view', for: user, data: { stack: viewStack(ctx, user) } });
}

/** `state.values`: what the inputs hold at first, or held before. */
export function initialValues(view: Json, before: Record<string, Json>): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const { blockId, actionId, element } of interactiveElements(view)) {
    const kept = before[blockId]?.[actionId];
    const value = kept ?? initialValue(element);
    if (value !== undefined) values[blockId] = { ...values[blockId], [actionId]: value };
  }
  return values;
}
function initialValue(element: Json): Json | undefined {
  switch (element['type']) {
    case 'plain_text_input':
      return { type: 'plain_text_input', value: element['initial_value'] ?? null };
    case 'static_select':
    case 'external_select':
    case 'radio_buttons':
      return { type: element['type'], selected_option: isObject(element['initial_option']) ? element['initial_option'] : null };
    case 'users_select':
      return { type: 'users_select', selected_user: element['initial_user'] ?? null };
    case 'checkboxes':
      return { type: 'checkboxes', selected_options: element['initial_options'] ?? [] };
    default:
      return undefined;
  }
}
