import { el, post } from './dom.js';
import { hints } from './hints.js';

/** What has been typed and not sent, by place; kept over a reload of the tab. */
const typed = new Map(Object.entries(JSON.parse(sessionStorage.getItem('drafts') ?? '{}')));
function keepDraft(key, text) {
  if (text === '') typed.delete(key);
  else typed.set(key, text);
  sessionStorage.setItem('drafts', JSON.stringify(Object.fromEntries(typed)));
}

/** The box to type in. `place`: as, channel, thread?, blocked? (a reason why one cannot type); `offer` for the hints. */
export function composer(place, offer) {
  const key = `${place.as} ${place.channel} ${place.thread ?? ''}`;
  const sent = () => JSON.parse(sessionStorage.getItem(`typed ${place.as}`) ?? '[]');
  let history = sent();
  let at = history.length;
  const box = el('textarea', {
    rows: 1,
    'aria-label': place.label,
    placeholder: place.blocked ?? place.label,
    disabled: place.blocked !== undefined,
    value: typed.get(key) ?? '',
  });
  const grow = () => {
    box.style.height = 'auto';
    box.style.height = `${Math.min(box.scrollHeight, 180)}px`;
  };
  const hint = hints(offer, (from, to, text) => {
    box.setRangeText(text, from, to, 'end');
    box.focus();
    changed();
  });
  const showHint = () => hint.update(box.value, box.selectionStart);
  const changed = () => {
    keepDraft(key, box.value);
    grow();
    showHint();
  };
  const send = async () => {
    const text = box.value.trim();
    if (text === '') return;
    // what was sent from the other box, of a thread or of the channel, is there too
    history = sent();
    if (history.at(-1) !== text) history.push(text);
    sessionStorage.setItem(`typed ${place.as}`, JSON.stringify(history.slice(-100)));
    at = history.length;
    box.value = '';
    keepDraft(key, '');
    grow();
    showHint();
    const answer = await post('say', { as: place.as, channel: place.channel, text, ...(place.thread ? { thread_ts: place.thread } : {}) });
    if (answer.ok || box.value !== '') return;
    box.value = text;
    changed();
  };
  const recall = (step) => {
    at = Math.max(0, Math.min(history.length, at + step));
    box.value = history[at] ?? '';
    grow();
    box.setSelectionRange(box.value.length, box.value.length);
  };
  box.addEventListener('input', () => {
    at = history.length;
    changed();
  });
  box.addEventListener('keydown', (event) => {
    if (!event.isComposing && hint.key(event, box.value)) return;
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void send();
    } else if (event.key === 'ArrowUp' && (box.value === '' || at < history.length)) {
      event.preventDefault();
      if (at === history.length) {
        history = sent();
        at = history.length;
      }
      recall(-1);
    } else if (event.key === 'ArrowDown' && at < history.length) {
      event.preventDefault();
      recall(1);
    }
  });
  box.addEventListener('blur', hint.hide);
  requestAnimationFrame(grow);
  return el(
    'div',
    { class: 'composer' },
    hint.list,
    el(
      'div',
      { class: 'composer-box' },
      box,
      el('button', {
        class: 'send',
        type: 'button',
        'aria-label': 'Send',
        disabled: place.blocked !== undefined,
        text: 'Send',
        onclick: () => void send(),
      }),
    ),
  );
}

/** What the composer suggests: commands (not in threads, where Slack has none), people and groups. */
export function offer(state, commands) {
  const mentions = [
    ...state.people.map((p) => ({ name: p.name, label: p.realName })),
    ...state.groups.map((g) => ({ name: g.handle, label: g.name })),
  ];
  return { commands, mentions };
}
