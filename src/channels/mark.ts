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
}

/** The mark as one word. */
export function encodeMark(mark: Mark): string {
  return [mark.outboxId, mark.edition, mark.news, mark.note].map((part) => encodeURIComponent(part)).join('~');
}

/** The mark that was encoded; undefined for anything else (a Slack timestamp). */
export function decodeMark(ts: string | undefined): Mark | undefined {
  const parts = ts?.split('~');
  if (parts?.length !== 4) return undefined;
  try {
    const [outboxId = '', edition = '', news = '', note = ''] = parts.map(decodeURIComponent);
    if (outboxId === '' || !/^[1-9]\d{0,9}$/.test(edition)) return undefined;
    return { outboxId, edition: Number(edition), news, note };
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
