import { el } from './dom.js';
import { avatar } from './message.js';

/** The head of the main part: title, topic, who one acts as (`me`). */
export function header(me, title, topic, extra) {
  return el(
    'header',
    { class: 'head' },
    el('button', {
      type: 'button',
      class: 'icon burger',
      'aria-label': 'Channels',
      text: '☰',
      onclick: () => document.body.classList.toggle('nav-open'),
    }),
    el('h1', { text: title }),
    el('span', { class: 'topic', text: topic }),
    el('span', { class: 'offline-note', text: 'Connecting again…' }),
    extra,
    el('span', { class: 'acting', title: 'You act as' }, avatar(me, 'small'), me.realName.split(' ')[0]),
  );
}
