import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConfigError, NotFoundError } from '../../src/core/errors.ts';
import { type ClusterInput, listDistributions, putCluster, putDistribution } from '../../src/deploy/clusters.store.ts';
import { createDeployers } from '../../src/deploy/deployers.ts';
import { sharedDb } from '../helpers/shared-db.ts';

it('opens a cluster once, anew when its registration changes, and says what it does not know', async (t) => {
  const { db, transaction } = await sharedDb(t);
  const put = (change: Partial<ClusterInput> = {}) =>
    transaction((tx) => putCluster(tx, { name: 'standalone', kind: 'standalone', url: 'http://127.0.0.1:1', ...change }));
  await put();
  const deployers = createDeployers(db);
  t.after(() => deployers.close());
  const first = await deployers.of('standalone');
  assert.equal((await deployers.of('standalone')).deployer, first.deployer);
  await put({ pathsReadable: true });
  const same = await deployers.of('standalone');
  assert.equal(same.deployer, first.deployer, 'what does not change the connection keeps it');
  assert.equal(same.cluster.pathsReadable, true, 'and the facts are fresh');
  await put({ url: 'http://127.0.0.1:2', webUrl: 'https://flink.example/' });
  const second = await deployers.of('standalone');
  assert.notEqual(second.deployer, first.deployer);
  assert.equal(second.deployer.runUrl('abc'), 'https://flink.example/#/job/running/abc/overview');
  await put({ url: 'https://ann:pw@gate.example/flink/', webUrl: null });
  assert.equal((await deployers.of('standalone')).deployer.runUrl('abc'), 'https://gate.example/flink/#/job/running/abc/overview');
  await assert.rejects(
    deployers.of('nowhere'),
    (error) => error instanceof NotFoundError && /There is no cluster nowhere/.test(error.message),
  );
  await put({ kind: 'teleport' });
  await assert.rejects(
    deployers.of('standalone'),
    (error) => error instanceof ConfigError && /Known kinds: .*standalone/.test(error.hint ?? ''),
  );
});

it('has one default distribution', async (t) => {
  const { db, transaction } = await sharedDb(t);
  for (const version of ['1.20.5', '2.3.0'])
    await transaction((tx) => putDistribution(tx, { name: `flink-${version}`, version, home: `/opt/flink-${version}`, isDefault: true }));
  assert.deepEqual(
    (await listDistributions(db)).map((d) => [d.version, d.isDefault]),
    [
      ['1.20.5', false],
      ['2.3.0', true],
    ],
  );
});
