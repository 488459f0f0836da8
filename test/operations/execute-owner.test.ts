import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eq, sql } from '../../src/db/query.ts';
import { operations } from '../../src/db/schema/index.ts';
import { execute } from '../../src/operations/execute.ts';
import { FencedError, holderOf, listSteps } from '../../src/operations/operations.store.ts';
import type { StepContext } from '../../src/operations/types.ts';
import { dieDuring } from './die-during.ts';
import { createRig, type Rig } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

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
