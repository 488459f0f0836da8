import { el } from './dom.js';
import { isAlerted } from './inspector.js';
import { avatar } from './message.js';
import { faultCount } from './switches.js';

/** The channels to list: direct messages only once something was said there. */
export function listedChannels(state) {
  return state.channels.filter((c) => c.im === undefined || state.messages[c.id]?.length);
}

/** The sidebar: channels with unread marks, the app, and the people one may act as. */
export function sidebarNodes(state, actions) {
  const link = (c, label, sign) =>
    el(
      'button',
      {
        type: 'button',
        class: `channel${c.id === state.channel ? ' current' : ''}${c.unread ? ' unread' : ''}`,
        'data-key': c.id,
        'aria-current': c.id === state.channel ? 'page' : null,
        onclick: () => actions.openChannel(c.id),
      },
      el('span', { class: 'sign', text: sign }),
      el('span', { class: 'label', text: label }),
      c.archived && el('span', { class: 'muted', text: 'archived' }),
      c.unread > 0 && el('span', { class: 'count', 'aria-label': `${c.unread} unread`, text: c.unread }),
    );
  const faults = faultCount(state);
  const direct = listedChannels(state).filter((c) => c.im !== undefined);
  return [
    el('div', { class: 'team' }, el('strong', { text: state.team.name }), el('span', { text: 'Practice workspace' })),
    el('h2', { text: 'Channels' }),
    ...listedChannels(state)
      .filter((c) => c.im === undefined)
      .map((c) => link(c, c.name, '#')),
    el('h2', { text: 'App' }),
    state.app.homeTab && link({ id: 'home' }, 'Home', '⌂'),
    ...direct.map((c) => link(c, state.app.name, '@')),
    el('h2', { text: 'Act as' }),
    el(
      'div',
      { class: 'people' },
      ...state.people
        .filter((p) => !p.bot)
        .map((p) =>
          el(
            'button',
            {
              type: 'button',
              class: `person${p.id === state.as ? ' current' : ''}`,
              'data-key': p.id,
              'aria-pressed': String(p.id === state.as),
              onclick: () => actions.actAs(p.id),
            },
            avatar(p, 'small'),
            el('span', {}, el('span', { class: 'who', text: p.realName }), el('small', { text: p.title ?? '' })),
          ),
        ),
    ),
    el(
      'div',
      { class: 'side-foot' },
      el('a', { href: `/?as=${state.as}&channel=${state.channel ?? ''}`, target: '_blank', text: 'Another tab' }),
      el(
        'button',
        {
          type: 'button',
          class: `inspect${isAlerted() ? ' alert' : ''}`,
          'data-key': 'inspect',
          title: isAlerted() ? 'Something was refused' : null,
          onclick: () => actions.inspect(),
        },
        'Inspector',
        faults > 0 && el('span', { class: 'count', title: 'Faults that are on', text: faults }),
      ),
    ),
  ].filter(Boolean);
}
