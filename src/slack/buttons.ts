import type { ActionsBlock, Button, KnownBlock } from '@slack/types';
import { clean } from '../core/clean.ts';
import type { Action } from '../core/message.ts';
import { oneLine, truncate } from '../core/text.ts';
import { encodeAction } from './action-value.ts';
import { slackUrl } from './escape.ts';

/** Action ids of buttons that only open a link: their click needs no answer. */
export const linkActionPrefix = 'open:';
const commandActionPrefix = 'run:';
/** As many as a phone shows well. */
const buttonsPerRow = 5;

export interface RenderedActions {
  blocks: KnownBlock[];
  /** Labels of actions that cannot be a button (too long for Slack, or holding a secret). */
  left: string[];
}

/** Rows of buttons; `next` gives numbers that are unique in the message. `room` bounds the characters of labels, values and links. */
export function renderActions(actions: Action[], next: () => number, room: number, rows: number): RenderedActions {
  const buttons: Button[] = [];
  const left: string[] = [];
  let used = 0;
  for (const action of actions) {
    const button = renderButton(action, next);
    const cost = button
      ? button.text.text.length + (button.value?.length ?? 0) + (button.url?.length ?? 0) + 450 * (button.confirm ? 1 : 0)
      : 0;
    if (button === undefined || used + cost > room || buttons.length >= rows * buttonsPerRow) {
      left.push(labelOf(action));
      continue;
    }
    used += cost;
    buttons.push(button);
  }
  const blocks: ActionsBlock[] = [];
  for (let i = 0; i < buttons.length; i += buttonsPerRow) blocks.push({ type: 'actions', elements: buttons.slice(i, i + buttonsPerRow) });
  return { blocks, left };
}

function renderButton(action: Action, next: () => number): Button | undefined {
  const button: Button = { type: 'button', text: plain(labelOf(action)), action_id: '' };
  if (action.style) button.style = action.style;
  if (action.command !== undefined) {
    const value = encodeAction(action);
    if (value === undefined) return undefined;
    button.action_id = commandActionPrefix + next();
    button.value = value;
    if (action.confirm) {
      const { title, text, yes } = action.confirm;
      button.confirm = {
        title: plain(filled(title, 100)),
        text: plain(filled(text, 300)),
        confirm: plain(filled(yes, 30)),
        deny: plain('Cancel'),
        ...(action.style ? { style: action.style } : {}),
      };
    }
    return button;
  }
  const url = action.url === undefined ? undefined : slackUrl(action.url);
  if (url === undefined) return undefined;
  return { ...button, action_id: linkActionPrefix + next(), url };
}
function labelOf(action: Action): string {
  return filled(action.label, 75);
}
function filled(value: string, limit: number): string {
  return truncate(oneLine(clean(value.slice(0, 2000))), limit) || '–';
}
function plain(text: string): { type: 'plain_text'; text: string } {
  return { type: 'plain_text', text };
}
