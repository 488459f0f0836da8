import { type MrkdwnNode, parseMrkdwn } from './page/mrkdwn.js';
import { isObject, type Json } from './types.ts';

/** Names for the ids in mentions, so that text reads as on screen. */
export interface Names {
  user(id: string): string;
  channel(id: string): string;
  group(id: string): string;
}
export const noNames: Names = { user: (id) => id, channel: (id) => id, group: (id) => id };

/**
 * The text a person sees of a message: its blocks and attachments when it has any, else its text; mentions by name,
 * formatting characters gone, one line per block.
 */
export function visibleText(message: { text?: unknown; blocks?: unknown; attachments?: unknown }, names: Names = noNames): string {
  const lines: string[] = [];
  const blocks = list(message.blocks);
  if (blocks.length > 0) lines.push(...blocks.map((b) => blockText(b, names)));
  else if (typeof message.text === 'string') lines.push(mrkdwnText(message.text, names));
  for (const attachment of list(message.attachments)) {
    for (const key of ['pretext', 'title', 'text']) {
      const value = attachment[key];
      if (typeof value === 'string') lines.push(mrkdwnText(value, names));
    }
    lines.push(...list(attachment['blocks']).map((b) => blockText(b, names)));
  }
  return lines.filter((line) => line !== '').join('\n');
}

/** mrkdwn as a person reads it. */
export function mrkdwnText(text: string, names: Names = noNames): string {
  return parseMrkdwn(text)
    .map((node) => nodeText(node, names))
    .join('');
}

function nodeText(node: MrkdwnNode, names: Names): string {
  switch (node.type) {
    case 'text':
    case 'code':
      return node.text;
    case 'pre':
      return `\n${node.text}\n`;
    case 'quote':
      return `${node.children.map((n) => nodeText(n, names)).join('')}\n`;
    case 'bold':
    case 'italic':
    case 'strike':
      return node.children.map((n) => nodeText(n, names)).join('');
    case 'link':
      return node.text;
    case 'user':
      return `@${names.user(node.id)}`;
    case 'channel':
      return `#${names.channel(node.id)}`;
    case 'group':
      return `@${names.group(node.id)}`;
    case 'broadcast':
      return `@${node.label}`;
    case 'date':
      return node.fallback;
    case 'emoji':
      return `:${node.name}:`;
  }
}

function blockText(block: Json, names: Names): string {
  switch (block['type']) {
    case 'header':
    case 'section':
      return lines(
        [block['text'], ...list(block['fields'])].map((t) => objectText(t, names)).concat(elementText(block['accessory'], names)),
      );
    case 'context':
      return list(block['elements'])
        .map((e) => (e['type'] === 'image' ? '' : objectText(e, names)))
        .join(' ');
    case 'actions':
      return lines(list(block['elements']).map((e) => elementText(e, names)));
    case 'image':
      return lines([objectText(block['title'], names), String(block['alt_text'] ?? '')]);
    case 'input':
      return objectText(block['label'], names);
    case 'markdown':
      return String(block['text'] ?? '');
    case 'rich_text':
      return list(block['elements'])
        .map((e) => richText(e, names))
        .join('\n');
    default:
      return '';
  }
}
/** Selects show what is chosen; buttons are listed apart, as buttons. */
function elementText(element: unknown, names: Names): string {
  if (!isObject(element)) return '';
  return element['type'] === 'button' ? '' : objectText(element['placeholder'], names);
}
function objectText(object: unknown, names: Names): string {
  if (!isObject(object) || typeof object['text'] !== 'string') return '';
  return object['type'] === 'mrkdwn' ? mrkdwnText(object['text'], names) : object['text'];
}
function richText(element: Json, names: Names): string {
  if (Array.isArray(element['elements'])) {
    const separator = element['type'] === 'rich_text_list' ? '\n' : '';
    return list(element['elements'])
      .map((e) => richText(e, names))
      .join(separator);
  }
  switch (element['type']) {
    case 'user':
      return `@${names.user(String(element['user_id']))}`;
    case 'usergroup':
      return `@${names.group(String(element['usergroup_id']))}`;
    case 'channel':
      return `#${names.channel(String(element['channel_id']))}`;
    case 'broadcast':
      return `@${String(element['range'])}`;
    case 'emoji':
      return `:${String(element['name'])}:`;
    case 'link':
      return String(element['text'] ?? element['url'] ?? '');
    case 'date':
      return String(element['fallback'] ?? '');
    default:
      return String(element['text'] ?? '');
  }
}
function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
function lines(parts: string[]): string {
  return parts.filter((part) => part !== '').join('\n');
}
