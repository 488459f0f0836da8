import { interactiveElements } from '../blocks/find.ts';
import { isObject, type Json, type StoredMessage } from '../types.ts';

export interface SeenButton {
  text: string;
  actionId: string;
  blockId: string;
  value: string | undefined;
  url: string | undefined;
  style: string | undefined;
  /** The question of its confirm dialog. */
  confirm: string | undefined;
}
/** A message as one person sees it at one moment. */
export interface SeenMessage {
  channel: string;
  ts: string;
  threadTs: string | undefined;
  /** Id of the author. */
  author: string;
  /** Only this person sees it. */
  ephemeral: boolean;
  edited: boolean;
  /** All visible text: blocks and attachments, or the text when there are none; formatting gone. */
  text: string;
  /** Every visible text it has had, oldest first, this one last. */
  texts: string[];
  /** What notifications show (the `text` field). */
  notification: string;
  buttons: SeenButton[];
  /** Addresses of all links in it. */
  links: string[];
  blocks: Json[];
  raw: StoredMessage;
}

/** Reads a stored message as a person sees it. */
export function seenMessage(raw: StoredMessage): SeenMessage {
  const buttons = interactiveElements(raw)
    .filter((e) => e.element['type'] === 'button')
    .map(({ element, actionId, blockId }) => ({
      text: isObject(element['text']) ? String(element['text']['text']) : '',
      actionId,
      blockId,
      value: optional(element['value']),
      url: optional(element['url']),
      style: optional(element['style']),
      confirm:
        isObject(element['confirm']) && isObject(element['confirm']['text']) ? String(element['confirm']['text']['text']) : undefined,
    }));
  return {
    channel: raw.channel,
    ts: raw.ts,
    threadTs: raw.threadTs,
    author: raw.user,
    ephemeral: raw.to !== undefined,
    edited: raw.editedTs !== undefined,
    text: raw.texts.at(-1) ?? '',
    texts: [...raw.texts],
    notification: raw.text,
    buttons,
    links: linksOf(raw),
    blocks: raw.blocks ?? [],
    raw,
  };
}

function optional(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
function linksOf(raw: StoredMessage): string[] {
  const shown =
    raw.blocks && raw.blocks.length > 0
      ? { blocks: raw.blocks, attachments: raw.attachments }
      : { text: raw.text, attachments: raw.attachments };
  const json = JSON.stringify(shown);
  const links = [...json.matchAll(/<(https?:\/\/[^|>"\\]+)/g)].map((m) => (m[1] ?? '').replaceAll('&amp;', '&'));
  const buttonUrls = [...json.matchAll(/"url":"(https?:[^"]+)"/g)].map((m) => m[1] ?? '');
  return [...links, ...buttonUrls];
}
