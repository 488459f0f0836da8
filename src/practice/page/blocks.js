import { ask, el } from './dom.js';
import { externalSelect } from './external-select.js';
import { anchor, dateNode, emojiText, markdown, mention, mrkdwn } from './mrkdwn-view.js';

/**
 * Block Kit as elements. `host`: names; act(element, blockId, value) for a press or a choice; suggest(element, blockId, typed) for the
 * options of an external select; input(block) makes the control of an input block; value(blockId, actionId) is what is chosen now.
 */
export function renderBlocks(blocks, host) {
  return el('div', { class: 'blocks' }, ...blocks.map((block) => renderBlock(block, host)));
}

function renderBlock(block, host) {
  const render = renderers[block.type];
  if (!render) return unknown('a block', block.type);
  return render(block, host);
}

/** What stands for something that has no rendering: never a blank. */
function unknown(what, type) {
  return el('span', { class: 'blk-unknown', role: 'alert', text: `This workspace cannot show ${what} of type ${type}.` });
}

const renderers = {
  header: (block) => el('h3', { class: 'blk-header', text: withEmoji(block.text.text) }),
  divider: () => el('hr', { class: 'blk-divider' }),
  section: (block, host) =>
    el(
      'div',
      { class: 'blk-section' },
      el(
        'div',
        { class: 'section-body' },
        block.text && el('div', { class: 'section-text' }, ...textNodes(block.text, host)),
        block.fields && el('div', { class: 'fields' }, ...block.fields.map((f) => el('div', {}, ...textNodes(f, host)))),
      ),
      block.accessory && el('div', { class: 'accessory' }, renderElement(block.accessory, block.block_id, host)),
    ),
  context: (block, host) =>
    el(
      'div',
      { class: 'blk-context' },
      ...block.elements.map((e) =>
        e.type === 'image'
          ? el('img', { src: e.image_url, alt: e.alt_text, class: 'context-image' })
          : el('span', {}, ...textNodes(e, host)),
      ),
    ),
  actions: (block, host) => el('div', { class: 'blk-actions' }, ...block.elements.map((e) => renderElement(e, block.block_id, host))),
  image: (block) =>
    el(
      'figure',
      { class: 'blk-image' },
      block.title && el('figcaption', { text: block.title.text }),
      el('img', { src: block.image_url, alt: block.alt_text }),
    ),
  input: (block, host) => host.input(block),
  markdown: (block) => el('div', { class: 'blk-markdown' }, ...markdown(block.text)),
  rich_text: (block, host) => el('div', { class: 'blk-rich' }, ...block.elements.map((e) => richNode(e, host))),
};

/** A text object as nodes. */
export function textNodes(object, host) {
  return object.type === 'mrkdwn' ? mrkdwn(object.text, host.names) : [withEmoji(object.text)];
}
function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (_whole, name) => emojiText(name));
}

/** An interactive element, or an image. */
export function renderElement(element, blockId, host) {
  const go = async (value) => {
    if (element.confirm && !(await ask(element.confirm, textNodes(element.confirm.text, host)))) return;
    await host.act(element, blockId, value);
  };
  switch (element.type) {
    case 'button':
      return el('button', {
        type: 'button',
        class: `btn ${element.style ?? ''}`,
        text: withEmoji(element.text.text),
        'aria-label': element.accessibility_label,
        onclick: async (event) => {
          const button = event.currentTarget;
          if (element.url) window.open(element.url, '_blank', 'noopener');
          button.classList.add('busy');
          await go().finally(() => button.classList.remove('busy'));
        },
      });
    case 'image':
      return el('img', { src: element.image_url, alt: element.alt_text, class: 'accessory-image' });
    case 'overflow':
      return el(
        'details',
        { class: 'overflow' },
        el('summary', { class: 'btn', 'aria-label': 'More', text: '⋯', onclick: (e) => turnToRoom(e.currentTarget) }),
        el(
          'div',
          { class: 'menu' },
          ...element.options.map((o) =>
            el(
              'button',
              {
                type: 'button',
                onclick: (e) => {
                  e.currentTarget.closest('details').open = false;
                  if (o.url) window.open(o.url, '_blank', 'noopener');
                  void go(o.value);
                },
              },
              withEmoji(o.text.text),
              o.description && el('small', { text: withEmoji(o.description.text) }),
            ),
          ),
        ),
      );
    default:
      return renderChoice(element, host.value(blockId, element.action_id), go, (typed) => host.suggest(element, blockId, typed), host);
  }
}

