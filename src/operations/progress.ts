import type { Message } from '../core/message.ts';
import { desire } from '../outbox/outbox.store.ts';
import { busyMessage } from './message.ts';
import { guarded, listSteps, paint } from './operations.store.ts';
import type { Execution } from './run-step.ts';
import type { Services } from './types.ts';

/** Keeps the operation's one message true while it runs. */
export interface Progress {
  /** A short fact beside a step. */
  note(step: string, text: string): void;
  noteOf(step: string): string | undefined;
  /** Replaces the message in the thread of the operation's message. */
  thread(message: Message): void;
  /** Something is to be told soon. */
  touch(): void;
  /** Paints no more; resolves once nothing is under way, so that no progress comes after the last word. */
  close(): Promise<void>;
}

const lookEveryMs = 400;
/** Elapsed time alone repaints this often; news at once, at the pace of the outbox. */
const elapsedEveryMs = 3000;

/** Starts painting. Failures are logged: progress is no part of the operation. */
export function startProgress(services: Services, execution: Execution, onPaint: () => void): Progress {
  const { database } = services;
  const notes = new Map<string, string>();
  let thread: Message | undefined;
  let dirty = true;
  let lastPaint = 0;
  let painting: Promise<void> | undefined;
  const timer = setInterval(() => {
    painting ??= repaint().finally(() => {
      painting = undefined;
    });
  }, lookEveryMs);

  async function repaint(): Promise<void> {
    if (execution.abort.signal.aborted || (!dirty && performance.now() - lastPaint < elapsedEveryMs)) return;
    dirty = false;
    lastPaint = performance.now();
    try {
      const steps = await listSteps(database.db, execution.op.id);
      await paint(database.db, execution.op, busyMessage(execution.op, execution.kind, steps, notes, new Date()));
      await showThread();
      onPaint();
    } catch (error) {
      services.log.warn({ error: String(error), operationId: execution.op.id }, 'progress was not painted');
    }
  }
  async function showThread(): Promise<void> {
    const message = thread;
    if (!message) return;
    thread = undefined;
    const { origin, id, messageId } = execution.op;
    await guarded(database, execution.op, (tx) =>
      desire(tx, { dedupeKey: `thread:${id}`, channel: origin.channel ?? '', threadOf: messageId, message, priority: 3 }),
    );
  }
  return {
    note(step, text) {
      if (notes.get(step) === text) return;
      notes.set(step, text);
      dirty = true;
    },
    noteOf: (step) => notes.get(step),
    thread(message) {
      thread = message;
      dirty = true;
    },
    touch() {
      dirty = true;
    },
    async close() {
      clearInterval(timer);
      await painting;
      if (!execution.abort.signal.aborted) await showThread().catch(() => {});
    },
  };
}
