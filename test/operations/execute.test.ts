import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UserError } from '../../src/core/errors.ts';
import { moveClock } from '../../src/db/clock.ts';
import { eq, sql } from '../../src/db/query.ts';
import { operations } from '../../src/db/schema/index.ts';
import { execute } from '../../src/operations/execute.ts';
import { FencedError, findOperation, holderOf, listSteps, requestCancel, unpark } from '../../src/operations/operations.store.ts';
import type { Json, StepContext } from '../../src/operations/types.ts';
import { noAnswer, refusedConnection } from '../helpers/fake-deployer.ts';
import { ann, createRig, lee, type Rig, until } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

/** Dies at a point of its own choosing: everything after that point does not happen, and the lease runs out. */
async function dieDuring(rig: Rig, kinds: Parameters<Rig['claim']>[0], owner: string, die: (stop: () => never) => void): Promise<void> {
  const execution = await rig.claim(kinds, owner);
  die(() => {
    execution.abort.abort(new Error('the process died'));
    throw new Error('the process died');
  });
  await assert.rejects(
    execute(rig.services, execution, () => {}),
    /the process died/,
  );
  await moveClock(rig.database.db, 16_000);
}

describe('a step', () => {
  it('has its intent stored before the effect and its result after', async (t) => {
    const rig = await createRig(t);
    const seenDuring: unknown[] = [];
    const look = async (c: StepContext) => {
      const [row] = await listSteps(c.services.database.db, c.op.id);
      seenDuring.push({
        state: row?.state,
        intent: row?.intent,
        result: row?.result,
        step: (await findOperation(rig.database.db, c.op.id))?.step,
      });
    };
    const kind = kindOf([
      step('one', {
        prepare: async () => ({ id: 'chosen' }),
        async act(c, intent) {
          await look(c);
          return { did: intent['id'] };
        },
        record: async (_tx, _c, _intent, result) => ({ recorded: result['did'] }),
      }),
      step('two', { act: async (c) => ({ before: c.results['one'] }) }),
    ]);
    const op = await rig.accept(kind);
    const done = await rig.carryOut([kind]);
    assert.deepEqual(seenDuring, [{ state: 'running', intent: { id: 'chosen' }, result: null, step: 'one' }]);
    assert.equal(done.state, 'succeeded');
    const [one, two] = await listSteps(rig.database.db, op.id);
    assert.deepEqual([one?.state, one?.result], ['done', { did: 'chosen', recorded: 'chosen' }]);
    assert.deepEqual(two?.result, { before: { did: 'chosen', recorded: 'chosen' } });
    assert.match(await rig.said(op), /^all done/);
    assert.equal(await holderOf(rig.database.db, 'etl-orders'), undefined);
  });

  it('whose process died after the effect is adopted: observed, not repeated', async (t) => {
    const rig = await createRig(t);
    const acts: Json[] = [];
    const observed: Json[] = [];
    let die: () => void = () => {};
    const kind = kindOf([
      step('one', {
        prepare: async () => ({ id: `chosen-${acts.length}` }),
        async observe(_c, intent) {
          observed.push(intent);
          return acts.some((a) => a['id'] === intent['id']) ? { is: 'done', result: { adopted: true } } : { is: 'not-done' };
        },
        async act(_c, intent) {
          acts.push(intent);
          die();
          return { adopted: false };
        },
      }),
    ]);
    const op = await rig.accept(kind);
    await dieDuring(rig, [kind], 'a:1:1', (stop) => {
      die = stop;
    });
    assert.equal((await findOperation(rig.database.db, op.id))?.state, 'running', 'nothing was written on the way down');
    die = () => {};
    const done = await rig.carryOut([kind], 'b:1:1');
    assert.equal(done.state, 'succeeded');
    assert.deepEqual(acts, [{ id: 'chosen-0' }], 'acted once');
    assert.deepEqual(observed, [{ id: 'chosen-0' }], 'under the id that was chosen before');
    assert.deepEqual((await listSteps(rig.database.db, op.id))[0]?.result, { adopted: true });
    assert.equal((await listSteps(rig.database.db, op.id))[0]?.crashes, 1);
  });

  it('whose process died before the effect is done once, under the same id', async (t) => {
    const rig = await createRig(t);
    const acts: Json[] = [];
    let die: () => void = () => {};
    let prepared = 0;
    const kind = kindOf([
      step('one', {
        prepare: async () => ({ n: ++prepared }),
        observe: async () => ({ is: 'not-done' }),
        async act(_c, intent) {
          die();
          acts.push(intent);
          return {};
        },
      }),
    ]);
    await rig.accept(kind);
    await dieDuring(rig, [kind], 'a:1:1', (stop) => {
      die = stop;
    });
    die = () => {};
    await rig.carryOut([kind], 'b:1:1');
    assert.deepEqual(acts, [{ n: 1 }]);
  });

  it('that is done is not done again by the next owner', async (t) => {
    const rig = await createRig(t);
    const acted: string[] = [];
    let die: () => void = () => {};
    const kind = kindOf([
      step('one', { act: async () => ({ n: acted.push('one') }) }),
      step('two', {
        async act(c) {
          die();
          acted.push(`two after ${JSON.stringify(c.results['one'])}`);
          return {};
        },
      }),
    ]);
    await rig.accept(kind);
    await dieDuring(rig, [kind], 'a:1:1', (stop) => {
      die = stop;
    });
    die = () => {};
    await rig.carryOut([kind], 'b:1:1');
    assert.deepEqual(acted, ['one', 'two after {"n":1}']);
  });
});

