import { el } from './dom.js';
import { isAtBottom } from './log.js';

/** The channel and message that an address of this workspace names (a permalink), undefined for another address. */
export function messageAt(address) {
  const found = address.origin === location.origin && /^\/archives\/(\w+)\/p(\d{10})(\d{6})$/.exec(address.pathname);
  return found ? { channel: found[1], ts: `${found[2]}.${found[3]}` } : undefined;
}

/** Brings a message into sight and lights it up for a moment; false when it is not in the log. */
export function goTo(log, ts) {
  const target = ts && log.querySelector(`[data-ts="${ts}"]`);
  if (!target) return false;
  target.scrollIntoView({ block: 'center' });
  target.classList.add('flash');
  return true;
}

/** The way back to the newest message, there while one reads further up; it says so when something new has come. */
export function newestButton(log) {
  const button = el(
    'button',
    { type: 'button', class: 'newest', hidden: true, onclick: () => log.scrollTo({ top: log.scrollHeight }) },
    el('span', { class: 'when-behind', text: 'Newest' }),
    el('span', { class: 'when-more', text: 'New messages' }),
    el('span', { 'aria-hidden': 'true', text: ' ↓' }),
  );
  let atBottom = true;
  let size = '';
  const look = () => {
    atBottom = isAtBottom(log);
    button.hidden = atBottom;
    if (atBottom) button.classList.remove('more');
  };
  const sizeNow = () => `${log.clientWidth} ${log.clientHeight}`;
  log.addEventListener('scroll', () => {
    // the browser moves it too when the size changes, which is not somebody reading further up
    if (size === sizeNow()) look();
  });
  // a panel beside it, or a longer text below it, leaves the newest in sight
  new ResizeObserver(() => {
    size = sizeNow();
    if (atBottom) log.scrollTop = log.scrollHeight;
    else look();
  }).observe(log);
  return button;
}
