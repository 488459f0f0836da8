import { el } from './dom.js';
import { clockControls, faultControls, placeControls } from './switches.js';

const entries = [];
let drawer;
let open = false;
let loaded = false;
let refusedOnly = false;
let tab = 'requests';
let alerted = false;

/** True when something was refused since the inspector was open last. */
export function isAlerted() {
  return alerted;
}

export function isOpen() {
  return open;
}

/** Shows or hides the inspector: each request and answer, the faults and the clock. */
export function toggleInspector(state) {
  open = !open;
  if (!open) {
    drawer.remove();
    document.querySelector('.inspect')?.focus();
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
        drawRows();
      });
}

/** A new request or answer. */
export function journalEntry(entry) {
  entries.push(entry);
  if (entries.length > 500) entries.shift();
  if (!open) {
    if (!entry.refused) return;
    alerted = true;
    document.querySelector('.inspect')?.classList.add('alert');
  } else if (!refusedOnly || entry.refused) {
    drawer.querySelector('.journal .empty')?.remove();
    drawer.querySelector('.journal').prepend(row(entry));
  }
}
/** The clock, the faults, the channel or who is in it have changed. */
export function drawMeta(state) {
  if (!open) return;
  const focused = drawer.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  drawer.querySelector('.switches').replaceChildren(...switches(state));
  if (focused) drawer.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function draw(state) {
  alerted = false;
  document.querySelector('.inspect')?.classList.remove('alert');
  const filter = (label, only) =>
    el('button', {
      type: 'button',
      class: 'btn tiny',
      'aria-pressed': String(refusedOnly === only),
      text: label,
      onclick: (event) => {
        refusedOnly = only;
        for (const button of event.currentTarget.parentNode.children)
          button.setAttribute('aria-pressed', String(button === event.currentTarget));
        drawRows();
      },
    });
  const tabButton = (id, label) =>
    el('button', {
      type: 'button',
      role: 'tab',
      id: `tab-${id}`,
      'aria-selected': String(tab === id),
      'aria-controls': `panel-${id}`,
      text: label,
      onclick: () => {
        tab = id;
        draw(state);
        drawer.querySelector(`#tab-${id}`).focus();
      },
    });
  const panel = (id, ...children) =>
    el('div', { role: 'tabpanel', id: `panel-${id}`, 'aria-labelledby': `tab-${id}`, hidden: tab !== id }, ...children);
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
    el('div', { class: 'tabs', role: 'tablist' }, tabButton('requests', 'Requests'), tabButton('faults', 'Clock and faults')),
    panel('requests', el('div', { class: 'filters' }, filter('All', false), filter('Refused', true)), el('div', { class: 'journal' })),
    panel('faults', el('div', { class: 'switches' }, ...switches(state))),
  );
  drawRows();
}
function switches(state) {
  return [
    el('h3', { text: 'Clock' }),
    ...clockControls(state),
    el('h3', { text: 'Faults' }),
    ...faultControls(state),
    ...(state.channel === 'home' ? [] : [el('h3', { text: 'This channel' }), ...placeControls(state)]),
  ];
}
function drawRows() {
  const shown = entries.filter((e) => !refusedOnly || e.refused).reverse();
  const none = el('p', { class: 'empty', text: refusedOnly ? 'Slack would refuse none of them.' : 'Nothing has been sent yet.' });
  drawer.querySelector('.journal').replaceChildren(...(shown.length ? shown.map(row) : [none]));
}

/** How long the app may take, and from when on it is close to that. */
const slowMs = 2000;
function row(entry) {
  const out = entry.direction === 'out';
  const slow = out && entry.durationMs >= slowMs;
  return el(
    'details',
    { class: `entry${entry.refused ? ' refused' : ''}${slow ? ' slow' : ''}` },
    el(
      'summary',
      {},
      el('span', { class: 'arrow', title: out ? 'to the app' : 'from the app', text: out ? '→' : '←' }),
      el('span', { class: 'what', title: entry.what, text: entry.what }),
      el('span', { class: 'status', text: entry.status }),
      el('span', { class: 'took', text: `${Math.round(entry.durationMs)} ms` }),
      el('time', { class: 'muted', text: new Date(entry.at).toLocaleTimeString('en-GB') }),
    ),
    el(
      'div',
      { class: 'entry-body' },
      ...verdict(entry, out, slow),
      el('h4', { text: out ? 'Sent to the app' : 'Sent by the app' }),
      json(entry.request),
      el('h4', { text: out ? `Acknowledgement, after ${Math.round(entry.durationMs)} ms` : 'Answer' }),
      entry.answer === undefined ? el('p', { class: 'muted', text: out && entry.refused ? 'None.' : 'Empty.' }) : json(entry.answer),
    ),
  );
}
function verdict(entry, out, slow) {
  if (!entry.refused) return slow ? [el('p', { class: 'verdict slow', text: 'Close to the 3 s after which Slack gives up.' })] : [];
  const why = entry.answer?.response_metadata?.messages ?? [];
  const text = out
    ? `Slack tells the person that this failed: ${entry.status}.`
    : entry.status === 'ignored'
      ? 'Slack ignores this.'
      : `Slack refuses this: ${entry.status}.`;
  return [el('p', { class: 'verdict', text }), why.length > 0 && el('ul', { class: 'verdict' }, ...why.map((w) => el('li', { text: w })))];
}
function json(value) {
  return el('pre', { text: JSON.stringify(value, unpacked, 1) });
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
