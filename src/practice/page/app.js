import { renderBlocks } from './blocks.js';
import { composer, offer } from './composer.js';
import { el, post, toast, when } from './dom.js';
import { header } from './head.js';
import { drawMeta, journalEntry, toggleInspector } from './inspector.js';
import { keepPlace, logNodes } from './log.js';
import { renderMessage } from './message.js';
import { showModals } from './modal.js';
import { listedChannels, sidebarNodes } from './sidebar.js';

const address = new URL(location.href);
const permalink = /^\/archives\/(\w+)\/p(\d{10})(\d{6})$/.exec(address.pathname);
/** The workspace as this person sees it, and what is on screen. */
const state = {
  as: address.searchParams.get('as') ?? sessionStorage.getItem('as') ?? 'U0EMMA',
  channel: permalink?.[1] ?? address.searchParams.get('channel') ?? undefined,
  thread: address.searchParams.get('thread_ts') ?? undefined,
  goto: permalink ? `${permalink[2]}.${permalink[3]}` : undefined,
  ready: false,
};
let source;

const slackbot = { id: 'USLACKBOT', name: 'slackbot', realName: 'Slackbot' };
const names = {
  get me() {
    return state.as;
  },
  get appId() {
    return state.app.id;
  },
  now: () => Date.now() + state.clockOffsetMs,
  person: (id) => (id === slackbot.id ? slackbot : (state.people.find((p) => p.id === id) ?? { id, name: id, realName: id })),
  people: () => state.people.filter((p) => !p.bot),
  user: (id) => names.person(id).name,
  channel: (id) => state.channels.find((c) => c.id === id)?.name ?? id,
  group: (id) => state.groups.find((g) => g.id === id)?.handle ?? id,
  inGroup: (id) => state.groups.find((g) => g.id === id)?.users.includes(state.as) ?? false,
};
const host = { names, shortcuts: () => state.app.shortcuts.filter((s) => s.type === 'message') };

const sidebar = el('nav', { class: 'sidebar', 'aria-label': 'Channels' });
const main = el('main', { class: 'main' });
const panel = el('aside', { class: 'thread', 'aria-label': 'Thread' });
const layout = el('div', { class: 'layout' }, sidebar, main);
document.body.append(layout);
main.addEventListener('click', (event) => {
  if (!event.target.closest('.burger')) document.body.classList.remove('nav-open');
});

connect();
setInterval(() => {
  if (!state.ready) return;
  for (const time of document.querySelectorAll('.msg-time')) time.textContent = when(time.dataset.ts, names.now());
}, 20_000);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && state.thread && !document.querySelector('dialog[open]')) openThread(undefined);
  if (event.altKey && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    event.preventDefault();
    const order = listed().map((c) => c.id);
    const next = order[(order.indexOf(state.channel) + (event.key === 'ArrowDown' ? 1 : order.length - 1)) % order.length];
    if (next) openChannel(next);
  }
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && state.ready) markRead();
});

/** Follows the stream of changes as the person that this tab acts as. */
function connect() {
  source?.close();
  sessionStorage.setItem('as', state.as);
  source = new EventSource(`/practice/stream?as=${encodeURIComponent(state.as)}&journal=1`);
  const on = (type, run) => source.addEventListener(type, (event) => run(JSON.parse(event.data)));
  on('snapshot', (data) => {
    Object.assign(state, data, { as: data.me, ready: true });
    state.people.forEach((person, order) => {
      person.order = order;
    });
    if (!state.channels.some((c) => c.id === state.channel) && state.channel !== 'home') state.channel = state.channels[0]?.id;
    drawAll();
    showModals(state.views, host);
    document.body.classList.remove('offline');
  });
  on('message', ({ message }) => gotMessage(message));
  on('deleted', ({ channel, ts }) => {
    state.messages[channel] = (state.messages[channel] ?? []).filter((m) => m.ts !== ts);
    if (ts === state.thread) state.thread = undefined;
    redrawMessages(channel);
  });
  on('view', ({ stack }) => {
    state.views = stack;
    showModals(stack, host);
  });
  on('home', ({ view }) => {
    state.home = view;
    if (state.channel === 'home') drawMain();
  });
  on('channels', ({ channels }) => {
    state.channels = channels;
    drawAll();
  });
  on('read', ({ channel, lastRead }) => {
    const found = state.channels.find((c) => c.id === channel);
    if (found) Object.assign(found, { unread: 0, lastRead });
    drawSidebar();
  });
  on('notice', ({ text }) => toast(text));
  on('meta', (data) => {
    const moved = data.clockOffsetMs !== state.clockOffsetMs;
    Object.assign(state, data);
    drawMeta(state);
    drawSidebar();
    if (moved) redrawMessages(state.channel);
  });
  on('journal', ({ entry }) => journalEntry(entry));
  source.onerror = () => document.body.classList.add('offline');
}

function gotMessage(message) {
  state.messages[message.channel] ??= [];
  const list = state.messages[message.channel];
  const index = list.findIndex((m) => m.ts === message.ts);
  if (index >= 0) list[index] = message;
  else {
    list.push(message);
    const channel = state.channels.find((c) => c.id === message.channel);
    if (channel && message.user !== state.as && (!message.threadTs || message.broadcast)) channel.unread++;
  }
  if (message.channel === state.channel && !document.hidden) markRead();
  else drawSidebar();
  redrawMessages(message.channel, index >= 0 ? message.ts : undefined);
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
  remember();
  drawThread();
  if (ts) panel.querySelector('textarea')?.focus();
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
  drawThread();
  markRead();
}

