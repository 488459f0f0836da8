import assert from 'node:assert/strict';
import { it } from 'node:test';
import { auditOf } from '../../src/access/audit.store.ts';
import { dbNow } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { findRun } from '../../src/jobs/runs.store.ts';
import { incidentInput } from '../../src/watch/incident-input.ts';
import { rig } from './rig.ts';

it('an incident names another Flink and a restarted JobManager of the hour before', async (t) => {
  const r = await rig(t);
  const { db } = r.database;
  await r.run();
  r.shows({ orders: ['RUNNING', 4] });
  await r.poll(true);
  await db.execute(sql`update cluster_views set flink_version = '1.20.0', job_manager_since = sluice_now() - interval '2 hours'`);
  await r.poll(true);
  await r.poll(true);
  assert.equal((await auditOf(db, 'cluster:standalone')).length, 1, 'once, not at every look');
  const changes = async () =>
    r.database.transaction(async (tx) => {
      const [job, run] = [await findJob(tx, 'orders'), await findRun(tx, 'run_orders')];
      assert.ok(job && run);
      return ((await incidentInput(tx, r.deps, job, run, { cause: 'failed', title: 't', facts: {} })).facts.changes ?? []).map(
        (one) => one.what,
      );
    });
  assert.deepEqual(await changes(), [`cluster standalone: Flink 1.20.0 → ${(await db.query.clusterViews.findFirst())?.flinkVersion}`]);
  await db.execute(sql`update cluster_views set job_manager_since = ${new Date((await dbNow(db)).getTime() - 1000).toISOString()}`);
  assert.match((await changes()).join('\n'), /cluster standalone: another JobManager answers, it was restarted/);
});
