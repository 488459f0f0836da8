import { el } from './dom.js';

/** Room that the list keeps from the edges of the window, and how tall it gets at most. */
const edgePx = 8;
const tallestPx = 300;

/** A select whose options the app gives while one types. `suggest(typed)` resolves to `{options, option_groups, problem}`. */
export function externalSelect(element, chosen, changed, suggest) {
  const least = element.min_query_length ?? 3;
  const list = el('div', { class: 'menu suggestions', role: 'listbox' });
  list.hidden = true;
  const input = el('input', {
    class: 'text',
    role: 'combobox',
    'aria-expanded': 'false',
    'aria-label': element.placeholder?.text ?? 'Search',
    autocomplete: 'off',
    placeholder: element.placeholder?.text ?? 'Search',
    value: chosen?.text.text ?? '',
  });
  let picked = chosen;
  let turn = 0;
  const hide = () => {
    turn++;
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    window.removeEventListener('scroll', place, true);
    window.removeEventListener('resize', place);
  };
  /** Over everything, also over the edge of a dialog: below the input, or above it where there is more room. */
  function place() {
    const { left, top, bottom, width } = input.getBoundingClientRect();
    const below = window.innerHeight - bottom - 4 - edgePx;
    const above = top - 4 - edgePx;
    const up = below < Math.min(list.scrollHeight, 160) && above > below;
    Object.assign(list.style, {
      left: `${left}px`,
      width: `${width}px`,
      maxHeight: `${Math.min(tallestPx, up ? above : below)}px`,
      top: up ? 'auto' : `${bottom + 4}px`,
      bottom: up ? `${window.innerHeight - top + 4}px` : 'auto',
    });
  }
  const show = (...rows) => {
    list.replaceChildren(...rows);
    if (list.hidden) {
      list.hidden = false;
      window.addEventListener('scroll', place, true);
      window.addEventListener('resize', place);
    }
    place();
  };
  const pick = (option) => {
    picked = option;
    input.value = option.text.text;
    hide();
    void changed(option);
  };
  const note = (text) => el('div', { class: 'menu-note', text });
  const look = async (typed) => {
    if (typed.length < least) return hide();
    const mine = ++turn;
    if (list.hidden) show(note('Looking…'));
    const { options = [], option_groups: groups = [], problem } = await suggest(typed);
    if (mine !== turn || !input.isConnected) return undefined;
    const row = (o) =>
      el(
        'button',
        { type: 'button', role: 'option', 'aria-selected': String(o.value === picked?.value), onclick: () => pick(o) },
        el('span', { text: o.text.text }),
        o.description && el('small', { text: o.description.text }),
      );
    const rows = [...options.map(row), ...groups.flatMap((g) => [note(g.label.text), ...g.options.map(row)])];
    show(...(rows.length ? rows : [note('No results'), problem && note(problem)].filter(Boolean)));
    input.setAttribute('aria-expanded', 'true');
    return undefined;
  };
  /** What is chosen already is no search. */
  const typed = () => (input.value === picked?.text.text ? '' : input.value);
  let timer;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => look(input.value), 150);
  });
  // Focus comes back when the form is drawn anew: with a choice made, that asks for nothing.
  input.addEventListener('focus', () => !picked && void look(typed()));
  input.addEventListener('click', () => {
    input.select();
    if (list.hidden) void look(typed());
  });
  input.addEventListener('keydown', (event) => {
    const first = list.querySelector('button');
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      if (list.hidden) void look(typed());
      else first?.focus();
    }
    // Enter takes the best one, and submits a form only when nothing is open.
    if (event.key === 'Enter' && !list.hidden) {
      event.preventDefault();
      first?.click();
    }
    if (event.key === 'Escape' && !list.hidden) {
      event.stopPropagation();
      event.preventDefault();
      hide();
    }
  });
  list.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling' }[event.key];
    if (step) {
      event.preventDefault();
      let next = document.activeElement[step];
      while (next && next.tagName !== 'BUTTON') next = next[step];
      (next ?? (event.key === 'ArrowUp' ? input : undefined))?.focus();
    }
    if (event.key === 'Escape') {
      event.stopPropagation();
      event.preventDefault();
      input.focus();
      hide();
    }
  });
  const box = el('div', { class: 'combo' }, input, list);
  box.addEventListener('focusout', (event) => {
    if (box.contains(event.relatedTarget)) return;
    hide();
    // What was typed and not picked chooses nothing.
    input.value = picked?.text.text ?? '';
  });
  return box;
}