/** Lets the menu of a summary open to where there is room for it: towards the middle of the window, and up when it is low. */
function turnToRoom(summary) {
  const { left, bottom } = summary.getBoundingClientRect();
  const frame = summary.closest('.log, .home, .modal-body')?.getBoundingClientRect();
  summary.parentNode.classList.toggle('to-right', left < innerWidth / 2);
  summary.parentNode.classList.toggle('up', (frame?.bottom ?? innerHeight) - bottom < 220);
}

/** A control that holds a value; `changed(value)` gets an option's value, a user id, a list of values, or for an external select the option. */
export function renderChoice(element, state, changed, suggest, host) {
  switch (element.type) {
    case 'static_select':
      return select(optionNodes(element), state?.selected_option?.value, element, changed);
    case 'users_select':
      return select(
        host.names.people().map((p) => el('option', { value: p.id, text: p.realName })),
        state?.selected_user,
        element,
        changed,
      );
    case 'external_select':
      return externalSelect(element, state?.selected_option, changed, suggest);
    case 'checkboxes':
    case 'radio_buttons':
      return checks(element, state, changed, host);
    default:
      return unknown('an element', element.type);
  }
}
function optionNodes(element) {
  const option = (o) =>
    el('option', { value: o.value, text: withEmoji(o.description ? `${o.text.text} · ${o.description.text}` : o.text.text) });
  if (element.option_groups) return element.option_groups.map((g) => el('optgroup', { label: g.label.text }, ...g.options.map(option)));
  return element.options.map(option);
}
function select(options, chosen, element, changed) {
  const node = el(
    'select',
    { class: 'select', 'aria-label': element.placeholder?.text ?? 'Choose', onchange: (e) => void changed(e.currentTarget.value || null) },
    el('option', { value: '', text: element.placeholder?.text ?? 'Choose an option' }),
    ...options,
  );
  node.value = chosen ?? '';
  return node;
}
function checks(element, state, changed, host) {
  const many = element.type === 'checkboxes';
  const chosen = many ? (state?.selected_options ?? []).map((o) => o.value) : [state?.selected_option?.value];
  const name = `${element.action_id}-${Math.random()}`;
  const box = el(
    'div',
    { class: 'checks' },
    ...element.options.map((o) => {
      const input = el('input', { type: many ? 'checkbox' : 'radio', name, value: o.value });
      input.checked = chosen.includes(o.value);
      return el(
        'label',
        {},
        input,
        el('span', {}, ...textNodes(o.text, host), o.description && el('small', {}, ...textNodes(o.description, host))),
      );
    }),
  );
  box.addEventListener('change', () => {
    const values = [...box.querySelectorAll('input:checked')].map((i) => i.value);
    void changed(many ? values : values[0]);
  });
  return box;
}

function richNode(node, host) {
  const children = () => node.elements.map((e) => richNode(e, host));
  switch (node.type) {
    case 'rich_text_section':
      return el('div', {}, ...children());
    case 'rich_text_list':
      return el(node.style === 'ordered' ? 'ol' : 'ul', {}, ...node.elements.map((e) => el('li', {}, richNode(e, host))));
    case 'rich_text_preformatted':
      return el('pre', {}, ...children());
    case 'rich_text_quote':
      return el('blockquote', {}, ...children());
    case 'user':
      return mention(`@${host.names.user(node.user_id)}`, node.user_id === host.names.me);
    case 'usergroup':
      return mention(`@${host.names.group(node.usergroup_id)}`, host.names.inGroup(node.usergroup_id));
    case 'channel':
      return mention(`#${host.names.channel(node.channel_id)}`, false);
    case 'broadcast':
      return mention(`@${node.range}`, true);
    case 'emoji':
      return document.createTextNode(emojiText(node.name));
    case 'link':
      return styled(node, anchor(node.url, node.text ?? node.url));
    case 'date':
      return dateNode({ unix: node.timestamp, format: node.format ?? '{date}', url: node.url, fallback: node.fallback ?? '' }, host.names);
    case 'text':
      return styled(node, document.createTextNode(node.text));
    default:
      return unknown('a text', node.type);
  }
}
function styled(node, inner) {
  let out = inner;
  for (const [style, tag] of [
    ['code', 'code'],
    ['bold', 'strong'],
    ['italic', 'em'],
    ['strike', 's'],
  ])
    if (node.style?.[style]) out = el(tag, {}, out);
  return out;
}
