import type { Log } from '../core/log.ts';
import { context, type Message, message, type Span, text } from '../core/message.ts';
import type { Db } from '../db/db.ts';
import { noteLeftOut } from './left-out.ts';
import { isLeftover, leaveBehind } from './leftover.store.ts';
import {
  desire,
  findMessage,
  noteLater,
  notePostAgain,
  noteRefused,
  noteSent,
  reviveChannel,
  reviveThread,
  wantAgain,
} from './outbox.store.ts';
import type { Delivery, PostResult, Sender } from './sender.ts';
import { type ClaimedRow, defaultLeaseMs, endTurn, renewClaim } from './turns.store.ts';

export interface DeliverDeps {
  db: Db;
  senders: readonly Sender[];
  owner: string;
  log: Log;
  /** Shortest time between two changes of one channel, 1,000 ms by default: Slack's own pace. */
  paceMs?: number;
  /** Shortest time between two edits of one message. */
  editPaceMs?: number;
  /** How long a claim holds without being renewed, 15,000 ms by default. It is renewed three times in that time. */
  leaseMs?: number;
  /** How long one request to a channel may take, 60,000 ms by default; after that it counts as unanswered. */
  sendWithinMs?: number;
  /** Aborted when what is under way is waited for no longer: it counts as unanswered, and the next process looks for it. */
  giveUp?: AbortSignal;
  /** Slack channel that hears of what other channels refuse for good. */
  troubleChannel?: string | undefined;
}

/** Sends one claimed message and gives its channel's turn back. The claim is renewed meanwhile, so that a slow channel is not posted to twice. */
export async function deliverOne(deps: DeliverDeps, row: ClaimedRow): Promise<void> {
  const stopHolding = hold(deps, row);
  let askedPauseMs = 0;
  try {
    askedPauseMs = await attempt(deps, row);
  } finally {
    // First: a renewal that came after the end of the turn would hold the channel again.
    await stopHolding();
    await endTurn(deps.db, row, Math.max(deps.paceMs ?? 1000, askedPauseMs));
  }
}

function hold({ db, log, leaseMs = defaultLeaseMs }: DeliverDeps, row: ClaimedRow): () => Promise<void> {
  let renewing: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    renewing = renewing.then(() =>
      renewClaim(db, row, leaseMs).catch((error) => log.warn({ error: String(error), outboxId: row.id }, 'a claim was not renewed')),
    );
  }, leaseMs / 3);
  return async () => {
    clearInterval(timer);
    await renewing;
  };
}

/** How long the channel asked to be left alone, in ms. */
async function attempt(deps: DeliverDeps, row: ClaimedRow): Promise<number> {
  const { db } = deps;
  const sender = deps.senders.find((s) => s.kind === row.channelKind);
  if (!sender) {
    await noteLater(db, row, 30_000, `no sender of kind ${row.channelKind} is set up`, true);
    return 0;
  }
  const root = row.threadOf ? await findMessage(db, row.threadOf) : undefined;
  const threadTs = root?.sentTs ?? row.threadTs ?? undefined;
  const delivery: Delivery = { outboxId: row.id, channel: root?.sentChannel ?? row.channel, threadTs, message: saysWhereFrom(row) };
  // Asked again right before each request: a process that was frozen must not send what another one has taken over.
  if (row.sentTs && row.sentChannel) {
    if (!(await renewClaim(db, row, deps.leaseMs))) return 0;
    const update = sender.update({ ...delivery, channel: row.sentChannel, ts: row.sentTs });
    const result = await bounded(deps, update, unanswered);
    if (result.is === 'refused' && /message_not_found|cant_update_message|edit_window_closed/.test(result.reason)) {
      if (isLeftover(row)) await noteSent(db, row, { channel: row.sentChannel, ts: row.sentTs }, 0);
      else await notePostAgain(db, row);
      return 0;
    }
    return settle(deps, row, result);
  }
  if (row.postingSince) {
    const found = await bounded<Awaited<ReturnType<Sender['find']>>>(deps, sender.find(delivery, row.postingSince), () => 'unclear');
    if (found === 'unclear') {
      await noteLater(db, row, backoffMs(row.attempts), 'whether it was posted is not known yet', true);
      return 0;
    }
    if (found) {
      await noteSent(db, { ...row, desiredVersion: row.sentVersion }, found, 0);
      return 0;
    }
  }
  if (!(await renewClaim(db, row, deps.leaseMs, true))) return 0;
  return settle(deps, row, await bounded(deps, sender.post(delivery), unanswered));
}
/** Whoever asked for a message is told by a direct message where it went; of any other the message itself says where it should have gone. */
function saysWhereFrom({ desired, movedFrom, notifyUser, threadOf }: ClaimedRow): Message {
  if (movedFrom === null || notifyUser !== null || threadOf !== null) return desired;
  return { ...desired, parts: [...desired.parts, context('Meant for ', { channel: movedFrom }, ', where Sluice cannot post.')] };
}
const unanswered = (ms: number): PostResult => ({ is: 'unknown', reason: `no answer in ${ms} ms` });

