import assert from 'node:assert/strict';
import { it } from 'node:test';
import { now } from '../../src/db/clock.ts';
import { findArtifact, findBuild, insertBuild, listBuilds, recordArtifact, updateBuild } from '../../src/projects/builds.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };

it('keeps the first provenance of an artifact, and a build through its states', async (t) => {
  const { db, transaction } = await sharedDb(t);
  const artifact = {
    sha256: 'a'.repeat(64),
    name: 'orders.jar',
    size: 10,
    source: 'build' as const,
    commit: 'c1',
    createdBy: ann,
    createdAt: now,
  };
  await transaction((tx) => recordArtifact(tx, artifact));
  await transaction((tx) => recordArtifact(tx, { ...artifact, commit: 'c2', source: 'upload' }));
  assert.deepEqual([(await findArtifact(db, artifact.sha256))?.commit, (await findArtifact(db, artifact.sha256))?.source], ['c1', 'build']);
  const build = { id: 'bld_1', project: 'p', job: 'a', operationId: 'op_1', state: 'running' as const, startedAt: now, actor: ann };
  await transaction((tx) => insertBuild(tx, build));
  await updateBuild(db, 'bld_1', { state: 'succeeded', log: 'x'.repeat(100), commit: 'c1' });
  await transaction((tx) => insertBuild(tx, build));
  assert.deepEqual(
    [(await findBuild(db, 'bld_1'))?.state, (await findBuild(db, 'bld_1'))?.log.length],
    ['succeeded', 100],
    'begun twice changes nothing',
  );
  const [listed] = await listBuilds(db, 'a');
  assert.deepEqual([listed?.id, 'log' in listed!], ['bld_1', false]);
  assert.deepEqual(await listBuilds(db, 'other'), []);
});
