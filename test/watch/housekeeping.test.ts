import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { now } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { insertOperation } from '../../src/operations/operations.store.ts';
import { buildIdOf } from '../../src/operations/steps/build-sources.ts';
import { forgetOld, sweepBuilds } from '../../src/watch/housekeeping.ts';
import { sharedDb } from '../helpers/shared-db.ts';

it('workspaces of builds that are over go, those of builds in progress stay', async (t) => {
  const database = await sharedDb(t);
  const dir = await mkdtemp(join(tmpdir(), 'sluice-sweep-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  for (const [id, state] of [
    ['op_running00001', 'running'],
    ['op_ended0000001', 'failed'],
  ] as const) {
    await database.transaction((tx) =>
      insertOperation(tx, {
        id,
        kind: 'build',
        job: 'etl-orders',
        state,
        holds: false,
        input: {},
        idemKey: id,
        actor: { teamId: 'T1', userId: 'U1', name: 'ann' },
        origin: { kind: 'typed' },
        messageId: 'msg_1',
        createdAt: now,
      }),
    );
    await mkdir(join(dir, 'workspaces', buildIdOf(id)), { recursive: true });
    await writeFile(join(dir, 'workspaces', buildIdOf(id), 'pom.xml'), '<project/>');
  }
  await sweepBuilds(database.db, dir);
  assert.deepEqual(await readdir(join(dir, 'workspaces')), [buildIdOf('op_running00001')]);
  await sweepBuilds(database.db, join(dir, 'nowhere'));
});

it('what cannot be forgotten is named, and keeps nothing else from its turn', async (t) => {
  const { db } = await sharedDb(t);
  await db.execute(sql`insert into flows (run_id, read_at, memory) values ('run_gone', sluice_now(), '{}')`);
  await db.execute(sql`insert into checkpoints (run_id, id, job, kind, state, triggered_at, ended_at, duration_ms)
    select 'run_gone', n, 'etl-orders', 'checkpoint', 'completed', now() - interval '40 days', now() - interval '40 days', 1 from generate_series(1, 11000) n`);
  t.after(() => db.execute(sql`alter table deliveries_away rename to deliveries`));
  await db.execute(sql`alter table deliveries rename to deliveries_away`);
  await assert.rejects(forgetOld(db, { incidentsMs: 86_400_000 }), /^Error: Not all was forgotten: deliveries: /);
  const { rows } = await db.execute(
    sql`select (select count(*) from flows)::int as flows, (select count(*) from checkpoints)::int as checkpoints`,
  );
  assert.deepEqual(rows, [{ flows: 0, checkpoints: 0 }]);
});