/** A sender bounds its own requests; one that does not must not hold the channel for ever, nor the end of Sluice. */
async function bounded<T>({ sendWithinMs = 60_000, giveUp }: DeliverDeps, work: Promise<T>, otherwise: (ms: number) => T): Promise<T> {
  let stop: () => void = () => {};
  const late = new Promise<T>((resolve) => {
    const since = performance.now();
    const end = () => resolve(otherwise(Math.round(performance.now() - since)));
    const timer = setTimeout(end, sendWithinMs);
    giveUp?.addEventListener('abort', end, { once: true });
    if (giveUp?.aborted) end();
    stop = () => {
      clearTimeout(timer);
      giveUp?.removeEventListener('abort', end);
    };
  });
  return Promise.race([work, late]).finally(() => stop());
}

async function settle(deps: DeliverDeps, row: ClaimedRow, result: PostResult): Promise<number> {
  const { db } = deps;
  if (result.is === 'sent') {
    const { again, left } = result;
    if (!(await noteSent(db, row, result, again?.afterMs ?? deps.editPaceMs ?? 1000, again?.reason))) {
      deps.log.warn({ outboxId: row.id }, 'a message was sent after its claim was lost, so it is sent once more');
      await wantAgain(db, row.id);
      return 0;
    }
    if (left !== undefined) await noteLeftOut(deps, row, left);
    if (row.state === 'failed') await reviveChannel(db, row.channelKind, row.channel);
    // What was refused in its thread at the old place may go to the new one.
    if (row.movedFrom && !row.sentTs) await reviveThread(db, row.id);
    if (row.movedFrom && row.notifyUser && !row.sentTs) await tellMoved(deps, row, result);
    return 0;
  }
  if (result.is === 'later') {
    // This try was surely not posted; an earlier one that got no answer may still be.
    await noteLater(db, row, result.afterMs, result.reason, row.postingSince !== null);
    return result.afterMs;
  }
  if (result.is === 'unknown') {
    await noteLater(db, row, backoffMs(row.attempts), result.reason, true);
    return 0;
  }
  const what = await noteRefused(db, row, result.reason);
  if (what === 'failed' && row.channelKind !== 'slack') await noteLeftOut(deps, row, [{ who: 'everybody', words: result.reason }]);
  if (what === 'moved' && row.sentTs) await leaveBehind(db, row);
  deps.log.warn({ outboxId: row.id, channel: row.channel, reason: result.reason, what }, 'channel refused a message');
  return 0;
}

/** Where a message went that could not be posted where it was asked for: a direct message with the link. */
async function tellMoved(deps: DeliverDeps, row: ClaimedRow, at: { channel: string; permalink?: string }): Promise<void> {
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
