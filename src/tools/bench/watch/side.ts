import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { UpstreamError } from '../../../core/errors.ts';
import { run } from '../../../core/process.ts';
import { sleep } from '../../../core/time.ts';
import type { Database } from '../../../db/db.ts';
import { jobNames } from '../../../jobs/jobs.store.ts';
import { liveRuns } from '../../../jobs/runs.store.ts';
import type { Closing } from '../closing.ts';
import { cpuMsOf, family } from '../processes.ts';
import { projectRoot, type Slack, startSlack, temporaryFolder } from '../rig.ts';
import { embeddedPid, install, openRecords, startSluice } from '../sluice.ts';
import { type Fleet, startFleet } from './fleet.ts';

/** Sluice as a process of its own that observes a cluster, all of whose jobs it has found. */
export interface Observer {
  slack: Slack;
  database: Database;
  /** As of now: another one after `restart`. */
  sluicePid(): number;
  /** Processor time of Sluice and of its PostgreSQL so far. */
  cpuMs(): Promise<{ sluice: number; postgres: number }>;
  /** Starts Sluice again, with these settings of `watch` (the usual ones when left out). */
  restart(watch?: Readonly<Record<string, string>>): Promise<void>;
}
export interface Side extends Observer {
  fleet: Fleet;
}

/** Processor milliseconds a second of a Sluice, and of its PostgreSQL, that has nothing to watch. */
export async function measureIdle(closing: Closing): Promise<number> {
  const installation = await install(await startSlack(closing), await temporaryFolder(closing));
  const { pid } = await startSluice(closing, installation);
  const used = async () => cpuMsOf([pid, ...(await family(await embeddedPid(installation)))]);
  await sleep(60_000);
  const before = await used();
  await sleep(60_000);
  return ((await used()) - before) / 60;
}
/** Starts a fleet and an observer of it. */
export async function observeFleet(closing: Closing, size: number, say: (line: string) => void): Promise<Side> {
  const fleet = await startFleet(closing, size);
  return { fleet, ...(await observe(closing, fleet.url, size, say)) };
}
/** Starts it and waits until every job of the cluster is known and its checkpoints were read once. @throws UpstreamError after 20 minutes */
export async function observe(closing: Closing, url: string, size: number, say: (line: string) => void): Promise<Observer> {
  const slack = await startSlack(closing);
  const dir = await temporaryFolder(closing);
  const installation = await install(slack, dir);
  let daemon = await startSluice(closing, installation);
  const objects = await temporaryFolder(closing);
  const described = [
    { kind: 'team', name: 'data', channel: 'C0ETL', alertChannel: 'C0ALERTS' },
    { kind: 'cluster', name: 'fleet', type: 'standalone', url, team: 'data', observe: true },
  ];
  for (const one of described) await writeFile(join(objects, `${one.kind}.yaml`), stringify(one));
  const applied = await run(process.execPath, [join(projectRoot, 'src/tools/apply.ts'), objects], {
    cwd: projectRoot,
    env: installation.env,
    timeoutMs: 60_000,
  });
  if (applied.code !== 0) throw new UpstreamError(`The fleet was not registered: ${applied.tail.join(' ')}`);
  const database = await openRecords(closing, installation);
  const until = performance.now() + 1_200_000;
  for (let known = 0; known < size; ) {
    known = (await jobNames(database.db)).length;
    if (performance.now() > until) throw new UpstreamError(`Only ${known} of ${size} jobs were found.`);
    await sleep(500);
  }
  say(`watch: ${size} jobs are known`);
  while ((await liveRuns(database.db, 'fleet')).some((one) => one.checkpointsReadAt === null)) {
    if (performance.now() > until) throw new UpstreamError('Not every checkpoint was read.');
    await sleep(1000);
  }
  return {
    slack,
    database,
    sluicePid: () => daemon.pid,
    async cpuMs() {
      return { sluice: await cpuMsOf([daemon.pid]), postgres: await cpuMsOf(await family(await embeddedPid(installation))) };
    },
    async restart(watch) {
      await daemon.stop('SIGTERM', 20_000);
      daemon = await startSluice(closing, await install(slack, dir, { ...(watch ? { watch } : {}) }));
    },
  };
}
