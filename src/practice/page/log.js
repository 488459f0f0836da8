import { el } from './dom.js';
import { renderMessage } from './message.js';

const compactWithinS = 180;
/** The messages of a channel as nodes: days between them, those of one author in a row without a head. */
export function logNodes(state, channelId, view) {
  const { host } = view;
  const all = state.messages[channelId] ?? [];
  const shown = all.filter((m) => !m.threadTs || m.broadcast);
  const nodes = [];
  let before;
  let marked = false;
  for (const message of shown) {
    const day = new Date(Number(message.ts) * 1000).toDateString();
    if (!before || new Date(Number(before.ts) * 1000).toDateString() !== day)
      nodes.push(el('div', { class: 'day' }, el('span', { text: dayName(day, host.names) })));
    const isNew = state.newFrom !== undefined && !marked && message.ts > state.newFrom && message.user !== state.as;
    if (isNew) {
      marked = true;
      nodes.push(el('div', { class: 'day new' }, el('span', { text: 'New' })));
    }
    const compact =
      before !== undefined &&
      nodes.at(-1).tagName === 'ARTICLE' &&
      // A card of an app stands by itself; only short lines are drawn together.
      !(message.blocks?.length > 1) &&
      before.user === message.user &&
      !before.to === !message.to &&
      Number(message.ts) - Number(before.ts) < compactWithinS;
    nodes.push(
      renderMessage(message, {
        host,
        compact,
        inThread: false,
        openThread: view.openThread,
        replies: all.filter((m) => m.threadTs === message.ts && !m.to),
      }),
    );
    before = message;
  }
  return nodes.length ? nodes : [welcome(state, channelId, host.names)];
}
function welcome(state, channelId, names) {
  const command = state.app.commands[0]?.command ?? '';
  return el(
    'div',
    { class: 'welcome' },
    el('h2', { text: `This is the beginning of #${names.channel(channelId)}` }),
    el(
      'p',
      {},
      'Type ',
      el('code', { text: `${command} help` }),
      ` to see what ${state.app.name} can do. Everything here stays on this machine.`,
    ),
  );
}
function dayName(day, names) {
  const today = new Date(names.now());
  if (day === today.toDateString()) return 'Today';
  if (day === new Date(today.getTime() - 86_400_000).toDateString()) return 'Yesterday';
  return new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' }).format(new Date(day));
}

/** Draws a log and keeps its place; at the bottom it stays at the bottom. */
export function keepPlace(log, draw) {
  const atBottom = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const top = log.scrollTop;
  draw();
  log.scrollTop = atBottom ? log.scrollHeight : top;
}
