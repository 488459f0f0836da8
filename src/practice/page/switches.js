import { el, post } from './dom.js';

function button(key, text, run, pressed) {
  return el('button', {
    type: 'button',
    class: 'btn tiny',
    'data-key': key,
    'aria-pressed': pressed === undefined ? null : String(pressed),
    text,
    onclick: () => void run(),
  });
}

/** The workspace's clock, which goes forward only. */
export function clockControls(state) {
  const moved = Math.round(state.clockOffsetMs / 1000);
  const ahead =
    moved === 0
      ? 'as real time'
      : moved < 60
        ? `${moved} s ahead`
        : moved < 7200
          ? `${Math.round(moved / 60)} min ahead`
          : `${(moved / 3600).toFixed(1)} h ahead`;
  const steps = [
    ['+4 s', 4000],
    ['+1 min', 60_000],
    ['+5 min', 300_000],
    ['+31 min', 31 * 60_000],
    ['+1 h', 3_600_000],
  ];
  return [
    el(
      'div',
      { class: 'controls clock' },
      el('span', { class: 'muted', text: ahead }),
      ...steps.map(([label, advanceMs]) => button(label, label, () => post('clock', { advanceMs }))),
    ),
  ];
}

/** Name, what it does, the change that turns it on and the one that turns it off, and whether it is on. */
const faults = [
  [
    'Rate limit',
    'The next 3 posts get 429, Retry-After 2 s',
    { rateLimitNext: 3, retryAfterS: 2 },
    { rateLimitNext: 0 },
    (f) => f.rateLimitNext > 0,
  ],
  ['Server errors', 'The next 3 calls get 503', { serverErrorNext: 3 }, { serverErrorNext: 0 }, (f) => f.serverErrorNext > 0],
  [
    'Lost answer',
    'The next post is accepted, its answer is lost',
    { dropAfterAcceptNext: 1 },
    { dropAfterAcceptNext: 0 },
    (f) => f.dropAfterAcceptNext > 0,
  ],
  ['Slow acknowledgement', 'The app’s acknowledgements arrive 4 s late', { slowAckMs: 4000 }, { slowAckMs: 0 }, (f) => f.slowAckMs > 0],
  ['Slow answers', 'Slack’s answers take 2 s', { slowAnswerMs: 2000 }, { slowAnswerMs: 0 }, (f) => f.slowAnswerMs > 0],
  ['Duplicates', 'Everything is delivered 3 times', { deliverTimes: 3 }, { deliverTimes: 1 }, (f) => f.deliverTimes > 1],
  ['Wrong order', 'The next delivery is overtaken by the one after it', { reorderNext: 1 }, { reorderNext: 0 }, (f) => f.reorderNext > 0],
  ['Revoked token', 'The bot’s token is refused', { tokenRevoked: true }, { tokenRevoked: false }, (f) => f.tokenRevoked],
  ['Outage', 'Nothing of Slack answers, sockets are cut', { outage: true }, { outage: false }, (f) => f.outage],
];

/** How many faults are on, for the mark beside the inspector's button. */
export function faultCount(state) {
  return faults.filter(([, , , , isOn]) => isOn(state.faults)).length;
}

/** A switch for each fault, and the sockets. */
export function faultControls(state) {
  const rows = faults.map(([name, what, on, off, isOn]) => {
    const pressed = isOn(state.faults);
    return el(
      'button',
      {
        type: 'button',
        class: 'switch',
        role: 'switch',
        'aria-checked': String(pressed),
        'data-key': name,
        onclick: () => void post('faults', pressed ? off : on),
      },
      el('span', { class: 'knob' }),
      el('span', {}, el('strong', { text: name }), el('small', { text: what })),
    );
  });
  const sockets = [
    el('span', { class: 'muted', text: state.sockets === 1 ? '1 socket' : `${state.sockets} sockets` }),
    button('drop', 'Drop', () => post('sockets', { action: 'drop' })),
    button('warning', 'Warn', () => post('sockets', { action: 'warning' })),
    button('refresh', 'Refresh', () => post('sockets', { action: 'refresh_requested' })),
  ];
  return [el('div', { class: 'switch-list' }, ...rows), el('div', { class: 'controls' }, ...sockets)];
}

/** What can be done to the channel on screen. */
export function placeControls(state) {
  const channel = state.channels.find((c) => c.id === state.channel);
  if (!channel) return [];
  const change = (fields) => post('channels', { channel: channel.id, ...fields });
  const inside = channel.members.includes(state.app.id);
  return [
    el(
      'div',
      { class: 'controls' },
      button('bot', inside ? 'Kick the bot' : 'Invite the bot', () => change(inside ? { kickBot: true } : { inviteBot: true })),
      channel.im === undefined &&
        button('archive', channel.archived ? 'Unarchive' : 'Archive', () => change({ archived: !channel.archived })),
      el('span', { class: 'muted', text: inside ? `${state.app.name} is in it` : `${state.app.name} is not in it` }),
    ),
  ];
}
