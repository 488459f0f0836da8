import { composer, offer } from './composer.js';
import { el } from './dom.js';
import { fill, keepPlace } from './log.js';
import { renderMessage } from './message.js';

/** The side panel with a thread: its root, the replies, and a box to answer in. `view`: host, openThread; `place(channel, ts)` for the box. */
export function threadPanel(state, { host, openThread, place }) {
  const panel = el('aside', { class: 'thread', 'aria-label': 'Thread' });
  const items = (root, replies) => {
    const view = { host, compact: false, inThread: true, openThread };
    const message = (m) => ({ key: m.ts, same: [m, state.clockOffsetMs], make: () => renderMessage(m, view) });
    const count = replies.length === 1 ? '1 reply' : `${replies.length} replies`;
    const line = { key: 'count', same: [count], make: () => el('div', { class: 'day' }, el('span', { text: count })) };
    return [message(root), ...(replies.length ? [line] : []), ...replies.map(message)];
  };
  return {
    /** Draws the open thread behind `main`; takes the panel away when there is none. */
    draw(main) {
      const channel = state.channels.find((c) => c.id === state.channel);
      const all = (channel && state.messages[channel.id]) ?? [];
      const root = state.thread && all.find((m) => m.ts === state.thread);
      document.body.classList.toggle('thread-open', Boolean(root));
      if (!root) return panel.remove();
      const now = items(
        root,
        all.filter((m) => m.threadTs === root.ts),
      );
      if (panel.isConnected && panel.dataset.root === root.ts && panel.dataset.as === state.as) {
        const log = panel.querySelector('.log');
        keepPlace(log, () => fill(log, now));
        return undefined;
      }
      Object.assign(panel.dataset, { root: root.ts, as: state.as });
      const log = el('div', { class: 'log', role: 'log', 'aria-label': 'Thread', tabindex: '0' });
      fill(log, now);
      panel.replaceChildren(
        el(
          'div',
          { class: 'panel-head' },
          el('h2', { text: 'Thread' }),
          el('span', { class: 'muted', text: channel.im === undefined ? `#${channel.name}` : state.app.name }),
          el('button', {
            type: 'button',
            class: 'icon',
            'aria-label': 'Close the thread',
            text: '×',
            onclick: () => openThread(undefined),
          }),
        ),
        log,
        composer(place(channel, root.ts), offer(state, [])),
      );
      main.after(panel);
      log.scrollTop = log.scrollHeight;
      return undefined;
    },
    focus: () => panel.querySelector('textarea')?.focus(),
  };
}
