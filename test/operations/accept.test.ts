import assert from 'node:assert/strict';
import { it } from 'node:test';
import { auditOf, firstBrokenAuditRow } from '../../src/access/audit.store.ts';
import { ConflictError } from '../../src/core/errors.ts';
import { newId } from '../../src/core/ids.ts';
import { sql } from '../../src/db/query.ts';
import { accept } from '../../src/operations/accept.ts';
import { holderOf, listOperations } from '../../src/operations/operations.store.ts';
import { createRig, person } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

const kind = kindOf([step('one')]);
const count = async (rig: Awaited<ReturnType<typeof createRig>>, table: string) =>
  Number((await rig.database.db.execute<{ n: number }>(sql.raw(`select count(*)::int as n from ${table}`))).rows[0]?.n);

it('accepts with its message and its audit row, and the message says who asked', async (t) => {
  const rig = await createRig(t);
  const op = await rig.accept(kind);
  assert.equal(op.state, 'queued');
  assert.equal(op.holds, true);
  const said = await rig.said(op);
  assert.match(said, /^Starting etl-orders: queued/);
  assert.match(said, /Asked by @ann/);
  const [row] = await auditOf(rig.database.db, 'job:etl-orders');
  assert.equal(row?.action, 'operation.accepted');
  assert.equal(row?.details['operation'], op.id);
});

it('makes one operation of the same request, however often and however concurrently it comes', async (t) => {
  const rig = await createRig(t);
  const all = await Promise.all(Array.from({ length: 30 }, () => rig.accept(kind, { idemKey: 'envelope-1' })));
  all.push(await rig.accept(kind, { idemKey: 'envelope-1' }));
  assert.equal(new Set(all.map((op) => op.id)).size, 1);
  assert.equal((await listOperations(rig.database.db, 'etl-orders')).length, 1);
  assert.equal(await count(rig, 'outbox_messages'), 1, 'no second message');
  assert.equal((await auditOf(rig.database.db, 'job:etl-orders')).length, 1, 'no second audit row');
});

it('lets one of 200 racing requests hold the job; the others are told who does', async (t) => {
  const rig = await createRig(t);
  const results = await Promise.allSettled(
    Array.from({ length: 200 }, (_, n) => rig.accept(kind, { actor: person(`p${n}`), idemKey: newId('key') })),
  );
  const winners = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
  assert.equal(winners.length, 1);
  const holder = await holderOf(rig.database.db, 'etl-orders');
  assert.equal(holder?.id, winners[0]?.id);
  for (const result of results)
    if (result.status === 'rejected') {
      assert.ok(result.reason instanceof ConflictError, String(result.reason));
      assert.match(result.reason.message, new RegExp(`etl-orders is busy: ${winners[0]!.actor.name} asked for a start`));
      assert.equal(result.reason.details['operationId'], winners[0]?.id);
    }
  assert.equal(await count(rig, 'operations'), 1);
  assert.equal(await count(rig, 'outbox_messages'), 1, 'losers leave nothing behind');
  assert.equal(await firstBrokenAuditRow(rig.database.db), undefined);
});

it('leaves nothing behind when the transaction is rolled back', async (t) => {
  const rig = await createRig(t);
  await assert.rejects(
    rig.database.transaction(async (tx) => {
      await accept(tx, {
        kind,
        job: rig.job,
        input: { right: 'operate' },
        actor: person('ann'),
        origin: { kind: 'typed' },
        idemKey: 'k',
        jobChannel: 'C1',
      });
      throw new Error('changed my mind');
    }),
    /changed my mind/,
  );
  assert.equal(await count(rig, 'operations'), 0);
  assert.equal(await count(rig, 'outbox_messages'), 0);
  assert.equal(await count(rig, 'audit'), 0);
});

it('does not hold the job while it builds, nor while it waits for an approval', async (t) => {
  const rig = await createRig(t);
  const building = kindOf([step('build-compile', { holds: false }), step('two')]);
  const build = await rig.accept(building, { input: { build: true } });
  assert.equal(build.holds, false);
  const waiting = await rig.accept(kind, {
    planHash: 'h',
    approval: { reason: 'why', lifetimeMs: 1000, message: (id) => ({ tone: 'warn', title: `approve ${id}`, parts: [] }) },
  });
  assert.equal(waiting.state, 'waiting');
  assert.equal(waiting.holds, false);
  assert.equal(await rig.said(waiting), `approve ${waiting.id}`);
  const start = await rig.accept(building);
  assert.equal(start.holds, true, 'without a build its first step needs the job');
});
