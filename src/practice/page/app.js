import { composer, offer } from './composer.js';
import { follow } from './connection.js';
import { el, post, toast, when } from './dom.js';
import { header } from './head.js';
import { homePage } from './home.js';
import { drawMeta, isOpen, journalEntry, toggleInspector } from './inspector.js';
import { fill, giveBack, isAtBottom, keepPlace, logItems, placesIn } from './log.js';
import { showModals } from './modal.js';
import { namesOf } from './names.js';
import { goTo, messageAt, newestButton } from './places.js';
import { listedChannels, sidebarNodes } from './sidebar.js';
import { threadPanel } from './thread.js';

const address = new URL(location.href);
const linked = messageAt(address);
/** The workspace as this person sees it, and what is on screen. */
const state = {
  // a tab is one person; a new one begins as who was acted as last
  as: address.searchParams.get('as') ?? sessionStorage.getItem('as') ?? localStorage.getItem('as') ?? document.body.dataset.first,
  channel: linked?.channel ?? address.searchParams.get('channel') ?? undefined,
  thread: address.searchParams.get('thread_ts') ?? undefined,
  goto: linked?.ts,
  ready: false,
};
let disconnect;
/** Set while a button is held down. */
let held;
const longestPressMs = 1500;
/** A window from this width on has room for the thread and the inspector side by side. */
const bothPanelsPx = 1500;
const waiting = [];

const names = namesOf(state);
const host = { names, shortcuts: () => state.app.shortcuts.filter((s) => s.type === 'message') };

const sidebar = el('nav', { class: 'sidebar', 'aria-label': 'Channels' });
const main = el('main', { class: 'main' });
const thread = threadPanel(state, { host, openThread, place });
const layout = el('div', { class: 'layout' }, sidebar, main);
document.body.append(layout);
main.addEventListener('click', (event) => {
  if (!event.target.closest('.burger')) document.body.classList.remove('nav-open');
});

connect();
setInterval(() => {
  if (!state.ready) return;
  for (const time of document.querySelectorAll('time[data-ts]')) time.textContent = when(time.dataset.ts, names.now());
}, 20_000);
document.addEventListener('keydown', (event) => {
  const menu = event.key === 'Escape' && document.querySelector('details.overflow[open]');
  if (menu) {
    menu.open = false;
    menu.querySelector('summary').focus();
  } else if (event.key === 'Escape' && state.thread && !document.querySelector('dialog[open]')) openThread(undefined);
  if (event.altKey && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    event.preventDefault();
    const order = listed().map((c) => c.id);
    const next = order[(order.indexOf(state.channel) + (event.key === 'ArrowDown' ? 1 : order.length - 1)) % order.length];
    if (next) openChannel(next);
  }
});
document.addEventListener('click', (event) => {
  for (const menu of document.querySelectorAll('details.overflow[open]')) if (!menu.contains(event.target)) menu.open = false;
  const link = event.target.closest('a[href]');
  const target = link && messageAt(new URL(link.href));
  // a link to a message of this workspace is followed in this tab, as the same person
  if (!target || event.ctrlKey || event.metaKey || event.shiftKey || !state.channels.some((c) => c.id === target.channel)) return;
  event.preventDefault();
  state.goto = target.ts;
  openChannel(target.channel);
});
// while a button is held down nothing is drawn: a press on a message that is edited just then would be lost
document.addEventListener('pointerdown', () => {
  clearTimeout(held);
  held = setTimeout(release, longestPressMs);
});
for (const end of ['pointerup', 'pointercancel']) document.addEventListener(end, () => setTimeout(release));
function release() {
  clearTimeout(held);
  held = undefined;
  for (const change of waiting.splice(0)) redrawMessages(...change);
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && state.ready) markRead();
});

