import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commands } from '../../commands/index.ts';
import { loadConfig } from '../../config/load.ts';
import { downloadEnvironment, flinkCacheFolder } from '../../config/places.ts';
import { newSecret } from '../../core/ids.ts';
import { freePort } from '../../demo/free-port.ts';
import { ensureDistribution } from '../../flink/distribution.ts';
import { startLocalCluster } from '../../flink/local-cluster.ts';
import { connectPractice, type PracticeClient } from '../../practice/client.ts';
import { createPractice, type Practice } from '../../practice/server.ts';
import { buildManifest } from '../../slack/manifest.ts';
import type { Closing } from './closing.ts';
import { compileJob } from './compile-job.ts';

export const projectRoot = join(import.meta.dirname, '../../..');

/** A temporary folder that is removed at the end. */
export async function temporaryFolder(closing: Closing): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  closing.add(() => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  return dir;
}

export interface Slack {
  practice: Practice;
  people: PracticeClient;
  /** Where Sluice is to listen, so that the workspace reaches it. */
  port: number;
  botToken: string;
  signingSecret: string;
}
/** The practice workspace as the Slack side, in this process, without rate limits. */
export async function startSlack(closing: Closing): Promise<Slack> {
  const port = await freePort(0);
  const secrets = { botToken: `xoxb-bench-${newSecret()}`, signingSecret: newSecret() };
  const practice = await createPractice({
    port: 0,
    ...secrets,
    transport: 'http',
    requestUrl: `http://127.0.0.1:${port}/slack/events`,
    limits: 'off',
    manifest: buildManifest({
      transport: 'http',
      publicUrl: `http://127.0.0.1:${port}`,
      commands: commands.filter((c) => !c.hidden).map((c) => ({ name: c.name, summary: c.summary })),
    }),
  });
  closing.add(() => practice.close());
  const people = connectPractice(practice.url);
  closing.add(async () => people.close());
  return { practice, people, port, ...secrets };
}

export interface Flink {
  version: string;
  /** A FLINK_HOME. */
  home: string;
  url: string;
  /** The configuration of the cluster, which the command line reads too. */
  confDir: string;
  savepointDir: string;
  checkpointDir: string;
  /** The demo's jobs. */
  jar: string;
  jobManagerPid: number;
}
export const benchJob = { mainClass: 'com.example.etl.OrdersJob', args: ['--rate', '50'], parallelism: 2 } as const;

/** A real session cluster of two TaskManagers with three slots each (or more), and the demo's jar compiled against it. */
export async function startFlink(closing: Closing, version: string, say: (line: string) => void, slots = 3): Promise<Flink> {
  const dir = await temporaryFolder(closing);
  const { home: flinkHome } = loadConfig({ overrides: { home: dir } }).flink;
  const { home } = await ensureDistribution({
    version,
    cacheDir: flinkCacheFolder(),
    ...(flinkHome ? { flinkHome } : {}),
    env: downloadEnvironment(),
    onProgress: say,
  });
  const jar = await compileJob(home, dir);
  const starting = startLocalCluster({
    home,
    dir: join(dir, 'flink'),
    restPort: 0,
    taskManagers: 2,
    slots,
    // Flink's default, which decides how stale its answers are; the demo has a shorter one.
    conf: { 'web.refresh-interval': '3000' },
    onProgress: say,
  });
  // Also when it is interrupted before it is up; its folder must not go before its processes, which are noted there.
  closing.add(() =>
    starting.then(
      (up) => up.stop(),
      () => {},
    ),
  );
  const cluster = await starting;
  return {
    version,
    home,
    url: cluster.url,
    confDir: join(cluster.dir, 'conf'),
    savepointDir: cluster.savepointDir,
    checkpointDir: cluster.checkpointDir,
    jar,
    jobManagerPid: cluster.jobManager.pid,
  };
}
