import { el } from './dom.js';
import { renderMessage } from './message.js';

const compactWithinS = 180;
/** The messages of a channel for `fill`: days between them, those of one author in a row without a head. */
export function logItems(state, channelId, view) {
  const { host } = view;
  const all = state.messages[channelId] ?? [];
  const items = [];
  const line = (key, text, kind = '') =>
    items.push({ key, same: [text], make: () => el('div', { class: `day ${kind}` }, el('span', { text })) });
  const replies = new Map();
  for (const m of all)
    if (m.threadTs && !m.to) {
      if (replies.has(m.threadTs)) replies.get(m.threadTs).push(m);
      else replies.set(m.threadTs, [m]);
    }
  let before;
  let marked = false;
  for (const message of all) {
    if (message.threadTs && !message.broadcast) continue;
    const day = new Date(Number(message.ts) * 1000).toDateString();
    const newDay = !before || new Date(Number(before.ts) * 1000).toDateString() !== day;
    if (newDay) line(`day ${day}`, dayName(day, host.names));
    const isNew = state.newFrom !== undefined && !marked && message.ts > state.newFrom && message.user !== state.as;
    if (isNew) {
      marked = true;
      line('new', 'New', 'new');
    }
    const compact =
      !newDay &&
      !isNew &&
      // A card of an app stands by itself; only short lines are drawn together.
      !(message.blocks?.length > 1) &&
      before.user === message.user &&
      !before.to === !message.to &&
      Number(message.ts) - Number(before.ts) < compactWithinS;
    const answers = replies.get(message.ts) ?? [];
    items.push({
      key: message.ts,
      same: [message, compact, answers.length, answers.at(-1)?.ts, state.clockOffsetMs],
      make: () => renderMessage(message, { host, compact, inThread: false, openThread: view.openThread, replies: answers }),
    });
    before = message;
  }
  return items.length ? items : [{ key: 'welcome', same: [], make: () => welcome(state, channelId, host.names) }];
}
function welcome(state, channelId, names) {
  const command = state.app.commands[0]?.command ?? '';
  const channel = state.channels.find((c) => c.id === channelId);
  const where = channel?.im === undefined ? `#${names.channel(channelId)}` : `your messages with ${state.app.name}`;
  return el(
    'div',
    { class: 'welcome' },
    el('h2', { text: `This is the beginning of ${where}` }),
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

/** What each log shows: by key, what it was made of and its node. */
const shown = new WeakMap();

/**
 * Fills a log with `{key, same, make}`: a node stays as it is while its `same` is the same, so that what goes on elsewhere in the channel
 * takes neither an open menu nor the focus nor a selection away. A message that did change gets its focus and its open menus back.
 */
export function fill(log, items) {
  const before = shown.get(log) ?? new Map();
  const now = new Map();
  const replaced = [];
  for (const { key, same, make } of items) {
    const old = before.get(key);
    const stays = old && old.same.length === same.length && old.same.every((part, i) => part === same[i]);
    const entry = stays ? old : { same, node: make() };
    if (old && !stays) replaced.push([old.node, entry.node]);
    now.set(key, entry);
  }
  shown.set(log, now);
  const places = replaced.map(([old, fresh]) => [fresh, placesIn(old)]);
  const wanted = [...now.values()].map((entry) => entry.node);
  const staying = new Set(wanted);
  for (const child of [...log.children]) if (!staying.has(child)) child.remove();
  for (const [i, node] of wanted.entries()) if (log.children[i] !== node) log.insertBefore(node, log.children[i] ?? null);
  for (const [fresh, place] of places) giveBack(fresh, place);
}
const focusable = 'a, button, input, select, textarea, summary';
/** Where the focus is in a node and which of its menus are open, for `giveBack` to what is put in its place. */
export function placesIn(node) {
  return {
    top: node.scrollTop,
    focused: [...node.querySelectorAll(focusable)].indexOf(document.activeElement),
    open: [...node.querySelectorAll('details')].map((d) => d.open),
  };
}
export function giveBack(node, { focused, open }) {
  const menus = [...node.querySelectorAll('details')];
  if (menus.length === open.length)
    for (const [i, menu] of menus.entries()) {
      menu.open = open[i];
    }
  if (focused >= 0) node.querySelectorAll(focusable)[focused]?.focus({ preventScroll: true });
}

/** Draws a log and keeps its place; at the bottom it stays at the bottom. */
export function keepPlace(log, draw) {
  const atBottom = isAtBottom(log);
  draw();
  if (atBottom) log.scrollTop = log.scrollHeight;
}
export function isAtBottom(log) {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
}
