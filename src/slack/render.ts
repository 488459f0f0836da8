import type { KnownBlock, MrkdwnElement } from '@slack/types';
import { clean } from '../core/clean.ts';
import { type Message, messageToText, type Part, type Tone } from '../core/message.ts';
import { oneLine } from '../core/text.ts';
import { renderActions } from './buttons.ts';
import { fitEscaped } from './escape.ts';
import { codeMrkdwn, fieldTexts, progressMrkdwn, tableMrkdwn } from './parts.ts';
import { bold, spansToMrkdwn } from './spans.ts';

/** What Slack is sent: blocks, and the text that notifications and screen readers use. */
export interface SlackMessage {
  text: string;
  blocks: KnownBlock[];
}

const toneMarks: Record<Tone, string> = { neutral: '', busy: '⏳ ', good: '✅ ', warn: '⚠️ ', bad: '🔴 ' };

/** Slack refuses messages near 12,000 characters of block text, uncounted in its documentation. */
const messageLimit = 9_800;
const blockLimit = 50;
const sectionLimit = 2_900;
const textLimit = 3_000;
/** Buttons, progress and facts are kept before prose, and prose before logs, when a message is too long. */
const keepFirst: Part['kind'][] = ['actions', 'progress', 'fields', 'context', 'text', 'table', 'code'];

/** A message as Slack's blocks: the one place where text for Slack is redacted, escaped and cut to Slack's limits. Never throws. */
export function renderMessage(message: Message): SlackMessage {
  const mark = toneMarks[message.tone];
  const title: KnownBlock = section(`${mark}${bold(message.title, 600) || '–'}`);
  let chars = messageLimit - cost([title]);
  let count = blockLimit - 2;
  let buttons = 0;
  let cut = false;
  const rendered = new Map<Part, KnownBlock[]>();
  const order = [...message.parts].sort((a, b) => keepFirst.indexOf(a.kind) - keepFirst.indexOf(b.kind));
  for (const part of order) {
    const blocks = renderPart(part, chars - 60, count, () => ++buttons);
    while (blocks.length > count || cost(blocks) > chars - 60) {
      blocks.pop();
      cut = true;
    }
    if (blocks.length === 0 && !isEmpty(part)) cut = true;
    rendered.set(part, blocks);
    chars -= cost(blocks);
    count -= blocks.length;
  }
  const blocks = [title, ...message.parts.flatMap((part) => rendered.get(part) ?? [])];
  if (cut) blocks.push(grey('… shortened here, see the page.'));
  const text = fitEscaped(clean(mark + fallbackText(message)) || '–', textLimit);
  return { text, blocks };
}

function renderPart(part: Part, room: number, blocksLeft: number, next: () => number): KnownBlock[] {
  const space = Math.min(room, sectionLimit);
  if (room < 40 && part.kind !== 'actions') return [];
  switch (part.kind) {
    case 'text':
      return sections(spansToMrkdwn(part.spans, space));
    case 'context': {
      const text = spansToMrkdwn(part.spans, Math.min(space, 1_900));
      return text.trim() === '' ? [] : [grey(text)];
    }
    case 'fields': {
      const texts = fieldTexts(part.fields, room);
      const blocks: KnownBlock[] = [];
      for (let i = 0; i < texts.length; i += 10) blocks.push({ type: 'section', fields: texts.slice(i, i + 10).map(mrkdwn) });
      if (texts.length < part.fields.length) blocks.push(grey(`… ${part.fields.length - texts.length} more, see the page.`));
      return blocks;
    }
    case 'table':
      return sections(tableMrkdwn(part, space));
    case 'code':
      return sections(codeMrkdwn(part, space));
    case 'progress':
      return sections(progressMrkdwn(part.steps, space));
    case 'actions': {
      const rows = Math.min(10, Math.max(0, blocksLeft - 1));
      const { blocks, left } = renderActions(part.actions, next, Math.min(room - 300, 6_000), rows);
      if (left.length > 0) blocks.push(grey(fitEscaped(`Not shown as a button, type it instead: ${left.join(', ')}`, 240)));
      return blocks;
    }
  }
}

function mrkdwn(text: string): MrkdwnElement {
  // verbatim: Slack must not make links or mentions out of data by itself.
  return { type: 'mrkdwn', text, verbatim: true };
}
function section(text: string): KnownBlock {
  return { type: 'section', text: mrkdwn(text) };
}
function sections(text: string): KnownBlock[] {
  return text.trim() === '' ? [] : [section(text)];
}
function grey(text: string): KnownBlock {
  return { type: 'context', elements: [mrkdwn(text)] };
}

function isEmpty(part: Part): boolean {
  if (part.kind === 'fields') return part.fields.length === 0;
  if (part.kind === 'actions') return part.actions.length === 0;
  if (part.kind === 'progress') return part.steps.length === 0;
  if (part.kind === 'code') return part.text.trim() === '';
  if (part.kind === 'table') return false;
  return oneLine(spansToMrkdwn(part.spans, 100)) === '';
}

/** Characters of everything a reader or a click gets out of the blocks. */
function cost(value: unknown): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, v) => sum + cost(v), 0);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce((sum, [key, v]) => {
    return sum + (typeof v === 'string' ? (key === 'text' || key === 'value' || key === 'url' ? v.length : 0) : cost(v));
  }, 0);
}

/** What notifications read aloud; long lists are cut before, for 3,000 characters are shown at most. */
function fallbackText(message: Message): string {
  const parts = message.parts.slice(0, 60).map((part): Part => {
    if (part.kind === 'code') return { ...part, text: part.text.slice(0, 4_000) };
    if (part.kind === 'table') return { ...part, rows: part.rows.slice(0, 60) };
    return part;
  });
  try {
    return messageToText({ ...message, parts }).slice(0, 8_000);
  } catch {
    // A time that is none: the title alone must still go out.
    return message.title.slice(0, 8_000);
  }
}