/** Follows the changes as the person that this tab acts as. */
function connect() {
  disconnect?.();
  sessionStorage.setItem('as', state.as);
  localStorage.setItem('as', state.as);
  disconnect = follow(state.as, {
    told(type, data) {
      changes[type]?.(data);
    },
    lost: () => document.body.classList.add('offline'),
    refused() {
      const first = document.body.dataset.first;
      if (state.as !== first) actAs(first);
    },
  });
}
const changes = {
  snapshot(data) {
    Object.assign(state, data, { as: data.me, ready: true });
    state.people.forEach((person, order) => {
      person.order = order;
    });
    if (!state.channels.some((c) => c.id === state.channel) && state.channel !== 'home') state.channel = state.channels[0]?.id;
    drawAll();
    showModals(state.views, host);
    document.body.classList.remove('offline');
  },
  message: ({ message }) => gotMessage(message),
  deleted({ channel, ts }) {
    state.messages[channel] = (state.messages[channel] ?? []).filter((m) => m.ts !== ts);
    if (ts === state.thread) state.thread = undefined;
    redrawMessages(channel);
  },
  view({ stack }) {
    state.views = stack;
    showModals(stack, host);
  },
  home({ view }) {
    state.home = view;
    if (state.channel === 'home') drawMain();
  },
  channels({ channels }) {
    state.channels = channels;
    drawAll();
  },
  read({ channel, lastRead }) {
    const found = state.channels.find((c) => c.id === channel);
    if (found) Object.assign(found, { unread: 0, lastRead });
    drawSidebar();
  },
  notice: ({ text }) => toast(text),
  meta(data) {
    const moved = data.clockOffsetMs !== state.clockOffsetMs;
    Object.assign(state, data);
    drawMeta(state);
    drawSidebar();
    if (moved) redrawMessages(state.channel);
  },
  journal: ({ entry }) => journalEntry(entry),
};

function gotMessage(message) {
  state.messages[message.channel] ??= [];
  const list = state.messages[message.channel];
  const index = list.findIndex((m) => m.ts === message.ts);
  const old = list[index];
  if (old) list[index] = message;
  else {
    list.push(message);
    const channel = state.channels.find((c) => c.id === message.channel);
    if (channel && message.user !== state.as && (!message.threadTs || message.broadcast)) channel.unread++;
  }
  if (message.channel === state.channel && !document.hidden) markRead();
  else drawSidebar();
  redrawMessages(message.channel, old && old.texts.length !== message.texts.length ? old : undefined);
}
function markRead() {
  const channel = state.channels.find((c) => c.id === state.channel);
  if (channel && channel.unread > 0) {
    channel.unread = 0;
    void post('read', { as: state.as, channel: channel.id });
  }
  drawSidebar();
}

function openChannel(id) {
  state.channel = id;
  state.thread = undefined;
  document.body.classList.remove('nav-open');
  remember();
  drawAll();
  if (id === 'home') void post('home', { as: state.as });
}
function openThread(ts) {
  state.thread = ts;
  if (ts && isOpen() && innerWidth < bothPanelsPx) toggleInspector(state);
  remember();
  thread.draw(main);
  if (ts) thread.focus();
  else main.querySelector('textarea')?.focus({ preventScroll: true });
}
function actAs(id) {
  state.as = id;
  state.thread = undefined;
  document.body.classList.remove('nav-open');
  remember();
  showModals([], host);
  connect();
}
function inspect() {
  document.body.classList.remove('nav-open');
  if (!isOpen() && state.thread && innerWidth < bothPanelsPx) openThread(undefined);
  toggleInspector(state);
}
function remember() {
  const url = new URL('/', location.href);
  url.searchParams.set('as', state.as);
  if (state.channel) url.searchParams.set('channel', state.channel);
  if (state.thread) url.searchParams.set('thread_ts', state.thread);
  window.history.replaceState(null, '', url);
}

