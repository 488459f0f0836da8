import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { moveClock } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { findRun } from '../../src/jobs/runs.store.ts';
import { savepointKind } from '../../src/operations/kinds/savepoint.ts';
import { stopKind } from '../../src/operations/kinds/stop.ts';
import { gatherStartFacts } from '../../src/operations/start-facts.ts';
import { listRestorePoints } from '../../src/restore-points/restore-points.store.ts';
import { checkpoint, facts, gone, noAnswer, noCheckpoints, seen } from '../helpers/fake-deployer.ts';
import { createRig, type Rig } from './rig.ts';

/** High availability, and a JobManager that watch has just seen in the place of another. */
async function newJobManager(rig: Rig): Promise<void> {
  rig.deployer.always('keepsJobs', true).always('jobManager', '/tmp/flink-web-2');
  await rig.database.db.execute(
    sql`insert into cluster_views (cluster, job_manager, job_manager_since) values ('standalone', '/tmp/flink-web-2', sluice_now())`,
  );
}

describe('a JobManager that was just restarted, with high availability, and does not list a run', () => {
  it('does not make a start take it for gone before it had a minute to bring it back', async (t) => {
    const rig = await createRig(t);
    const old = await rig.run();
    await newJobManager(rig);
    rig.deployer.always('look', gone).always('facts', facts).always('checkpoints', noCheckpoints);
    const wish = { version: undefined, fresh: false, from: undefined, breakGlass: false };
    const look = async () => gatherStartFacts(rig.services, (await findJob(rig.database.db, 'etl-orders'))!, wish);
    assert.equal((await look()).sight?.is, 'unknown');
    assert.equal((await findRun(rig.database.db, old.id))?.ended, false);
    await moveClock(rig.database.db, 61_000);
    assert.equal((await look()).sight?.is, 'gone');
    assert.equal((await findRun(rig.database.db, old.id))?.endReason, 'lost');
  });

  it('does not end it for a stop either: it is refused, and nothing was done', async (t) => {
    const rig = await createRig(t);
    const old = await rig.run();
    await newJobManager(rig);
    rig.deployer.always('look', gone);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'failed');
    assert.match(await rig.said(op), /may still bring its jobs back/);
    assert.equal((await findRun(rig.database.db, old.id))?.ended, false);
  });
});

describe('a savepoint whose trigger Flink has forgotten', () => {
  const other = checkpoint(8, { isSavepoint: true, path: 's3://lake/savepoints/savepoint-other', at: Date.now() });
  it('is not one that was there before, however young that is', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    const path = 's3://lake/savepoints/savepoint-ours';
    rig.deployer.before = { ...noCheckpoints, completed: [other] };
    rig.deployer
      .always('look', seen())
      .expect('triggerSavepoint', noAnswer(), undefined)
      .expect('savepoint', { is: 'not-known' }, { is: 'done', path })
      .always('checkpoints', { ...noCheckpoints, completed: [other] });
    await rig.accept(savepointKind);
    assert.equal((await rig.carryOut([savepointKind])).state, 'succeeded');
    assert.equal(rig.deployer.count('triggerSavepoint'), 2, 'asked for once more');
    assert.deepEqual(
      (await listRestorePoints(rig.database.db, 'etl-orders')).map((point) => point.path),
      [path],
    );
  });

  it('is the one that was not, however far the clocks are apart', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    const ours = checkpoint(9, { isSavepoint: true, path: 's3://lake/savepoints/savepoint-ours', at: Date.now() - 3_600_000 });
    rig.deployer
      .always('look', seen())
      .expect('triggerSavepoint', noAnswer())
      .expect('savepoint', { is: 'not-known' })
      .always('checkpoints', { ...noCheckpoints, completed: [ours] });
    await rig.accept(savepointKind);
    assert.equal((await rig.carryOut([savepointKind])).state, 'succeeded');
    assert.deepEqual(
      (await listRestorePoints(rig.database.db, 'etl-orders')).map((point) => point.path),
      [ours.path],
    );
  });
});