describe('cannot tell', () => {
  for (const how of ['observe says unknown', 'every call is unanswered'] as const)
    it(`parks at the deadline when ${how}; never failed, never done again`, async (t) => {
      const rig = await createRig(t);
      let acts = 0;
      let undone = 0;
      const kind = kindOf(
        [
          step('one', {
            deadlineMs: 700,
            async observe() {
              if (how === 'every call is unanswered') throw noAnswer();
              return { is: 'unknown', why: 'standalone is silent' };
            },
            async act() {
              acts++;
              throw noAnswer();
            },
          }),
        ],
        { undo: [step('undo', { act: async () => ({ said: String(++undone) }) })] },
      );
      const op = await rig.accept(kind);
      const parked = await rig.carryOut([kind]);
      assert.equal(parked.state, 'parked');
      assert.equal(acts, 1);
      assert.equal(undone, 0, 'what may have happened is not undone');
      assert.equal((await holderOf(rig.database.db, 'etl-orders'))?.id, op.id, 'the job stays reserved');
      const said = await rig.said(op);
      assert.match(said, /^Parked: starting etl-orders/);
      assert.match(said, /\[Try again\] \[Give up\]/);
      assert.equal((await listSteps(rig.database.db, op.id))[0]?.state, 'running', 'it is still open');
    });

  it('parks also when a step only looks, and the cluster does not answer for its whole time', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one', { deadlineMs: 700, act: async () => Promise.reject(noAnswer()) })]);
    await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
  });

  it('just fails a step that changes nothing outside', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one', { cancel: 'at-once', deadlineMs: 700, act: async () => Promise.reject(noAnswer()) })]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    assert.match(await rig.said(op), /standalone gave no answer/);
  });

  it('goes on when the answer comes, without acting twice', async (t) => {
    const rig = await createRig(t);
    const answers = [{ is: 'unknown', why: 'silent' } as const, { is: 'done', result: { late: true } } as const];
    let acts = 0;
    const kind = kindOf([
      step('one', {
        observe: async () => answers.shift()!,
        async act() {
          acts++;
          throw noAnswer();
        },
      }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
    assert.equal(acts, 1);
    assert.deepEqual((await listSteps(rig.database.db, op.id))[0]?.result, { late: true });
  });

  it('a parked operation that a person sends on observes first', async (t) => {
    const rig = await createRig(t);
    let there = false;
    let acts = 0;
    const kind = kindOf([
      step('one', {
        deadlineMs: 600,
        observe: async () => (there ? { is: 'done', result: {} } : { is: 'unknown', why: 'silent' }),
        async act() {
          acts++;
          throw noAnswer();
        },
      }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
    there = true;
    assert.equal(await rig.database.transaction((tx) => unpark(tx, op.id)), true);
    assert.equal(await rig.database.transaction((tx) => unpark(tx, op.id)), false);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
    assert.equal(acts, 1);
  });
});

describe('a refused connection', () => {
  it('fails cleanly with nothing done once 30 s are over', async (t) => {
    const rig = await createRig(t);
    let acts = 0;
    const kind = kindOf([
      step('one', {
        deadlineMs: 600_000,
        observe: async () => assert.fail('nothing was sent, so there is nothing to observe'),
        async act() {
          if (++acts === 2) await moveClock(rig.database.db, 31_000);
          throw refusedConnection();
        },
      }),
    ]);
    const op = await rig.accept(kind);
    const done = await rig.carryOut([kind]);
    assert.equal(done.state, 'failed');
    assert.equal(acts, 2, 'it was tried again while a JobManager may restart');
    assert.match(await rig.said(op), /standalone refused the connection/);
    assert.equal(await holderOf(rig.database.db, 'etl-orders'), undefined);
  });

  it('that follows an unanswered call does not count as nothing done', async (t) => {
    const rig = await createRig(t);
    let acts = 0;
    const kind = kindOf([
      step('one', {
        deadlineMs: 1200,
        observe: async () => Promise.reject(refusedConnection()),
        async act() {
          acts++;
          throw noAnswer();
        },
      }),
    ]);
    await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
    assert.equal(acts, 1);
  });
});

describe('a fenced owner', () => {
  const takeOver = (rig: Rig, id: string) =>
    rig.database.db
      .update(operations)
      .set({ epoch: sql`${operations.epoch} + 1`, owner: 'b:1:1' })
      .where(eq(operations.id, id));
  const everything = async (rig: Rig) =>
    JSON.stringify(
      await Promise.all(
        ['operations', 'operation_steps', 'outbox_messages', 'runs', 'restore_points'].map(
          async (table) => (await rig.database.db.execute(sql.raw(`select * from ${table} order by 1, 2`))).rows,
        ),
      ),
    );

  for (const when of ['while it acts', 'between two steps'] as const)
    it(`writes nothing any more (taken over ${when})`, async (t) => {
      const rig = await createRig(t);
      let before = '';
      let second = 0;
      const fence = async (c: StepContext) => {
        await takeOver(rig, c.op.id);
        before = await everything(rig);
      };
      const kind = kindOf(
        [
          step('one', {
            async act(c) {
              if (when === 'while it acts') await fence(c);
              return { done: true };
            },
          }),
          step('two', {
            prepare: async () => ({ n: 1 }),
            async act() {
              second++;
              return {};
            },
          }),
        ],
        { undo: [step('undo', { act: async () => assert.fail('it is not its business to undo anything') })] },
      );
      const op = await rig.accept(kind);
      const execution = await rig.claim([kind], 'a:1:1');
      if (when === 'between two steps') {
        // The takeover falls right after the first step's result was committed.
        const { database } = rig.services;
        let fenced = false;
        rig.services.database = {
          ...database,
          async transaction(fn) {
            const result = await database.transaction(fn);
            const rows = await listSteps(database.db, op.id);
            if (!fenced && rows.some((row) => row.name === 'one' && row.state === 'done')) {
              fenced = true;
              await takeOver(rig, op.id);
              before = await everything(rig);
            }
            return result;
          },
        };
      }
      await assert.rejects(
        execute(rig.services, execution, () => {}),
        FencedError,
      );
      assert.equal(second, 0, 'the next step was not begun');
      assert.equal(await everything(rig), before, 'no row changed, the message was not repainted');
    });
});

describe('crashes', () => {
  it('park the operation at the third one in the same step', async (t) => {
    const rig = await createRig(t);
    let die: () => void = () => {};
    let acts = 0;
    const kind = kindOf([
      step('one', {
        observe: async () => ({ is: 'not-done' }),
        async act() {
          acts++;
          die();
          return {};
        },
      }),
    ]);
    const op = await rig.accept(kind);
    for (const owner of ['a:1:1', 'b:1:1', 'c:1:1'])
      await dieDuring(rig, [kind], owner, (stop) => {
        die = stop;
      });
    const parked = await rig.carryOut([kind], 'd:1:1');
    assert.equal(parked.state, 'parked');
    assert.equal(acts, 3);
    assert.match(await rig.said(op), /Sluice died or failed 3 times in the step "Do one"/);
    assert.equal((await holderOf(rig.database.db, 'etl-orders'))?.id, op.id);
  });
});

describe('a cancel', () => {
  const cancel = (rig: Rig, id: string) => rig.database.transaction((tx) => requestCancel(tx, id, lee));

  it('aborts a step that cancels at once', async (t) => {
    const rig = await createRig(t);
    const later: string[] = [];
    const kind = kindOf([
      step('one', {
        cancel: 'at-once',
        act: (c) =>
          new Promise((_, reject) => {
            c.signal.addEventListener('abort', () => reject(c.signal.reason));
          }),
      }),
      step('two', { act: async () => ({ n: later.push('two') }) }),
    ]);
    const op = await rig.accept(kind);
    const execution = await rig.claim([kind]);
    const ended = execute(rig.services, execution, () => {});
    await until(async () => execution.onCancel);
    assert.equal(await cancel(rig, op.id), true);
    assert.equal(await cancel(rig, op.id), false, 'once');
    execution.op = { ...execution.op, ...(await findOperation(rig.database.db, op.id)) };
    execution.onCancel?.();
    await ended;
    const done = await findOperation(rig.database.db, op.id);
    assert.equal(done?.state, 'canceled');
    assert.deepEqual(later, []);
    assert.match(await rig.said(op), /^Canceled: starting etl-orders\nCanceled by @lee\./);
  });

  it('lets a step that finishes first come to its end, then stops', async (t) => {
    const rig = await createRig(t);
    const acted: string[] = [];
    const kind = kindOf([
      step('one', {
        async act(c) {
          await cancel(rig, c.op.id);
          acted.push('one');
          return {};
        },
      }),
      step('two', { cancel: 'at-once', act: async () => ({ n: acted.push('two') }) }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'canceled');
    assert.deepEqual(acted, ['one']);
    assert.equal((await rig.steps(op))['one'], 'done');
  });

  it('does not tear apart steps that belong together: what finish-first began is finished', async (t) => {
    const rig = await createRig(t);
    const acted: string[] = [];
    const kind = kindOf([
      step('one', {
        async act(c) {
          await cancel(rig, c.op.id);
          return { n: acted.push('one') };
        },
      }),
      step('left-out', { when: () => false }),
      step('two', { act: async () => ({ n: acted.push('two') }) }),
    ]);
    await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded', 'too late to cancel anything');
    assert.deepEqual(acted, ['one', 'two']);
  });

  it('undoes what a compensating step did, and says what', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf(
      [
        step('one', {
          cancel: 'compensate',
          async act(c) {
            await cancel(rig, c.op.id);
            return { made: 'x' };
          },
        }),
        step('two'),
      ],
      { undo: [step('undo', { act: async (c) => ({ said: `${String(c.results['one']?.['made'])} was taken away again.` }) })] },
    );
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'canceled');
    assert.match(await rig.said(op), /x was taken away again\./);
  });

  it('before anything began does nothing at all', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one', { act: async () => assert.fail('canceled before') })]);
    const op = await rig.accept(kind);
    await cancel(rig, op.id);
    assert.equal((await rig.carryOut([kind])).state, 'canceled');
    assert.deepEqual(await rig.steps(op), {});
  });
});

describe('a failure', () => {
  it('says what was wrong and the next step, keeps the report, and frees the job', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([
      step('one', { act: async () => Promise.reject(new UserError('No such class.', { hint: 'Look at main-class.' })) }),
    ]);
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    const said = await rig.said(op);
    assert.match(said, /^Failed: starting etl-orders\nNo such class\.\nLook at main-class\./);
    assert.equal((await rig.steps(op))['one'], 'failed');
    const next = await rig.accept(kind);
    assert.equal(next.holds, true);
  });

  it('that nobody foresaw shows a reference, not a stack trace', async (t) => {
    const rig = await createRig(t);
    const kind = kindOf([step('one', { act: async () => Promise.reject(new TypeError('x is not a function')) })]);
    const op = await rig.accept(kind);
    await rig.carryOut([kind]);
    const said = await rig.said(op);
    assert.match(said, /err_[a-z0-9]{12}/);
    assert.doesNotMatch(said, /not a function|\.ts:/);
  });
});

describe('holding a job', () => {
  it('begins with the first step that needs it; the loser is told and nothing of it is done', async (t) => {
    const rig = await createRig(t);
    const acted: string[] = [];
    const building = kindOf([
      step('build-compile', { holds: false, act: async () => ({ n: acted.push('built') }) }),
      step('two', { act: async () => ({ n: acted.push('two') }) }),
    ]);
    const other = kindOf([step('three')], { kind: 'stop' });
    const first = await rig.accept(building, { input: { build: true, right: 'change' } });
    const holder = await rig.accept(other, { actor: ann });
    const lost = await rig.carryOut([building]);
    assert.equal(lost.id, first.id);
    assert.equal(lost.state, 'failed');
    assert.deepEqual(acted, ['built']);
    assert.match(await rig.said(first), /etl-orders is busy: ann asked for a stop/);
    assert.equal((await holderOf(rig.database.db, 'etl-orders'))?.id, holder.id);
  });
});

it('leaves out steps whose condition says no', async (t) => {
  const rig = await createRig(t);
  const kind = kindOf([step('one', { when: () => false, act: async () => assert.fail('left out') }), step('two')]);
  const op = await rig.accept(kind);
  await rig.carryOut([kind]);
  assert.deepEqual(await rig.steps(op), { one: 'skipped', two: 'done' });
  assert.doesNotMatch(await rig.said(op), /Do one/);
});
