import { randomUUID } from 'node:crypto';
import { ConflictError, NotFoundError, UserError } from '../../core/errors.ts';
import { interactiveElements } from '../blocks/find.ts';
import type { Context } from '../context.ts';
import type { Ack, Channel, Json, Person, StoredMessage, StoredView } from '../types.ts';
import { wireMessage, wireView } from '../wire.ts';
import { actor, channelName, messageOf, mustBeIn, payloadBase, placeOf, textField } from './acting.ts';
import { actionValue } from './values.ts';

export interface Interaction {
  id: string;
  ack: Ack;
}

/** Where the pressed element is: a message, a modal or the Home tab. */
export interface Place {
  source: { blocks?: unknown; attachments?: unknown };
  payload: Json;
  values: Record<string, Json>;
  keep(values: Record<string, Json>): void;
  response?: { channel: string; messageTs: string; threadTs?: string };
  viewId?: string;
}

/**
 * A person presses a button or chooses in a select (block_actions). `body`: as, action_id, block_id?, value? (of the choice),
 * and channel + ts of the message (an ephemeral one too) or view_id.
 */
export async function click(ctx: Context, body: Json): Promise<Interaction> {
  const person = actor(ctx, body['as']);
  const place = placeOfElement(ctx, person, body);
  const actionId = textField(body, 'action_id');
  const found = interactiveElements(place.source).find(
    (e) => e.actionId === actionId && (body['block_id'] === undefined || e.blockId === body['block_id']),
  );
  if (!found) throw new NotFoundError(`There is no button or menu ${actionId} any more.`);
  const chosen = actionValue(found.element, body['value']);
  if (chosen.state) place.keep({ ...place.values, [found.blockId]: { ...place.values[found.blockId], [actionId]: chosen.state } });
  const id = randomUUID();
  if (found.block['type'] === 'input' && found.block['dispatch_action'] !== true) return { id, ack: { ok: true, durationMs: 0 } };
  if (!ctx.setup.interactivity) {
    ctx.changes.emit({ type: 'notice', for: person.id, data: { text: 'This app is not configured to handle interactive responses.' } });
    return { id, ack: { ok: false, error: 'dispatch_failed', durationMs: 0 } };
  }
  const payload = {
    type: 'block_actions',
    ...payloadBase(ctx, person),
    ...place.payload,
    ...(place.viewId === undefined ? { state: { values: place.values } } : {}),
    trigger_id: ctx.tickets.newTrigger(person.id, place.viewId),
    ...(place.response
      ? { response_url: ctx.url() + ctx.tickets.newResponsePath({ kind: 'actions', user: person.id, ...place.response, origin: id }) }
      : {}),
    actions: [{ action_id: actionId, block_id: found.blockId, ...chosen.action, action_ts: (ctx.clock.now() / 1000).toFixed(6) }],
  };
  const ack = await ctx.link.interaction(payload);
  if (!ack.ok) complain(ctx, person, place.response?.channel, ack);
  return { id, ack };
}

/** The mark that Slack puts beside an element whose click nobody took. */
export function complain(ctx: Context, person: Person, channel: string | undefined, ack: Ack): void {
  const text = `The app did not respond to that (${ack.error ?? 'dispatch_failed'}). Try again.`;
  ctx.changes.emit({ type: 'notice', for: person.id, ...(channel === undefined ? {} : { channel }), data: { text } });
}

export function placeOfElement(ctx: Context, person: Person, body: Json): Place {
  if (typeof body['view_id'] === 'string') return viewPlace(ctx, viewOf(ctx, person, body['view_id']));
  const channel = placeOf(ctx, person, body['channel']);
  const message = messageOf(ctx, person, channel, body['ts']);
  if (message.user !== ctx.ws.app.id) throw new UserError('Only messages of the app have buttons.');
  mustBeIn(person, channel);
  return messagePlace(ctx, person, channel, message);
}

/** A view that this person has open. @throws ConflictError */
export function viewOf(ctx: Context, person: Person, id: string): StoredView {
  const home = ctx.ws.state.homes[person.id];
  const view = ctx.ws.state.views[id] ?? (home?.id === id ? home : undefined);
  if (!view || view.user !== person.id) throw new ConflictError('That dialog is closed.');
  return view;
}
/** Where the elements of a view are. */
export function viewPlace(ctx: Context, view: StoredView): Place {
  return {
    source: view.view,
    get payload() {
      return { container: { type: 'view', view_id: view.id }, view: wireView(ctx.ws, view) };
    },
    values: view.values,
    keep(values) {
      view.values = values;
    },
    viewId: view.id,
  };
}
function messagePlace(ctx: Context, person: Person, channel: Channel, message: StoredMessage): Place {
  const values = (message.inputs?.[person.id] ?? {}) as Record<string, Json>;
  const threadTs = message.threadTs;
  return {
    source: message,
    payload: {
      container: {
        type: 'message',
        message_ts: message.ts,
        ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
        channel_id: channel.id,
        is_ephemeral: message.to !== undefined,
      },
      channel: { id: channel.id, name: channelName(channel) },
      // an ephemeral message is not in the payload: Slack does not keep it
      ...(message.to ? {} : { message: wireMessage(ctx.ws, message, { metadata: true }) }),
    },
    values,
    keep(next) {
      Object.assign(values, next);
      message.inputs = { ...message.inputs, [person.id]: next };
    },
    response: { channel: channel.id, messageTs: message.ts, ...(threadTs === undefined ? {} : { threadTs }) },
  };
}
