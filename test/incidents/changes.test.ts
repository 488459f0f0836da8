import assert from 'node:assert/strict';
import { it } from 'node:test';
import { changeWords, restartSince } from '../../src/incidents/changes.ts';

const ann = { person: { teamId: 'T1', userId: 'U1', name: 'Ann' }, origin: 'typed' } as const;
const version = (changes: unknown) =>
  changeWords({ actor: ann, action: 'version.created', subject: 'job:orders', details: { version: 12, changes } });
const one = (key: string, before: string | undefined, after: string | undefined) => ({ key, before, after });

it('a version says what differs, the artifact short, three at most, and no secret', () => {
  assert.equal(
    version([one('parallelism', '4', '8'), one('artifact', 'a1b2c3d4e5f6', 'd4e5f6a1b2c3')]),
    'v12 by Ann: parallelism 4 → 8, artifact a1b2c3 → d4e5f6',
  );
  assert.equal(
    version(['a', 'b', 'c', 'd', 'e'].map((key) => one(key, undefined, '1'))),
    'v12 by Ann: a not set → 1, b not set → 1, c not set → 1 and 2 more',
  );
  const secret =
    version([one('s3.secret-key', 'hunter2', 'hunter3'), one('args', '--db-password=swordfish', `--x ${'y'.repeat(200)}`)]) ?? '';
  assert.doesNotMatch(secret, /hunter|swordfish/);
  assert.ok(secret.length < 160, secret);
  assert.equal(version(undefined), 'version v12 made by Ann');
  assert.equal(version([null, { key: 7 }]), 'version v12 made by Ann');
});

it('clusters: fields by name, another Flink, another JobManager', () => {
  const cluster = (action: string, details: Record<string, unknown>) =>
    changeWords({ actor: { origin: 'apply' }, action, subject: 'cluster:standalone', details });
  assert.equal(cluster('cluster.changed', { fields: ['url', 'team'] }), 'cluster standalone: url, team changed by apply');
  assert.equal(cluster('cluster.flink-changed', { from: '1.20.5', to: '2.3.0' }), 'cluster standalone: Flink 1.20.5 → 2.3.0');
  const at = new Date('2026-11-25T08:00:00Z');
  assert.equal(restartSince({ cluster: 'standalone', jobManagerSince: at }, new Date(at.getTime() + 1)), undefined);
  assert.match(restartSince({ cluster: 'standalone', jobManagerSince: at }, at)?.what ?? '', /^cluster standalone: another JobManager/);
});
