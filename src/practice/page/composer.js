import { el, post } from './dom.js';

const typed = new Map();

/** The box to type in. `place`: as, channel, thread?, blocked? (a reason why one cannot type); `commands` for the hint. */
export function composer(place, commands) {
  const key = `${place.as} ${place.channel} ${place.thread ?? ''}`;
  const history = JSON.parse(sessionStorage.getItem(`typed ${place.as}`) ?? '[]');
  let at = history.length;
  const hint = el('div', { class: 'command-hint', role: 'listbox', 'aria-label': 'Commands' });
  hint.hidden = true;
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
  const showHint = () => {
    const text = box.value;
    const word = text.split(/\s/, 1)[0];
    const found = text.startsWith('/') && !place.thread ? commands.filter((c) => c.command.startsWith(word) || word === c.command) : [];
    hint.hidden = found.length === 0 || (text.includes(' ') && text.length > word.length + 24);
    hint.replaceChildren(
      ...found.map((c) =>
        el(
          'button',
          {
            type: 'button',
            role: 'option',
            onclick: () => {
              if (box.value.trim() === '' || !box.value.startsWith(`${c.command} `)) box.value = `${c.command} `;
              box.focus();
              showHint();
            },
          },
          el('strong', { text: c.command }),
          ' ',
          el('code', { text: c.usageHint }),
          el('small', { text: c.description }),
        ),
      ),
    );
  };
  const send = async () => {
    const text = box.value.trim();
    if (text === '') return;
    history.push(text);
    sessionStorage.setItem(`typed ${place.as}`, JSON.stringify(history.slice(-100)));
    at = history.length;
    box.value = '';
    typed.delete(key);
    grow();
    showHint();
    const answer = await post('say', { as: place.as, channel: place.channel, text, ...(place.thread ? { thread_ts: place.thread } : {}) });
    if (!answer.ok && box.value === '') box.value = text;
  };
  const recall = (step) => {
    at = Math.max(0, Math.min(history.length, at + step));
    box.value = history[at] ?? '';
    grow();
    box.setSelectionRange(box.value.length, box.value.length);
  };
  box.addEventListener('input', () => {
    typed.set(key, box.value);
    grow();
    showHint();
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void send();
    } else if (event.key === 'Tab' && !hint.hidden && !box.value.includes(' ')) {
      event.preventDefault();
      hint.querySelector('button').click();
    } else if (event.key === 'ArrowUp' && (box.value === '' || at < history.length)) {
      event.preventDefault();
      recall(-1);
    } else if (event.key === 'ArrowDown' && at < history.length) {
      event.preventDefault();
      recall(1);
    }
  });
  box.addEventListener('blur', () => setTimeout(() => (hint.hidden = true), 150));
  return el(
    'div',
    { class: 'composer' },
    hint,
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
