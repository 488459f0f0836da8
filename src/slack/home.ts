import { context, type Message, type PersonRef } from '../core/message.ts';
import { ask, type ListenerContext } from './listener-context.ts';
import { renderMessage } from './render.ts';

/**
 * Puts what concerns a person into their home tab (Slack `views.publish`): what the command `home` says; never throws.
 * @param key names the event or click that asked for it.
 */
export async function publishHome(ctx: ListenerContext, person: PersonRef, key: string): Promise<void> {
  const { blocks } = renderMessage(await homeMessage(ctx, person, key));
  try {
    await ctx.web.views.publish({ user_id: person.userId, view: { type: 'home', blocks } });
  } catch (err) {
    ctx.log.warn({ err }, 'the home tab was not published');
  }
}

async function homeMessage(ctx: ListenerContext, person: PersonRef, key: string): Promise<Message> {
  const { result } = ask(ctx, { line: 'home', person, origin: { kind: 'button' }, deliveryKey: `home:${key}` });
  const reply = await result;
  const said = reply.later ? await reply.later : reply.message;
  return { ...said, parts: [...said.parts, context('Everything else: ', { code: `${ctx.commandNames[0]} help` }, ' in any channel.')] };
}
