import { createHash } from 'node:crypto';
import type { IncidentRef, Message } from '../core/message.ts';

/** What is known of a message that was sent; kept in the outbox where Slack keeps its timestamp, so that it survives the process. */
export interface Mark {
  outboxId: string;
  /** How often something was sent of it. */
  edition: number;
  /** Digest of the news that was sent last. */
  news: string;
  /** The channel's own note. */
  note: string;
  /** Recipients that do not have it yet: who they are, how often they were tried again, and since when (ms since 1970). */
  rest?: { to: string[]; tries: number; since: number };
}

/** The mark as one word. */
export function encodeMark(mark: Mark): string {
  const rest = mark.rest ? [JSON.stringify(mark.rest)] : [];
  return [mark.outboxId, mark.edition, mark.news, mark.note, ...rest].map((part) => encodeURIComponent(part)).join('~');
}

/** The mark that was encoded; undefined for anything else (a Slack timestamp). */
export function decodeMark(ts: string | undefined): Mark | undefined {
  const parts = ts?.split('~');
  if (parts?.length !== 4 && parts?.length !== 5) return undefined;
  try {
    const [outboxId = '', edition = '', news = '', note = '', rest] = parts.map(decodeURIComponent);
    if (outboxId === '' || !/^[1-9]\d{0,9}$/.test(edition)) return undefined;
    return { outboxId, edition: Number(edition), news, note, ...(rest ? { rest: JSON.parse(rest) as NonNullable<Mark['rest']> } : {}) };
  } catch {
    return undefined;
  }
}

/** Changes when there is news: another title, another tone, another state of the incident. */
export function newsOf(message: Message, incident: IncidentRef | undefined): string {
  return digestOf([message.title, message.tone, incident?.state ?? null]);
}

/** Changes with anything in the message. */
export function contentOf(message: Message): string {
  return digestOf(message);
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12);
}
