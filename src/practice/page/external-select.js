import { el } from './dom.js';

/** A select whose options the app gives while one types. `suggest(typed)` resolves to `{options, option_groups}`. */
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
  let turn = 0;
  const hide = () => {
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
  };
  const pick = (option) => {
    input.value = option.text.text;
    hide();
    void changed(option);
  };
  const look = async () => {
    const mine = ++turn;
    if (input.value.length < least) return hide();
    list.replaceChildren(el('div', { class: 'menu-note', text: 'Looking…' }));
    list.hidden = false;
    const { options = [], option_groups: groups = [] } = await suggest(input.value);
    if (mine !== turn) return undefined;
    const row = (o) =>
      el(
        'button',
        { type: 'button', role: 'option', onclick: () => pick(o) },
        el('span', { text: o.text.text }),
        o.description && el('small', { text: o.description.text }),
      );
    const rows = [
      ...options.map(row),
      ...groups.flatMap((g) => [el('div', { class: 'menu-note', text: g.label.text }), ...g.options.map(row)]),
    ];
    list.replaceChildren(...(rows.length ? rows : [el('div', { class: 'menu-note', text: 'No results' })]));
    input.setAttribute('aria-expanded', 'true');
    return undefined;
  };
  let timer;
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(look, 150);
  });
  input.addEventListener('focus', () => void look());
  input.addEventListener('keydown', (event) => {
    const rows = [...list.querySelectorAll('button')];
    if (event.key === 'ArrowDown' && rows[0]) rows[0].focus();
    if (event.key === 'Escape' && !list.hidden) {
      event.stopPropagation();
      event.preventDefault();
      hide();
    }
  });
  list.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') document.activeElement.nextElementSibling?.focus();
    if (event.key === 'ArrowUp') (document.activeElement.previousElementSibling ?? input).focus();
  });
  const box = el('div', { class: 'combo' }, input, list);
  box.addEventListener('focusout', (event) => {
    if (!box.contains(event.relatedTarget)) hide();
  });
  return box;
}