const listed = () => listedChannels(state);
function drawSidebar() {
  const focused = sidebar.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  sidebar.replaceChildren(...sidebarNodes(state, { openChannel, actAs, inspect }));
  if (focused) sidebar.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  const unread = state.channels.reduce((sum, c) => sum + (c.unread ?? 0), 0);
  const place = state.channel === 'home' ? 'Home' : `#${names.channel(state.channel)}`;
  document.title = `${unread ? `(${unread}) ` : ''}${place} · ${names.person(state.as).realName} · ${state.team.name}`;
}

function drawMain() {
  if (state.channel === 'home') return drawHome();
  const channel = state.channels.find((c) => c.id === state.channel);
  if (!channel) return main.replaceChildren(el('p', { class: 'empty', text: 'There is no channel here.' }));
  const title = channel.im === undefined ? `# ${channel.name}` : state.app.name;
  const log = el('div', { class: 'log', role: 'log', 'aria-label': title, tabindex: '0' });
  main.replaceChildren(
    header(
      names.person(state.as),
      title,
      channel.topic ?? '',
      channel.im === undefined && el('span', { class: 'members muted', text: `${channel.members.length} people` }),
    ),
    log,
    composer(place(channel), offer(state, state.app.commands)),
  );
  drawLog(log, channel.id);
  const target = state.goto && log.querySelector(`[data-ts="${state.goto}"]`);
  state.goto = undefined;
  if (target) {
    target.scrollIntoView({ block: 'center' });
    target.classList.add('flash');
  } else log.scrollTop = log.scrollHeight;
  main.querySelector('textarea')?.focus({ preventScroll: true });
  return undefined;
}
function place(channel, thread) {
  const label = thread ? 'Reply…' : `Message ${channel.im === undefined ? `#${channel.name}` : state.app.name}`;
  const blocked = channel.archived ? 'This channel is archived.' : channel.isMember ? undefined : 'You are not in this channel.';
  return { as: state.as, channel: channel.id, thread, label, blocked };
}
function drawHome() {
  const body = state.home
    ? renderBlocks(state.home.blocks, {
        names,
        act: (element, blockId, value) =>
          post('click', { as: state.as, view_id: state.home.id, action_id: element.action_id, block_id: blockId, value }),
        suggest: (element, blockId, typed) =>
          post('options', { as: state.as, view_id: state.home.id, action_id: element.action_id, block_id: blockId, value: typed }),
        value: (blockId, actionId) => state.home.state.values[blockId]?.[actionId],
        input: () => el('span'),
      })
    : el('p', { class: 'empty', text: `${state.app.name} has not published a Home for you yet.` });
  main.replaceChildren(
    header(names.person(state.as), `${state.app.name} Home`, 'Only you see this page'),
    el('div', { class: 'home' }, body),
  );
}

function drawLog(log, channelId) {
  log.replaceChildren(...logNodes(state, channelId, { host, openThread }));
}

/** Draws the messages again and keeps the place: at the bottom when it was there, and focus inside a message. */
function redrawMessages(channelId, changedTs) {
  if (channelId !== state.channel) return;
  const log = main.querySelector('.log');
  if (log) keepPlace(log, () => drawLog(log, channelId));
  if (state.thread) drawThread();
  else panel.remove();
  if (changedTs) for (const node of document.querySelectorAll(`.msg[data-ts="${changedTs}"]`)) node.classList.add('changed');
}
function drawThread() {
  const channel = state.channels.find((c) => c.id === state.channel);
  const root = state.thread && channel && (state.messages[channel.id] ?? []).find((m) => m.ts === state.thread);
  document.body.classList.toggle('thread-open', Boolean(root));
  if (!root) return panel.remove();
  const replies = state.messages[channel.id].filter((m) => m.threadTs === root.ts);
  const view = { host, compact: false, inThread: true, openThread };
  const nodes = [
    renderMessage(root, view),
    el('div', { class: 'day' }, el('span', { text: replies.length === 1 ? '1 reply' : `${replies.length} replies` })),
    ...replies.map((m) => renderMessage(m, view)),
  ];
  if (panel.isConnected && panel.dataset.root === root.ts) {
    const log = panel.querySelector('.log');
    keepPlace(log, () => log.replaceChildren(...nodes));
    return undefined;
  }
  panel.dataset.root = root.ts;
  const log = el('div', { class: 'log', role: 'log', 'aria-label': 'Thread', tabindex: '0' }, ...nodes);
  panel.replaceChildren(
    el(
      'div',
      { class: 'panel-head' },
      el('h2', { text: 'Thread' }),
      el('span', { class: 'muted', text: channel.im === undefined ? `#${channel.name}` : state.app.name }),
      el('button', { type: 'button', class: 'icon', 'aria-label': 'Close the thread', text: '×', onclick: () => openThread(undefined) }),
    ),
    log,
    composer(place(channel, root.ts), offer(state, [])),
  );
  main.after(panel);
  log.scrollTop = log.scrollHeight;
  return undefined;
}
