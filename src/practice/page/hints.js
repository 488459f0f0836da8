import { el } from './dom.js';

/**
 * What may be typed next, above the composer: the app's commands behind a slash, people and groups behind an at-sign.
 * `offer.commands`: the app's; `offer.mentions`: `{name, label}`. `insert(from, to, text)` puts a choice into the box.
 */
export function hints(offer, insert) {
  const list = el('div', { class: 'command-hint', role: 'listbox', 'aria-label': 'Suggestions' });
  list.hidden = true;
  let rows = [];
  let chosen = 0;
  let accepts = false;
  const mark = () => {
    for (const [i, { node }] of rows.entries()) node.setAttribute('aria-selected', String(i === chosen));
    rows[chosen]?.node.scrollIntoView({ block: 'nearest' });
  };
  const show = (next, byEnter) => {
    rows = next;
    chosen = 0;
    accepts = byEnter;
    list.hidden = rows.length === 0;
    list.replaceChildren(...rows.map((row) => row.node));
    mark();
  };
  const row = (run, ...children) => ({
    run,
    // the box keeps the focus, so that typing goes on
    node: el(
      'button',
      { type: 'button', role: 'option', tabindex: '-1', onmousedown: (e) => e.preventDefault(), onclick: run },
      ...children,
    ),
  });
  const commandRows = (text) => {
    const word = text.split(/\s/, 1)[0];
    if (text.includes(' ') && text.length > word.length + 24) return [];
    return offer.commands
      .filter((c) => c.command.startsWith(word))
      .map((c) =>
        row(
          () => insert(0, word.length, text.includes(' ') ? c.command : `${c.command} `),
          el('strong', { text: c.command }),
          ' ',
          el('code', { text: c.usageHint }),
          el('small', { text: c.description }),
        ),
      );
  };
  const mentionRows = (before, part) =>
    offer.mentions
      .filter((m) => [m.name, ...m.label.toLowerCase().split(' ')].some((w) => w.startsWith(part.toLowerCase())))
      .slice(0, 6)
      .map((m) =>
        row(
          () => insert(before.length - part.length, before.length, `${m.name} `),
          el('strong', { text: `@${m.name}` }),
          ' ',
          el('span', { class: 'muted', text: m.label }),
        ),
      );
  return {
    list,
    hide: () => show([], false),
    /** Offers what fits the text before the caret. */
    update(text, caret) {
      const before = text.slice(0, caret);
      const mention = /(?:^|\s)@([\w-]*)$/.exec(before);
      if (mention) show(mentionRows(before, mention[1]), true);
      else show(text.startsWith('/') ? commandRows(text) : [], false);
    },
    /** Handles a key; true when it was for the list. */
    key(event, text) {
      if (list.hidden) return false;
      const accept = event.key === 'Tab' ? accepts || !text.includes(' ') : event.key === 'Enter' && accepts && !event.shiftKey;
      if (accept) rows[chosen]?.run();
      else if (event.key === 'Escape') show([], false);
      else if (rows.length > 1 && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
        chosen = (chosen + (event.key === 'ArrowDown' ? 1 : rows.length - 1)) % rows.length;
        mark();
      } else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}