function drawAll() {
  const here = state.channels.find((c) => c.id === state.channel);
  // what is new when one comes here stays marked as new until one leaves
  if (state.newIn !== state.channel)
    Object.assign(state, { newIn: state.channel, newFrom: here?.unread && here.lastRead !== '0' ? here.lastRead : undefined });
  drawMeta(state);
  drawSidebar();
  drawMain();
  thread.draw(main);
  markRead();
}

const listed = () => listedChannels(state);
function drawSidebar() {
  const focused = sidebar.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  sidebar.replaceChildren(...sidebarNodes(state, { openChannel, actAs, inspect }));
  if (focused) sidebar.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  const unread = state.channels.reduce((sum, c) => sum + (c.unread ?? 0), 0);
  // on a phone the list is out of sight
  document.body.classList.toggle('unread-elsewhere', unread > 0);
  const here = state.channels.find((c) => c.id === state.channel);
  const place = state.channel === 'home' ? 'Home' : here?.im === undefined ? `#${names.channel(state.channel)}` : state.app.name;
  document.title = `${unread ? `(${unread}) ` : ''}${place} · ${names.person(state.as).realName} · ${state.team.name}`;
}

function drawMain() {
  if (state.channel === 'home') return drawHome();
  const channel = state.channels.find((c) => c.id === state.channel);
  if (!channel) return main.replaceChildren(el('p', { class: 'empty', text: 'There is no channel here.' }));
  const title = channel.im === undefined ? `# ${channel.name}` : state.app.name;
  const people = channel.members.filter((id) => names.people().some((p) => p.id === id)).length;
  const log = el('div', { class: 'log', role: 'log', 'aria-label': title, tabindex: '0' });
  const box = composer(place(channel), offer(state, state.app.commands));
  box.prepend(newestButton(log));
  main.replaceChildren(
    header(
      names.person(state.as),
      title,
      channel.topic ?? '',
      channel.im === undefined && el('span', { class: 'members muted', text: people === 1 ? '1 person' : `${people} people` }),
    ),
    log,
    box,
  );
  drawLog(log, channel.id);
  const wanted = state.goto;
  state.goto = undefined;
  if (!goTo(log, wanted)) log.scrollTop = log.scrollHeight;
  const root = wanted && state.messages[channel.id]?.find((m) => m.ts === wanted)?.threadTs;
  if (root) openThread(root);
  else main.querySelector('textarea')?.focus({ preventScroll: true });
  return undefined;
}
function drawHome() {
  const old = main.querySelector('.home');
  const places = old && placesIn(old);
  main.replaceChildren(...homePage(state, names));
  const home = main.querySelector('.home');
  if (!old) return home.focus({ preventScroll: true });
  giveBack(home, places);
  home.scrollTop = places.top;
  return undefined;
}
function place(channel, threadTs) {
  const label = threadTs ? 'Reply…' : `Message ${channel.im === undefined ? `#${channel.name}` : state.app.name}`;
  const blocked = channel.archived ? 'This channel is archived.' : channel.isMember ? undefined : 'You are not in this channel.';
  return { as: state.as, channel: channel.id, thread: threadTs, label, blocked };
}
function drawLog(log, channelId) {
  fill(log, logItems(state, channelId, { host, openThread }));
}

/** Brings the messages up to date and keeps the place. `old`: the message whose text has changed, as it was. */
function redrawMessages(channelId, old) {
  if (channelId !== state.channel) return;
  if (held) return void waiting.push([channelId, old]);
  const log = main.querySelector('.log');
  if (log) {
    const behind = !isAtBottom(log);
    keepPlace(log, () => drawLog(log, channelId));
    main.querySelector('.newest')?.classList.toggle('more', behind && !old);
  }
  thread.draw(main);
  // progress that is told every second does not blink
  if (!old || names.now() - Number(old.editedTs ?? 0) * 1000 < 5000) return;
  for (const node of document.querySelectorAll(`.msg[data-ts="${old.ts}"]`)) node.classList.add('changed');
}
