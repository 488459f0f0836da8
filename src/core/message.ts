/**
 * The neutral message that commands and operations return. Slack and the web page each render it; escaping and
 * length limits live in the renderers alone, so every string here is plain text.
 */
export interface Message {
  tone: Tone;
  /** One line, plain text: the notification, the first line on screen. */
  title: string;
  parts: Part[];
  /** The incident that it tells of: for channels that open and close incidents elsewhere. */
  incident?: IncidentRef;
  /** Who sees a reply: the person alone (default) or the channel. */
  visibility?: 'ephemeral' | 'channel';
}
/** What other systems have to know of an incident to open, take and close it there too. */
export interface IncidentRef {
  id: string;
  state: 'firing' | 'acknowledged' | 'resolved';
  cause: string;
  job?: string | undefined;
  cluster?: string | undefined;
  /** ISO time. */
  since?: string | undefined;
}
export type Tone = 'neutral' | 'good' | 'warn' | 'bad' | 'busy';

export type Part =
  | { kind: 'text'; spans: Span[] }
  /** Label and value pairs, two columns where there is room. */
  | { kind: 'fields'; fields: { label: string; value: string | Span[] }[] }
  | { kind: 'table'; columns: string[]; rows: (string | Span[])[][] }
  /** Preformatted lines (log tails, stack traces). */
  | { kind: 'code'; text: string; label?: string }
  /** The steps of an operation, in order. */
  | { kind: 'progress'; steps: ProgressStep[] }
  | { kind: 'actions'; actions: Action[] }
  /** Small grey print under the rest. */
  | { kind: 'context'; spans: Span[] };

export type Span =
  | string
  | { bold: string }
  | { code: string }
  /** A link; `url` is http(s) only, anything else is rendered as text. */
  | { link: string; url: string }
  /** A person, shown as a mention. */
  | { person: PersonRef }
  /** A Slack user group id, shown as a mention of all its people. */
  | { group: string }
  /** A Slack channel id, shown as a channel link. */
  | { channel: string }
  /** A point in time, shown in the reader's own zone. */
  | { time: Date | string; style?: 'full' | 'time' };

/** A Slack identity: never a name or an e-mail. */
export interface PersonRef {
  teamId: string;
  userId: string;
  /** For places where no mention can be shown (page, plain-text fallback). */
  name?: string;
}

export interface ProgressStep {
  title: string;
  state: 'waiting' | 'running' | 'done' | 'skipped' | 'failed';
  /** For example "2.1 s" or "commit 3f2a91c". */
  note?: string;
}

/**
 * A button. It carries a command line that is run as if the person had typed it (`start etl-orders`), or a link.
 * `input` asks for one typed value first (a modal in Slack, a prompt on the page), which replaces `{input}` in the command, quoted.
 */
export interface Action {
  label: string;
  command?: string;
  url?: string;
  style?: 'primary' | 'danger';
  confirm?: { title: string; text: string; yes: string };
  input?: { title: string; label: string; placeholder?: string; optional?: boolean; multiline?: boolean };
  /** Pick one of these first; its value replaces `{choice}` in the command, quoted. */
  choice?: { title: string; label: string; options: { label: string; description?: string; value: string }[] };
}

/** A text part from strings and spans. */
export function text(...spans: Span[]): Part {
  return { kind: 'text', spans };
}
/** A context part from strings and spans. */
export function context(...spans: Span[]): Part {
  return { kind: 'context', spans };
}
/** A fields part; entries with an undefined value are left out. */
export function fields(entries: [label: string, value: string | Span[] | undefined][]): Part {
  return {
    kind: 'fields',
    fields: entries.flatMap(([label, value]) => (value === undefined ? [] : [{ label, value }])),
  };
}
/** An actions part. */
export function actions(...list: Action[]): Part {
  return { kind: 'actions', actions: list };
}
/** A reply of a title and, optionally, parts. */
export function message(tone: Tone, title: string, ...parts: Part[]): Message {
  return { tone, title, parts };
}

/** The plain text of spans, for fallbacks, logs and tests. */
export function spansToText(spans: string | Span[]): string {
  if (typeof spans === 'string') return spans;
  return spans.map(spanToText).join('');
}
function spanToText(span: Span): string {
  if (typeof span === 'string') return span;
  if ('bold' in span) return span.bold;
  if ('code' in span) return span.code;
  if ('link' in span) return span.link;
  if ('person' in span) return `@${span.person.name ?? span.person.userId}`;
  if ('group' in span) return `@${span.group}`;
  if ('channel' in span) return `#${span.channel}`;
  const at = new Date(span.time);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString().replace('T', ' ').slice(0, 16);
}
/** The plain text of a whole message, one part a line. */
export function messageToText(m: Message): string {
  const lines = [m.title];
  for (const part of m.parts) {
    if (part.kind === 'text' || part.kind === 'context') lines.push(spansToText(part.spans));
    else if (part.kind === 'fields') lines.push(...part.fields.map((f) => `${f.label}: ${spansToText(f.value)}`));
    else if (part.kind === 'table') lines.push(part.columns.join(' | '), ...part.rows.map((r) => r.map(spansToText).join(' | ')));
    else if (part.kind === 'code') lines.push(part.text);
    else if (part.kind === 'progress') lines.push(...part.steps.map((s) => `${s.state} ${s.title}${s.note ? ` (${s.note})` : ''}`));
    else lines.push(part.actions.map((a) => `[${a.label}]`).join(' '));
  }
  return lines.join('\n');
}
