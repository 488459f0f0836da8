import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { now } from '../../src/db/clock.ts';
import { operationSteps } from '../../src/db/schema/index.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { endRun } from '../../src/jobs/runs.store.ts';
import { outcome } from '../../src/operations/message.ts';
import { findOperation, finish, insertOperation } from '../../src/operations/operations.store.ts';
import { checkpoint, noCheckpoints } from '../helpers/fake-deployer.ts';
import { ann, type Rig, rig } from './rig.ts';

type Step = [name: string, state: (typeof operationSteps.$inferSelect)['state'], result?: Record<string, unknown>];
const target: Step = ['target', 'done', { runId: 'run_orders' }];

/** A run, and an operation that got as far as these steps and then was parked, failed or is over. */
async function after(
  t: TestContext,
  kind: string,
  end: 'parked' | 'failed' | 'canceled',
  steps: Step[],
  change: { id?: string; breakGlass?: string } = {},
): Promise<Rig> {
  const r = await rig(t);
  await r.run();
  const id = change.id ?? 'op_1';
  await r.database.transaction((tx) =>
    insertOperation(tx, {
      id,
      kind,
      job: 'orders',
      state: 'running',
      holds: true,
      input: {},
      idemKey: id,
      actor: ann,
      origin: { kind: 'typed' },
      messageId: 'm',
      createdAt: now,
      breakGlass: change.breakGlass ?? null,
    }),
  );
  for (const [seq, [name, state, result]] of steps.entries())
    await r.database.db
      .insert(operationSteps)
      .values({ operationId: id, name, seq, title: name, state, result: result ?? null, startedAt: now });
  await r.database.transaction(async (tx) => finish(tx, (await findOperation(tx, id))!, end, outcome('bad', 'x')));
  r.deployer.always('rootCause', undefined).always('checkpoints', { ...noCheckpoints, completed: [checkpoint(9)] });
  return r;
}
async function told(r: Rig, state: string): Promise<{ key: string; text: string }> {
  r.shows({ orders: [state, 0] });
  await r.poll();
  const all = await openIncidents(r.database.db);
  assert.equal(all.length, 1);
  return { key: all[0]!.key, text: await r.text(all[0]!.messageId) };
}

describe('an end that an operation made but could not tell', () => {
  for (const [end, words] of [
    ['parked', 'is parked'],
    ['failed', 'failed afterwards'],
    ['canceled', 'was canceled afterwards'],
  ] as const)
    it(`because it ${end === 'parked' ? 'was' : 'had'} ${end} is told as its doing, not as somebody else’s`, async (t) => {
      const r = await after(t, 'stop', end, [target, ['stop-savepoint', 'running']]);
      const { key, text } = await told(r, 'FINISHED');
      assert.equal(key, 'job:orders:ended');
      assert.match(text, new RegExp(`^orders was stopped by ann's stop, which ${words}`));
      assert.match(text, /savepoint was asked for but is not recorded yet/);
      assert.match(text, /The operation/);
      assert.doesNotMatch(text, /outside Sluice|by itself/);
    });
  for (const [kind, step] of [
    ['stop', 'stop-cancel'],
    ['restore', 'restore-cancel'],
    ['restart', 'stop-cancel'],
  ] as const)
    it(`with ${step} of a ${kind}`, async (t) => {
      const r = await after(t, kind, 'failed', [target, [step, 'done']]);
      const { text } = await told(r, 'CANCELED');
      assert.match(text, new RegExp(`^orders was stopped by ann's ${kind}, which failed afterwards`));
      assert.match(text, /Its last checkpoint is kept/);
      assert.doesNotMatch(text, /outside Sluice/);
    });
  it('by canceling what a start had submitted', async (t) => {
    const r = await after(t, 'start', 'parked', [['undo-start', 'running']], { id: 'op_start' });
    const { text } = await told(r, 'CANCELED');
    assert.match(text, /^orders does not run: Sluice canceled what ann's start had submitted/);
    assert.match(text, /The start is parked/);
  });
  it('is over when the stop comes to its end after all', async (t) => {
    const r = await after(t, 'stop', 'parked', [target, ['stop-savepoint', 'running']]);
    await told(r, 'FINISHED');
    await r.database.db.execute("update operations set state = 'succeeded'");
    await r.poll();
    assert.deepEqual(await openIncidents(r.database.db), []);
  });
});

describe('an end that no operation made', () => {
  for (const [name, steps, state, words] of [
    ['after a stop that Flink refused', [target, ['stop-cancel', 'failed']], 'CANCELED', /canceled by somebody outside Sluice/],
    [
      'after a stop of the run before',
      [
        ['target', 'done', { runId: 'run_older' }],
        ['stop-cancel', 'done'],
      ],
      'CANCELED',
      /canceled by somebody outside Sluice/,
    ],
    ['by a cancel while a stop with savepoint was under way', [target, ['stop-savepoint', 'running']], 'CANCELED', /outside Sluice/],
    ['by a failure after a stop began', [target, ['stop-savepoint', 'running']], 'FAILED', /^orders failed/],
    ['after a stop that did not get as far', [target], 'FINISHED', /ended by itself, or was stopped outside Sluice/],
  ] as [string, Step[], string, RegExp][])
    it(`is told as before: ${name}`, async (t) => {
      const r = await after(t, 'stop', 'failed', steps);
      assert.match((await told(r, state)).text, words);
    });
});

it('a run that somebody took for gone by breaking glass is told as that, and that it may still run', async (t) => {
  const r = await after(t, 'start', 'failed', [['plan', 'done', { assumedGone: 'run_orders' }]], { breakGlass: 'the rack burns' });
  await endRun(r.database.db, 'run_orders', { state: 'LOST', reason: 'lost' });
  r.shows({});
  await r.poll();
  const [incident] = await openIncidents(r.database.db);
  const text = await r.text(incident!.messageId);
  assert.match(text, /^orders: ann broke glass and took its run v3 for gone/);
  assert.match(text, /it may still run there\. Reason given: the rack burns\./);
  assert.doesNotMatch(text, /answers but no longer knows it/);
});
