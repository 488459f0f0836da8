import type { Log } from '../core/log.ts';
import { message, type Span, text } from '../core/message.ts';
import { sleep } from '../core/time.ts';
import type { Db } from '../db/db.ts';
import {
  claimDue,
  desire,
  findMessage,
  noteLater,
  notePostAgain,
  notePosting,
  noteRefused,
  noteSent,
  type OutboxRow,
} from './outbox.store.ts';
import type { Delivery, PostResult, Sender } from './sender.ts';

export interface DeliverDeps {
  db: Db;
  senders: readonly Sender[];
  owner: string;
  log: Log;
  /** Shortest time between two changes of one channel, 1,000 ms by default: Slack's own pace. */
  paceMs?: number;
  /** Shortest time between two edits of one message. */
  editPaceMs?: number;
}
export interface DeliveryLoop {
  /** Look at once instead of at the next tick: something new is wanted. */
  wake(): void;
  /** Finishes what is being sent and stops. */
  stop(): Promise<void>;
}

/**
 * Makes desired messages visible: one sender per channel, in order, edits coalesced, Retry-After honoured, an ambiguous post is
 * looked for before it is repeated. At least once; twice only when the answer was lost and the look-up failed too.
 */
export function startDelivery(deps: DeliverDeps): DeliveryLoop {
  const abort = new AbortController();
  const busy = new Map<string, Promise<void>>();
  let wakeUp: () => void = () => {};
  let woken = false;
  const loop = (async () => {
    while (!abort.signal.aborted) {
      woken = false;
      try {
        const rows = await claimDue(deps.db, deps.owner, [...busy.keys()], 16);
        for (const row of rows)
          busy.set(
            row.channel,
            send(row).finally(() => {
              busy.delete(row.channel);
              wake();
            }),
          );
      } catch (error) {
        deps.log.warn({ error: String(error) }, 'outbox cannot be read');
      }
      if (!woken)
        await Promise.race([
          sleep(500, abort.signal).catch(() => {}),
          new Promise<void>((resolve) => {
            wakeUp = resolve;
          }),
        ]);
    }
  })();
  function wake() {
    woken = true;
    wakeUp();
  }
  async function send(row: OutboxRow): Promise<void> {
    try {
      await deliverOne(deps, row);
    } catch (error) {
      deps.log.error({ error: String(error), outboxId: row.id }, 'delivery failed');
    }
    if (!abort.signal.aborted) await sleep(deps.paceMs ?? 1000, abort.signal).catch(() => {});
  }
  return {
    wake,
    async stop() {
      abort.abort(new Error('stopping'));
      wake();
      await loop;
      await Promise.all(busy.values());
    },
  };
}

async function deliverOne(deps: DeliverDeps, row: OutboxRow): Promise<void> {
  const sender = deps.senders.find((s) => s.kind === row.channelKind);
  if (!sender) return noteLater(deps.db, row, 30_000, `no sender of kind ${row.channelKind} is set up`, false);
  let { threadTs } = row;
  let { channel } = row;
  if (row.threadOf) {
    const root = await findMessage(deps.db, row.threadOf);
    threadTs = root?.sentTs ?? threadTs;
    channel = root?.sentChannel ?? channel;
  }
  const delivery: Delivery = { outboxId: row.id, channel, threadTs: threadTs ?? undefined, message: row.desired };
  if (row.sentTs && row.sentChannel) {
    const result = await sender.update({ ...delivery, channel: row.sentChannel, ts: row.sentTs });
    if (result.is === 'refused' && /message_not_found|cant_update_message|edit_window_closed/.test(result.reason))
      return notePostAgain(deps.db, row);
    return settle(deps, row, result);
  }
  if (row.postingSince) {
    const found = await sender.find(delivery, row.postingSince);
    if (found) {
      await noteSent(deps.db, { ...row, desiredVersion: row.sentVersion }, found, 0);
      return;
    }
  }
  if (!(await notePosting(deps.db, row))) return;
  await settle(deps, row, await sender.post(delivery));
}

async function settle(deps: DeliverDeps, row: OutboxRow, result: PostResult): Promise<void> {
  if (result.is === 'sent') {
    await noteSent(deps.db, row, result, deps.editPaceMs ?? 1000);
    if (row.movedFrom && row.notifyUser && row.sentVersion === 0) await tellMoved(deps, row, result);
    return;
  }
  if (result.is === 'later') return noteLater(deps.db, row, result.afterMs, result.reason, false);
  if (result.is === 'unknown') return noteLater(deps.db, row, backoffMs(row.attempts), result.reason, true);
  const what = await noteRefused(deps.db, row, result.reason);
  deps.log.warn({ outboxId: row.id, channel: row.channel, reason: result.reason, what }, 'channel refused a message');
}

/** Where a message went that could not be posted where it was asked for: a direct message with the link. */
async function tellMoved(deps: DeliverDeps, row: OutboxRow, at: { channel: string; permalink?: string }): Promise<void> {
  const link: Span[] = at.permalink ? [{ link: 'progress', url: at.permalink }] : ['progress'];
  await desire(deps.db, {
    dedupeKey: `moved:${row.id}`,
    channel: row.notifyUser as string,
    message: message(
      'neutral',
      'I cannot post where you typed',
      text('The ', ...link, ' is shown in ', { channel: at.channel }, '. To have it where you type, invite me there.'),
    ),
  });
}

/** 1 s, 2 s, 4 s ... 60 s, with a fifth of jitter. */
function backoffMs(attempts: number): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(attempts, 6)) * (0.9 + Math.random() * 0.2);
}
