import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { it, type TestContext } from 'node:test';
import { processStartTime, processTable } from '../../src/core/process.ts';
import { sleep } from '../../src/core/time.ts';
import { eq } from '../../src/db/query.ts';
import { operations } from '../../src/db/schema/index.ts';
import { type Engine, type EngineOptions, startEngine } from '../../src/operations/engine.ts';
import { execute } from '../../src/operations/execute.ts';
import { claim, findOperation, listSteps, requestCancel } from '../../src/operations/operations.store.ts';
import { stepNamesOf } from '../../src/operations/points.ts';
import { createRig, lee, type Rig, until } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

async function engine(t: TestContext, rig: Rig, kinds: EngineOptions['kinds'], more: Partial<EngineOptions> = {}): Promise<Engine> {
  const started = await startEngine({ services: rig.services, kinds, ...more });
  t.after(() => started.stop());
  return started;
}
const ended = (rig: Rig, id: string) =>
  until(async () => {
    const op = await findOperation(rig.database.db, id);
    return op && ['succeeded', 'failed', 'canceled', 'parked'].includes(op.state) && op;
  });
const blocked = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

it('runs what was accepted, at once when it is woken', async (t) => {
  const rig = await createRig(t);
  const kind = kindOf([step('one')]);
  const running = await engine(t, rig, [kind]);
  const op = await rig.accept(kind);
  running.wake();
  assert.equal((await ended(rig, op.id)).state, 'succeeded');
});

it('gives back what runs when it stops: the next one goes on at once, and no crash is counted', async (t) => {
  const rig = await createRig(t);
  let block = true;
  const acted: string[] = [];
  const kind = kindOf(
    [
      step('one', { act: async () => ({ n: acted.push('one') }) }),
      step('two', {
        async observe() {
          return { is: 'not-done' };
        },
        async act(c) {
          acted.push('two');
          if (block) await blocked(c.signal);
          return {};
        },
      }),
    ],
    { undo: [step('undo', { act: async () => assert.fail('nothing is undone') })] },
  );
  const op = await rig.accept(kind);
  const first = await startEngine({ services: rig.services, kinds: [kind] });
  await until(async () => acted.includes('two'));
  await first.stop();
  const between = await findOperation(rig.database.db, op.id);
  assert.deepEqual([between?.state, between?.owner, between?.leaseUntil], ['running', null, null]);
  block = false;
  const claimed = await claim(rig.database.db, 'next:1:1', ['start'], ['one', 'two'], []);
  assert.equal(claimed?.crashed, false);
  await execute(rig.services, { op: claimed!.op, kind, abort: new AbortController(), crashed: claimed!.crashed }, () => {});
  assert.equal((await findOperation(rig.database.db, op.id))?.state, 'succeeded');
  assert.deepEqual(acted, ['one', 'two', 'two']);
  assert.deepEqual(
    (await listSteps(rig.database.db, op.id)).map((s) => s.crashes),
    [0, 0],
  );
});

it('takes over at once what a dead process of this host held, and counts the crash', async (t) => {
  const rig = await createRig(t);
  const child = spawn('sleep', ['30']);
  const startedAt = await processStartTime(child.pid!);
  const owner = `${await processTable()}:${child.pid}:${startedAt}`;
  const kind = kindOf([step('one', { observe: async () => ({ is: 'not-done' }) })]);
  const op = await rig.accept(kind);
  const execution = await rig.claim([kind], owner);
  execution.kind = kindOf([step('one', { act: (c) => blocked(c.signal) })]);
  const died = assert.rejects(execute(rig.services, execution, () => {}));
  await until(async () => (await listSteps(rig.database.db, op.id)).length === 1);
  execution.abort.abort(new Error('killed'));
  await died;
  child.kill('SIGKILL');
  await once(child, 'exit');
  await engine(t, rig, [kind]);
  assert.equal((await ended(rig, op.id)).state, 'succeeded');
  assert.equal((await listSteps(rig.database.db, op.id))[0]?.crashes, 1);
});

it('leaves alone what a living owner holds, and kinds that it does not know', async (t) => {
  const rig = await createRig(t);
  const mine = kindOf([step('one', { holds: false })], { kind: 'savepoint' });
  const newer = kindOf([step('one', { holds: false })], { kind: 'teleport' });
  const held = await rig.accept(mine);
  assert.ok(await claim(rig.database.db, 'far-away:1:1', ['savepoint'], ['one'], []));
  const unknown = await rig.accept(newer);
  const open = await rig.accept(mine);
  await engine(t, rig, [mine]);
  await ended(rig, open.id);
  assert.equal((await findOperation(rig.database.db, held.id))?.owner, 'far-away:1:1');
  assert.equal((await findOperation(rig.database.db, unknown.id))?.state, 'queued');
});

