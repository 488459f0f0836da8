import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import type { Message } from '../../src/core/message.ts';
import { sleep } from '../../src/core/time.ts';
import type { Database } from '../../src/db/db.ts';
import { type DeliveryLoop, startDelivery } from '../../src/outbox/deliver.ts';
import type { DeliverDeps } from '../../src/outbox/deliver-one.ts';
import { type DesiredMessage, desire, findMessage } from '../../src/outbox/outbox.store.ts';
import type { FakeSender } from './fake-sender.ts';

export const said = (title: string): Message => ({ tone: 'neutral', title, parts: [] });
/** Wants a message in `C1` that says its key. */
export function want(database: Database, key: string, change: Partial<DesiredMessage> & { title?: string } = {}): Promise<string> {
  const { title = key, ...rest } = change;
  return desire(database.db, { dedupeKey: key, channel: 'C1', message: said(title), ...rest });
}
/** A replica that delivers without pauses; stopped after the test. */
export function start(t: TestContext, database: Database, sender: FakeSender, change: Partial<DeliverDeps> = {}): DeliveryLoop {
  const loop = startDelivery({ db: database.db, senders: [sender], owner: 'a', log: silentLog, paceMs: 0, editPaceMs: 0, ...change });
  t.after(() => loop.stop());
  return loop;
}
export async function until(what: () => Promise<unknown> | unknown, wake?: DeliveryLoop): Promise<void> {
  const end = performance.now() + 10_000;
  while (!(await what())) {
    assert.ok(performance.now() < end, 'waited too long');
    wake?.wake();
    await sleep(15);
  }
}
export const state = async (database: Database, id: string) => (await findMessage(database.db, id))?.state;
export const posts = (sender: FakeSender) => sender.sent.filter((s) => s.what === 'post');
export const titles = (sender: FakeSender) => [...sender.visible.values()].map((v) => v.title);
