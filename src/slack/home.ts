import { actions, context, type Message, type Part, type PersonRef, text } from '../core/message.ts';
import { ask, type ListenerContext } from './listener-context.ts';
import { renderMessage } from './render.ts';

/** What the tab shows, from the commands that say the same when typed: what waits for the person and is in progress, then the jobs. */
const lines = ['operations all', 'list'];

/**
 * Puts what concerns a person into their home tab (Slack `views.publish`); never throws.
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
  const said: Message[] = [];
  for (const line of lines) {
    const { result } = ask(ctx, { line, person, origin: { kind: 'button' }, deliveryKey: `home:${key}:${line}` });
    const reply = await result;
    said.push(reply.later ? await reply.later : reply.message);
  }
  // Who may see nothing is told so once.
  const [first, ...rest] = said.filter((m, i) => said.findIndex((other) => other.title === m.title) === i);
  const more = rest.flatMap((m): Part[] => [text({ bold: m.title }), ...m.parts]);
  const parts = [...(first?.parts ?? []), ...more].flatMap(withoutSharing);
  const help = context('Everything else: ', { code: `${ctx.commandNames[0]} help` }, ' in any channel.');
  return { tone: first?.tone ?? 'neutral', title: first?.title ?? 'Sluice', parts: [...parts, help] };
}
/** There is no channel here to share anything in. */
function withoutSharing(part: Part): Part[] {
  if (part.kind !== 'actions') return [part];
  const kept = part.actions.filter((action) => !/(^| )--share( |$)/.test(action.command ?? ''));
  return kept.length === 0 ? [] : [actions(...kept)];
}
