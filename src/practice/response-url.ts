import type { Context } from './context.ts';
import type { ResponseTarget } from './tickets.ts';
import type { Json } from './types.ts';
import { contentOf, tsArg } from './web-api/content.ts';
import { SlackError } from './web-api/slack-error.ts';
import type { NewMessage } from './workspace.ts';

export interface ResponseAnswer {
  status: number;
  body: Json;
}

/** A POST to a response URL: answer the person, the channel, or replace or delete the message that was clicked (slack.md 1.1). */
export function respond(ctx: Context, path: string, body: Json): ResponseAnswer {
  const target = ctx.tickets.useResponse(path);
  if (typeof target === 'string') return { status: 404, body: { ok: false, error: target } };
  try {
    apply(ctx, target, body);
    return { status: 200, body: { ok: true } };
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    const status = error.code === 'message_not_found' ? 404 : 400;
    return { status, body: { ok: false, error: error.code, ...error.extra } };
  }
}

function apply(ctx: Context, target: ResponseTarget, body: Json): void {
  const original = target.messageTs === undefined ? undefined : ctx.ws.message(target.channel, target.messageTs);
  if (body['delete_original'] === true) {
    if (!original) throw new SlackError('message_not_found');
    ctx.ws.remove(original);
    return;
  }
  const content = contentOf(body);
  if (body['replace_original'] === true && target.messageTs !== undefined) {
    if (!original) throw new SlackError('message_not_found');
    Object.assign(original, { blocks: [], attachments: [] }, content, {
      editedTs: `${Math.floor(ctx.clock.now() / 1000)}.000000`,
      origin: target.origin,
    });
    ctx.ws.changed(original);
    return;
  }
  const type = body['response_type'] ?? 'ephemeral';
  if (type !== 'ephemeral' && type !== 'in_channel') throw new SlackError('invalid_response_type');
  const threadTs = tsArg(body, 'thread_ts') ?? (type === 'ephemeral' ? target.threadTs : undefined);
  const message: NewMessage = {
    channel: target.channel,
    user: ctx.ws.app.id,
    ...content,
    origin: target.origin,
    ...(type === 'ephemeral' ? { to: target.user } : {}),
    ...(threadTs === undefined ? {} : { threadTs }),
  };
  ctx.ws.add(message);
}
