import { renderBlocks } from './blocks.js';
import { clockTime, el, fullTime, post, when } from './dom.js';
import { inputBlock } from './modal.js';
import { emojiText, mrkdwn } from './mrkdwn-view.js';

/** An avatar: the initials on a colour of the person's own. */
export function avatar(person, size = '') {
  const words = person.realName.split(' ');
  const initials = (words[0][0] + (words[1]?.[0] ?? '')).toUpperCase();
  const color = person.bot ? 'app' : person.id === 'USLACKBOT' ? 'slackbot' : `c${(person.order ?? 0) % 6}`;
  return el('span', { class: `avatar ${size} ${color}`, 'aria-hidden': 'true', text: initials });
}

/**
 * One message. `view`: host (names), compact (follows another of the same author), replies (in the channel), openThread, inThread.
 */
export function renderMessage(message, view) {
  const { host } = view;
  const person = host.names.person(message.user);
  const edited =
    message.editedTs &&
    el('span', { class: 'edited', title: `edited ${fullTime(message.editedTs)}, ${message.texts.length} versions`, text: '(edited)' });
  const head =
    !view.compact &&
    el(
      'div',
      { class: 'msg-head' },
      el('span', { class: 'author', text: person.realName }),
      person.bot && el('span', { class: 'badge', text: 'APP' }),
      el('time', { class: 'msg-time', 'data-ts': message.ts, title: fullTime(message.ts), text: when(message.ts, host.names.now()) }),
      edited,
    );
  const body = el('div', { class: 'msg-body' }, ...content(message, host), view.compact && edited ? edited : '');
  return el(
    'article',
    {
      class: `msg${view.compact ? ' compact' : ''}${message.to ? ' ephemeral' : ''}${message.tombstone ? ' tombstone' : ''}`,
      'data-ts': message.ts,
    },
    view.compact ? el('time', { class: 'gutter-time', title: fullTime(message.ts), text: clockTime(message.ts) }) : avatar(person),
    el(
      'div',
      { class: 'msg-main' },
      message.to &&
        el(
          'div',
          { class: 'only-you' },
          el('span', { text: 'Only visible to you' }),
          el('button', {
            type: 'button',
            class: 'linkish',
            text: 'Dismiss',
            onclick: () => void post('hide', { as: host.names.me, channel: message.channel, ts: message.ts }),
          }),
        ),
      head,
      body,
      message.reactions.length > 0 &&
        el(
          'div',
          { class: 'reactions' },
          ...message.reactions.map((r) =>
            el('span', { class: 'reaction', title: r.users.map(host.names.user).join(', ') }, emojiText(r.name), ` ${r.users.length}`),
          ),
        ),
      threadLink(message, view),
    ),
    toolbar(message, view),
  );
}

function content(message, host) {
  const inner = messageHost(message, host);
  const out = [];
  if (message.blocks?.length) out.push(renderBlocks(message.blocks, inner));
  else if (message.text) out.push(el('div', { class: 'msg-text' }, ...mrkdwn(message.text, host.names)));
  for (const attachment of message.attachments ?? []) {
    const box = el('div', { class: 'attachment' });
    if (attachment.color) box.style.borderLeftColor = colors[attachment.color] ?? `#${attachment.color.replace('#', '')}`;
    for (const key of ['pretext', 'title', 'text'])
      if (attachment[key]) box.append(el('div', { class: `att-${key}` }, ...mrkdwn(attachment[key], host.names)));
    if (attachment.blocks) box.append(renderBlocks(attachment.blocks, inner));
    out.push(box);
  }
  return out;
}
const colors = { good: '#2f9e62', warning: '#d99a1c', danger: '#cc3b4a' };

function messageHost(message, host) {
  const where = { as: host.names.me, channel: message.channel, ts: message.ts };
  const inner = {
    names: host.names,
    act: (element, blockId, value) =>
      post('click', { ...where, action_id: element.action_id, block_id: blockId, ...(value === undefined ? {} : { value }) }),
    suggest: (element, blockId, typed) => post('options', { ...where, action_id: element.action_id, block_id: blockId, value: typed }),
    value: (blockId, actionId) => message.inputs?.[host.names.me]?.[blockId]?.[actionId],
    // Slack keeps what is filled in as state of the message, so each change is told
    input: (block) => inputBlock({ ...block, dispatch_action: true }, undefined, {}, inner),
  };
  return inner;
}

function threadLink(message, view) {
  if (view.inThread) return message.broadcast && el('div', { class: 'muted small', text: 'also sent to the channel' });
  const { replies } = view;
  if (message.broadcast)
    return el('button', {
      type: 'button',
      class: 'thread-link',
      text: 'replied to a thread',
      onclick: () => view.openThread(message.threadTs),
    });
  if (!replies?.length) return null;
  const authors = [...new Set(replies.map((r) => r.user))].slice(0, 4);
  return el(
    'button',
    { type: 'button', class: 'thread-link', onclick: () => view.openThread(message.ts) },
    ...authors.map((id) => avatar(view.host.names.person(id), 'tiny')),
    el('strong', { text: replies.length === 1 ? '1 reply' : `${replies.length} replies` }),
    el(
      'span',
      { class: 'muted' },
      'Last reply ',
      el('time', { 'data-ts': replies.at(-1).ts, text: when(replies.at(-1).ts, view.host.names.now()) }),
    ),
  );
}
function toolbar(message, view) {
  if (message.to || message.tombstone) return null;
  const reply =
    !view.inThread &&
    !message.threadTs &&
    el('button', {
      type: 'button',
      title: 'Reply in thread',
      'aria-label': 'Reply in thread',
      text: 'Reply',
      onclick: () => view.openThread(message.ts),
    });
  const buttons = [reply, moreActions(message, view.host)].filter(Boolean);
  return buttons.length ? el('div', { class: 'toolbar' }, ...buttons) : null;
}

/** The menu of the app's message shortcuts. Slack offers them on everybody's messages, but not on those that only one person sees. */
function moreActions(message, host) {
  const shortcuts = host.shortcuts();
  if (shortcuts.length === 0) return null;
  const app = host.names.person(host.names.appId)?.realName ?? 'the app';
  const menu = el(
    'details',
    { class: 'more' },
    el('summary', { title: 'More actions', 'aria-label': 'More actions', text: '⋯' }),
    el(
      'div',
      { class: 'more-menu' },
      ...shortcuts.map((s) =>
        el(
          'button',
          {
            type: 'button',
            title: s.description || s.name,
            onclick: () => {
              menu.open = false;
              void post('shortcut', { as: host.names.me, channel: message.channel, ts: message.ts, callback_id: s.callbackId });
            },
          },
          el('span', { text: s.name }),
          el('span', { class: 'muted small', text: app }),
        ),
      ),
    ),
  );
  menu.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') menu.open = false;
  });
  menu.addEventListener('focusout', (event) => {
    if (!menu.contains(event.relatedTarget)) menu.open = false;
  });
  return menu;
}
