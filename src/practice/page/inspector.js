import { el, post } from './dom.js';

const entries = [];
let drawer;
let open = false;
let loaded = false;

/** Shows or hides the inspector: each request and answer, the faults and the clock. */
export function toggleInspector(state) {
  open = !open;
  if (!open) {
    drawer.remove();
    return;
  }
  drawer = el('aside', { class: 'inspector', 'aria-label': 'Inspector' });
  document.querySelector('.layout').append(drawer);
  draw(state);
  if (!loaded)
    void fetch('/practice/journal')
      .then((r) => r.json())
      .then((answer) => {
        loaded = true;
        entries.splice(0, entries.length, ...answer.entries);
        draw(state);
      });
}

/** A new request or answer. */
export function journalEntry(entry, state) {
  entries.push(entry);
  if (entries.length > 500) entries.shift();
  if (open) drawer.querySelector('.journal').prepend(row(entry));
  else if (entry.refused) document.querySelector('.inspect')?.classList.add('alert');
  if (open && state) drawer.querySelector('.facts').replaceChildren(...facts(state));
}
/** The clock or the faults have changed. */
export function drawMeta(state) {
  if (open) draw(state);
}

function draw(state) {
  document.querySelector('.inspect')?.classList.remove('alert');
  drawer.replaceChildren(
    el(
      'div',
      { class: 'panel-head' },
      el('h2', { text: 'Inspector' }),
      el('a', { class: 'btn tiny', href: '/practice/export', text: 'Export JSON' }),
      el('button', {
        class: 'icon',
        type: 'button',
        'aria-label': 'Close the inspector',
        text: '×',
        onclick: () => toggleInspector(state),
      }),
    ),
    el('div', { class: 'facts' }, ...facts(state)),
    el('div', { class: 'controls' }, ...controls(state)),
    el('h3', { text: 'Requests' }),
    el('div', { class: 'journal' }, ...[...entries].reverse().map(row)),
  );
}
function facts(state) {
  const moved = Math.round(state.clockOffsetMs / 60_000);
  return [
    el('span', { text: moved === 0 ? 'Clock: now' : `Clock: ${moved} min ahead` }),
    el('span', { text: `Sockets: ${state.sockets}` }),
  ];
}
function controls(state) {
  const fault = (text, change, on) =>
    el('button', {
      type: 'button',
      class: on ? 'btn tiny on' : 'btn tiny',
      'aria-pressed': String(Boolean(on)),
      text,
      onclick: () => void post('faults', change),
    });
  const { faults } = state;
  const here = () => state.channel;
  return [
    el('button', { type: 'button', class: 'btn tiny', text: 'Clock +1 min', onclick: () => void post('clock', { advanceMs: 60_000 }) }),
    el('button', { type: 'button', class: 'btn tiny', text: '+31 min', onclick: () => void post('clock', { advanceMs: 31 * 60_000 }) }),
    fault('429 on next 3 posts', { rateLimitNext: 3, retryAfterS: 2 }, faults.rateLimitNext > 0),
    fault('Lose the next answer', { dropAfterAcceptNext: 1 }, faults.dropAfterAcceptNext > 0),
    fault('503 on next 3 calls', { serverErrorNext: 3 }, faults.serverErrorNext > 0),
    fault('Deliver 3 times', { deliverTimes: faults.deliverTimes > 1 ? 1 : 3 }, faults.deliverTimes > 1),
    fault('Outage', { outage: !faults.outage }, faults.outage),
    fault('Revoke token', { tokenRevoked: !faults.tokenRevoked }, faults.tokenRevoked),
    el('button', { type: 'button', class: 'btn tiny', text: 'Drop sockets', onclick: () => void post('sockets', { action: 'drop' }) }),
    el('button', {
      type: 'button',
      class: 'btn tiny',
      text: 'Kick the bot here',
      onclick: () => void post('channels', { channel: here(), kickBot: true }),
    }),
    el('button', {
      type: 'button',
      class: 'btn tiny',
      text: 'Invite it',
      onclick: () => void post('channels', { channel: here(), inviteBot: true }),
    }),
    el('button', {
      type: 'button',
      class: 'btn tiny',
      text: 'Archive here',
      onclick: () => void post('channels', { channel: here(), archived: true }),
    }),
    el('button', {
      type: 'button',
      class: 'btn tiny',
      text: 'Unarchive',
      onclick: () => void post('channels', { channel: here(), archived: false }),
    }),
  ];
}
function row(entry) {
  const time = new Date(entry.at).toLocaleTimeString('en-GB');
  return el(
    'details',
    { class: entry.refused ? 'entry refused' : 'entry' },
    el(
      'summary',
      {},
      el('span', {
        class: 'arrow',
        title: entry.direction === 'in' ? 'from the app' : 'to the app',
        text: entry.direction === 'in' ? '←' : '→',
      }),
      el('span', { class: 'what', text: entry.what }),
      el('span', { class: 'status', text: entry.status }),
      el('span', { class: 'muted', text: `${Math.round(entry.durationMs)} ms` }),
      el('time', { class: 'muted', text: time }),
    ),
    el('pre', { text: JSON.stringify({ request: entry.request, answer: entry.answer }, unpacked, 1) }),
  );
}
/** JSON inside form fields is shown as JSON. */
function unpacked(_key, value) {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
