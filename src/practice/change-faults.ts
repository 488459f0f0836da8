import type { Context } from './context.ts';
import { sendEvent } from './people/events.ts';
import { isObject, type Json } from './types.ts';

/**
 * Takes over the known fields of the right type; the rest is ignored. An outage cuts the sockets; a revoked token is told as the event
 * tokens_revoked when the manifest asks for it.
 */
export function changeFaults(ctx: Context, change: unknown): void {
  if (!isObject(change)) return;
  const before = { ...ctx.faults };
  const target = ctx.faults as unknown as Json;
  for (const [key, value] of Object.entries(change)) if (typeof value === typeof target[key]) target[key] = value;
  if (ctx.faults.outage && !before.outage) ctx.hub.drop();
  if (ctx.faults.tokenRevoked && !before.tokenRevoked)
    sendEvent(ctx, 'tokens_revoked', { type: 'tokens_revoked', tokens: { oauth: [], bot: [ctx.ws.app.id] } });
}
