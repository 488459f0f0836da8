import { reportError } from '../../src/access/error-reports.store.ts';
import { putPerson } from '../../src/access/people.store.ts';
import { inMs } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { addVersion } from '../../src/jobs/jobs.store.ts';
import { insertBuild, recordArtifact } from '../../src/projects/builds.store.ts';
import { recordRestorePoint } from '../../src/restore-points/restore-points.store.ts';
import { definition, emma, seedOperation, seedRun } from './seed.ts';

export const evil = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`;
const evilUrl = 'javascript:alert(1)';

/** Hostile text wherever Flink, git, Slack or a person can put some. @returns the pages that show it */
export async function seedHostile(database: Database): Promise<string[]> {
  const person = { ...emma, userId: 'U0EVIL', name: evil };
  const ids = await database.transaction(async (tx) => {
    await putPerson(tx, { ...person, memberships: [{ team: 'data', role: 'engineer' }] });
    await putCluster(tx, { name: evil, kind: evil, url: evilUrl, webUrl: evilUrl });
    const artifact = 'e'.repeat(64);
    await addVersion(tx, 'etl-orders', {
      definition: { ...definition, artifact, args: [evil], flink: { 'some.key': evil }, links: [{ label: evil, url: evilUrl }] },
      origin: evil,
      note: evil,
      createdBy: person,
    });
    await recordArtifact(tx, { sha256: artifact, name: evil, size: 1, source: 'upload', createdAt: inMs(0) });
    const rootException = { name: evil, message: evil, at: new Date().toISOString(), task: evil };
    const run = await seedRun(tx, 'etl-orders', {
      ended: true,
      endReason: 'failed',
      endedAt: inMs(0),
      state: 'FAILED',
      rootException,
      restoredFrom: evil,
      startedBy: person,
      flinkVersion: evil,
    });
    await openIncident(tx, {
      key: 'k',
      job: 'etl-orders',
      cluster: evil,
      cause: 'failed',
      title: evil,
      facts: { exception: evil, task: evil, detail: evil, links: [{ label: evil, url: evilUrl }] },
      runId: run,
      channel: evil,
      fallbackChannels: [],
    });
    await recordRestorePoint(tx, {
      job: 'etl-orders',
      runId: run,
      version: 2,
      kind: 'savepoint',
      path: evil,
      takenAt: new Date(),
      flinkVersion: evil,
    });
    const op = await seedOperation(tx, 'etl-orders', 'start', 'failed', evil);
    const busy = await seedOperation(tx, 'etl-orders', 'stop', 'running', evil);
    await insertBuild(tx, {
      id: 'bld_00000000evil',
      project: evil,
      job: 'etl-orders',
      operationId: op.id,
      branch: evil,
      commit: evil,
      subject: evil,
      state: 'failed',
      log: evil,
      startedAt: inMs(0),
      actor: person,
    });
    await reportError(tx, 'err_00000000evil', evil, new Error(evil));
    return [op.id, busy.id];
  });
  const tabs = [
    '',
    '/parameters',
    '/versions',
    '/runs',
    '/restore-points',
    '/builds',
    '/operations',
    '/incidents',
    `/logs?grep=${encodeURIComponent(evil)}`,
    '/diff?a=2&b=3',
  ];
  return [
    `/?q=${encodeURIComponent(evil)}`,
    '/',
    ...tabs.map((tab) => `/jobs/etl-orders${tab}`),
    ...ids.map((id) => `/operations/${id}`),
    '/operations',
    '/clusters',
    '/people',
    '/builds/bld_00000000evil',
    '/errors/err_00000000evil',
  ];
}
