import assert from 'node:assert/strict';
import { test } from 'node:test';
import { does, etl, eventually, flinkJobIdOf, onlyJobIs, operationIdOf, pathOf, plainPath, planOf, restoredFrom } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** Restores: approved by a lead, by break-glass, to a checkpoint of the very run, and to paths that are not there. */
export function restoring(so: Conversation): void {
  test('restore: listed, chosen with a reason, approved by a lead only, proven by Flink', async () => {
    const { w } = so;
    const list = await w.emma.says('/flink restore etl-orders', etl);
    assert.match(list.text, /Restore points of etl-orders/);
    assert.match(list.text, /Savepoint · .* ago · [\d.]+ [KM]?B · (mid-run|final)/);
    await w.emma.clicks(list, 'Choose one…');
    const modal = await w.emma.seesModal(/Restore etl-orders/);
    const options = JSON.stringify(await w.emma.options({ viewId: modal.id }, 'sluice_point', 'savepoint'));
    assert.match(options, /savepoint, /);
    await w.emma.closesModal();
    assert.match((await w.emma.says(`/flink restore etl-orders --from ${so.savepoint}`, etl)).text, /Restoring etl-orders needs a reason/);
    const asked = await w.emma.says(`/flink restore etl-orders --from file://${so.savepoint} --reason "orders of today are wrong"`, etl);
    assert.match(asked.text, /Asked for approval to restore etl-orders/);
    const id = operationIdOf(asked);
    const plan = await planOf(w.lena, asked);
    for (const words of [
      /v\d+ running on standalone/,
      /safety savepoint is taken/,
      /min(ute)?s? back|minute back/,
      /read again/,
      /until/i,
      /orders of today are wrong/,
    ])
      assert.match(plan.text, words);
    assert.match(JSON.stringify(plan.blocks), /<@U0LENA>/);
    await onlyJobIs(w, so.flinkJobId);
    assert.match((await w.emma.clicksFor(plan, 'Approve')).text, /You asked for this yourself, so another lead has to approve it/);
    for (const who of [w.erik, w.otto, w.omar]) {
      assert.match((await who.clicksFor(plan, 'Approve')).text, /You may not approve this: that needs a lead of team data/);
      assert.match((await who.says(`/flink approve ${id}`, etl)).text, /You may not approve this/);
    }
    await onlyJobIs(w, so.flinkJobId);
    await w.lena.clicks(plan, 'Approve');
    const done = await w.lena.seesEdit(plan, /etl-orders (restored|was not restored|is down)/, { timeoutMs: 90_000 });
    assert.match(done.text, /etl-orders restored: v\d+ running on 4\/4 tasks/);
    assert.match(done.text, /Asked by @?emma.*approved by @?lena/);
    assert.match(done.text, /Safety savepoint/);
    so.flinkJobId = flinkJobIdOf(done);
    assert.equal(await restoredFrom(w, so.flinkJobId), so.savepoint);
    await onlyJobIs(w, so.flinkJobId);
    assert.match((await w.lars.says(`/flink approve ${id}`, etl)).text, /decided already: approved by lena/);
  });

  test('a plan that was taken back is said so, and cannot be approved any more', async () => {
    const { w } = so;
    const asked = await w.emma.says(`/flink restore etl-orders --from ${so.savepoint} --reason "a mistake"`, etl);
    const plan = await planOf(w.lena, asked);
    assert.match((await w.emma.says('/flink cancel etl-orders', etl)).text, /Canceled: restore of etl-orders/);
    await w.lena.seesEdit(plan, /Canceled by @?emma/, { timeoutMs: 20_000 });
    assert.match((await w.lena.says(`/flink approve ${operationIdOf(asked)}`, etl)).text, /withdrawn|taken back|canceled/i);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('restore --break-glass: at once, alone, all leads told, reviewed by another lead', async () => {
    const { w } = so;
    const line = `/flink restore etl-orders --from ${so.savepoint} --break-glass`;
    assert.match((await w.omar.says(`${line} ""`, etl)).text, /reason/);
    assert.match((await w.otto.says(`${line} "let me in"`, etl)).text, /You may not/);
    await onlyJobIs(w, so.flinkJobId);
    const done = await does(w.omar, `${line} "wrong prices since 14:00"`, /etl-orders (restored|was not restored|is down)/, {
      timeoutMs: 90_000,
    });
    assert.match(done.text, /etl-orders restored/);
    so.flinkJobId = flinkJobIdOf(done);
    assert.equal(await restoredFrom(w, so.flinkJobId), so.savepoint);
    const told = await w.lena.sees(/Break-glass: omar/, { ...etl, since: 'start', timeoutMs: 20_000 });
    for (const lead of [/<@U0LENA>/, /<@U0LARS>/]) assert.match(JSON.stringify(told.blocks), lead);
    assert.match((await w.erik.clicksFor(told, 'Reviewed')).text, /lead/);
    await w.lena.clicks(told, 'Reviewed');
    await w.lena.seesEdit(told, /Reviewed by/, { timeoutMs: 20_000 });
  });

  test('restore to a retained checkpoint of the very run: it is saved, canceled so that the checkpoint stays, and started from it', async () => {
    const { w } = so;
    // Checkpoints come every second and three are kept: one that was replaced before it could be used is refused with nothing stopped, and the next is tried.
    for (let attempt = 1; ; attempt++) {
      const chosen = await eventually('the run keeps a checkpoint', async () => {
        const { history } = await w.flink.checkpoints(so.flinkJobId);
        return (
          history.find((c) => c.status === 'COMPLETED' && !c.is_savepoint && !c.discarded && c.external_path?.includes('/chk-'))
            ?.external_path ?? undefined
        );
      });
      // An engineer may break glass as well.
      const answer = await w.erik.says(`/flink restore etl-orders --from ${chosen} --break-glass "back to a checkpoint"`, etl);
      if (!/^Accepted/.test(answer.text)) assert.match(answer.text, /cannot be restored from/);
      else {
        const done = await w.erik.sees(
          (m) => !m.ephemeral && m.text.includes(operationIdOf(answer)) && /etl-orders (restored|was not restored|is down)/.test(m.text),
          { ...etl, timeoutMs: 90_000 },
        );
        if (/restored: v/.test(done.text)) {
          assert.match(done.text, /Safety savepoint/);
          so.flinkJobId = flinkJobIdOf(done);
          assert.equal(await restoredFrom(w, so.flinkJobId), plainPath(chosen));
          break;
        }
        assert.match(done.text, /was not restored/);
      }
      await onlyJobIs(w, so.flinkJobId);
      assert.ok(attempt < 4, 'one of the checkpoints was kept long enough');
    }
    await onlyJobIs(w, so.flinkJobId);
  });

  test('a path that is not there is refused before anything stops; one that cannot be checked is said so, and goes on', async () => {
    const { w } = so;
    const missing = await w.emma.says('/flink restore etl-orders --from file:///nowhere/savepoint-1 --reason x', etl);
    assert.match(missing.text, /cannot be restored from: there is no such folder/);
    await onlyJobIs(w, so.flinkJobId);
    const asked = await w.emma.says('/flink restore etl-orders --from s3://lake/savepoint-1 --reason "try the lake"', etl);
    const plan = await planOf(w.lars, asked);
    assert.match(plan.text, /cannot be checked from here/);
    await w.lars.clicks(plan, 'Approve');
    const failed = await w.lars.seesEdit(plan, /is down|restored:/, { timeoutMs: 90_000 });
    assert.match(failed.text, /is down: it was stopped for the restore/);
    const safe = pathOf(failed);
    await w.emma.clicks(failed, 'Resume what ran before');
    const again = await w.emma.sees(/etl-orders resumed/, { ...etl, timeoutMs: 60_000 });
    so.flinkJobId = flinkJobIdOf(again);
    assert.equal(await restoredFrom(w, so.flinkJobId), safe);
    await onlyJobIs(w, so.flinkJobId);
  });
}
