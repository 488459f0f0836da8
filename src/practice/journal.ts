import { redact } from '../core/redact.ts';
import type { Changes } from './changes.ts';
import type { PracticeClock } from './clock.ts';

export interface JournalEntry {
  id: number;
  /** Milliseconds since 1970, on the workspace's clock. */
  at: number;
  /** `in`: the app called us (Web API, response_url); `out`: we called the app. */
  direction: 'in' | 'out';
  /** `chat.postMessage`, `slash command`, `block_actions`, `event app_mention`, `response_url`... */
  what: string;
  transport: 'http' | 'socket';
  request: unknown;
  status: string;
  answer: unknown;
  durationMs: number;
  /** True when real Slack would refuse or report it. */
  refused: boolean;
}
/** Something that was done to the workspace itself: a fault, the clock, a membership. */
export interface Intervention {
  /** Milliseconds since 1970, on the workspace's clock. */
  at: number;
  /** `faults`, `clock`, `sockets`, `channels`… as in POST /practice/<what>. */
  what: string;
  change: unknown;
}
export interface Journal {
  entries(): JournalEntry[];
  /** How many older entries are not kept any more. */
  dropped(): number;
  add(entry: Omit<JournalEntry, 'id' | 'at'>): void;
  /** What was done to the workspace, oldest first; as many of them as of the entries. */
  interventions(): Intervention[];
  intervened(what: string, change: unknown): void;
}

const kept = 500;
const longestText = 20_000;
/** Of a Socket Mode address: who has it can connect as the app. */
const ticket = /([?&]ticket=)[\w-]+/g;

/** What went over the wire, for the inspector: the last 500 requests, tokens removed, long bodies cut. */
export function createJournal(clock: PracticeClock, changes: Changes): Journal {
  const list: JournalEntry[] = [];
  const done: Intervention[] = [];
  let id = 0;
  return {
    entries: () => [...list],
    dropped: () => id - list.length,
    interventions: () => [...done],
    intervened(what, change) {
      done.push({ at: clock.now(), what, change: tidy(change) });
      if (done.length > kept) done.shift();
    },
    add(entry) {
      id++;
      const full = { ...entry, request: tidy(entry.request), answer: tidy(entry.answer), id, at: clock.now() };
      list.push(full);
      if (list.length > kept) list.shift();
      changes.emit({ type: 'journal', data: { entry: full } });
    },
  };
}

function tidy(value: unknown): unknown {
  if (value === undefined) return undefined;
  const json = JSON.stringify(value, (key, part: unknown) => {
    if (typeof part !== 'string') return part;
    return key === 'token' ? '***' : redact(part).replace(ticket, '$1***');
  });
  return json.length > longestText ? `${json.slice(0, longestText)}… (${json.length} characters)` : JSON.parse(json);
}