it('does not take a process that it cannot see for dead: another container may share the name of the host', async (t) => {
  const rig = await createRig(t);
  const held = await rig.accept(kindOf([step('one', { holds: false })]));
  const elsewhere = `${hostname()}/1:999999999:1`;
  assert.ok(await claim(rig.database.db, elsewhere, ['start'], ['one'], []));
  const running = await engine(t, rig, [kindOf([step('one', { holds: false })])]);
  const open = await rig.accept(kindOf([step('one', { holds: false })]));
  running.wake();
  await ended(rig, open.id);
  assert.equal((await findOperation(rig.database.db, held.id))?.owner, elsewhere);
});

it('an operation that waits for a turn uses up neither its time nor a place of the engine', async (t) => {
  const rig = await createRig(t);
  const gate = Promise.withResolvers<void>();
  let waits = true;
  const kind = kindOf([
    step('one', {
      holds: false,
      deadlineMs: 100,
      act: async (c) => {
        if (waits) await c.queue(() => Promise.race([gate.promise, blocked(c.signal)]));
        return {};
      },
    }),
  ]);
  const first = await rig.accept(kind);
  const running = await engine(t, rig, [kind], { concurrent: 1 });
  await until(async () => (await listSteps(rig.database.db, first.id)).length === 1);
  waits = false;
  const second = await rig.accept(kind);
  running.wake();
  assert.equal((await ended(rig, second.id)).state, 'succeeded');
  // Well over the time of the step.
  await sleep(300);
  gate.resolve();
  assert.equal((await ended(rig, first.id)).state, 'succeeded');
});

it('sees a cancel within 5 s, also in the middle of a step', async (t) => {
  const rig = await createRig(t);
  const kind = kindOf([step('one', { cancel: 'at-once', act: (c) => blocked(c.signal) })]);
  const op = await rig.accept(kind);
  await engine(t, rig, [kind]);
  await until(async () => (await listSteps(rig.database.db, op.id)).length === 1);
  await rig.database.transaction((tx) => requestCancel(tx, op.id, lee));
  assert.equal((await ended(rig, op.id)).state, 'canceled');
  assert.match(await rig.said(op), /Canceled by @lee/);
});

it('stops working on what another process took over', async (t) => {
  const rig = await createRig(t);
  let aborted: unknown;
  const kind = kindOf([
    step('one', {
      act: (c) =>
        blocked(c.signal).catch((reason) => {
          aborted = reason;
          throw reason;
        }),
    }),
  ]);
  const op = await rig.accept(kind);
  const running = await engine(t, rig, [kind]);
  await until(async () => (await listSteps(rig.database.db, op.id)).length === 1);
  const message = await rig.message(op);
  await rig.database.db.update(operations).set({ epoch: 99, owner: 'b:1:1' }).where(eq(operations.id, op.id));
  await until(async () => running.active().length === 0);
  assert.match(String(aborted), /FencedError/);
  const now = await findOperation(rig.database.db, op.id);
  assert.deepEqual([now?.state, now?.epoch, now?.owner], ['running', 99, 'b:1:1']);
  assert.equal((await rig.message(op)).title, message.title);
});

it('leaves an operation that has a step it does not know to a newer replica', async (t) => {
  const rig = await createRig(t);
  const newer = kindOf([step('one', { act: async () => ({}) }), step('fold-space', { act: (c) => blocked(c.signal) })]);
  const op = await rig.accept(newer);
  const first = await startEngine({ services: rig.services, kinds: [newer] });
  await until(async () => (await listSteps(rig.database.db, op.id)).length === 2);
  await first.stop();
  const older = kindOf([step('one'), step('two')]);
  assert.equal(await claim(rig.database.db, 'old:1:1', ['start'], stepNamesOf([older]), []), undefined);
  assert.ok(await claim(rig.database.db, 'new:1:1', ['start'], stepNamesOf([newer]), []));
});

it('of many claims at once one gets the operation', async (t) => {
  const rig = await createRig(t);
  await rig.accept(kindOf([step('one')]));
  const claims = await Promise.all(Array.from({ length: 20 }, (_, n) => claim(rig.database.db, `owner:${n}:1`, ['start'], ['one'], [])));
  assert.equal(claims.filter(Boolean).length, 1);
});
