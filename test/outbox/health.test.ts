import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Db } from '../../src/db/db.ts';
import { type SQL, sql } from '../../src/db/query.ts';
import { outboxHealth } from '../../src/outbox/outbox.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

it('the health reads only what is not sent, however much was sent', async (t) => {
  const { db } = await sharedDb(t);
  await db.execute(sql`insert into outbox_messages (id, dedupe_key, channel, desired, state, sent_ts, sent_version, sent_at, next_at, created_at, updated_at)
    select 'msg_' || n, 'k' || n, 'C1', '{"title": "t"}', case n when 1 then 'pending' when 2 then 'failed' else 'sent' end, 'ts', 1, now(), now(), now(), now()
    from generate_series(1, 6000) n`);
  await db.execute(sql`analyze outbox_messages`);
  const asked: SQL[] = [];
  const explains = {
    execute: async (query: SQL) => {
      asked.push(query);
      return db.execute(query);
    },
  } as unknown as Db;
  const health = await outboxHealth(explains);
  assert.deepEqual([health.pending, health.failed, asked.length], [1, 1, 1]);
  const { rows } = await db.execute(sql`explain ${asked[0] as SQL}`);
  const plan = JSON.stringify(rows);
  assert.match(plan, /outbox_due/);
  assert.doesNotMatch(plan, /Seq Scan/);
});
