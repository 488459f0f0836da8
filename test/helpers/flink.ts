import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../../src/core/time.ts';
import { onFreePort } from '../../src/demo/free-port.ts';
import { createFlinkClient, type FlinkClient } from '../../src/flink/client.ts';
import { type Distribution, ensureDistribution } from '../../src/flink/distribution.ts';
import { allVerticesRunning, rootException } from '../../src/flink/job-facts.ts';
import { type LocalCluster, startLocalCluster } from '../../src/flink/local-cluster.ts';
import { endedJobStates } from '../../src/flink/schema.ts';

/** The releases that every contract test runs on. */
export const flinkVersionsForTests = ['1.20.5', '2.3.0'] as const;

export interface TestClusterOptions {
  taskManagers?: number;
  slots?: number;
  restPort?: number;
  /** Flink options that win over the test defaults (checkpoints every 2 s, no restarts). */
  conf?: Record<string, string>;
  /** A folder to use and keep; a temporary one by default. */
  dir?: string;
  onProgress?: (line: string) => void;
}
export interface TestCluster {
  version: string;
  home: string;
  url: string;
  dir: string;
  cluster: LocalCluster;
  client: FlinkClient;
  /** Ends everything and removes the temporary folder. */
  stop(): Promise<void>;
}

/** A Flink release for tests, from the cache that all test runs of this user share (SLUICE_FLINK_CACHE moves it). */
export function testDistribution(version: string, onProgress?: (line: string) => void): Promise<Distribution> {
  const cacheDir = process.env['SLUICE_FLINK_CACHE'] ?? join(homedir(), '.cache', 'sluice', 'flink');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(pip_|https?_proxy|no_proxy|ssl_cert)/i.test(name)));
  return ensureDistribution({ version, cacheDir, flinkHome: process.env['FLINK_HOME'], env, ...(onProgress ? { onProgress } : {}) });
}

/** A real cluster of one TaskManager with 4 slots; `stop()` it. */
export async function startTestCluster(version: string, options: TestClusterOptions = {}): Promise<TestCluster> {
  const { home } = await testDistribution(version, options.onProgress);
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'sluice-flink-')));
  const start = (restPort: number) =>
    startLocalCluster({
      home,
      dir,
      restPort,
      taskManagers: options.taskManagers ?? 1,
      slots: options.slots ?? 4,
      conf: { 'execution.checkpointing.interval': '2 s', 'restart-strategy.type': 'none', ...options.conf },
      ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    });
  const cluster = await (options.restPort === undefined ? onFreePort(0, start) : start(options.restPort));
  const client = createFlinkClient({ url: cluster.url });
  return {
    version,
    home,
    url: cluster.url,
    dir,
    cluster,
    client,
    async stop() {
      await client.close();
      await cluster.stop('SIGKILL');
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Runs `body` on a cluster of its own and ends the cluster whatever happens. */
export async function withFlink<T>(
  version: string,
  body: (cluster: TestCluster) => Promise<T>,
  options: TestClusterOptions = {},
): Promise<T> {
  const cluster = await startTestCluster(version, options);
  try {
    return await body(cluster);
  } finally {
    await cluster.stop();
  }
}

/** What is waited for can not happen any more. */
class GaveUp extends Error {}

/** Asks until the answer satisfies; fails with the last answer or error after the limit. Not a sleep for luck: it ends as soon as it is true. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>, timeoutMs = 60_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      if (error instanceof GaveUp) throw error;
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: last });
    await sleep(100);
  }
}

/** Waits until every task of a job runs. */
export function untilRunning(client: FlinkClient, jobId: string, timeoutMs?: number) {
  return until(
    `all tasks of job ${jobId} running`,
    async () => {
      const job = await client.job(jobId);
      if (endedJobStates.includes(job.state)) {
        const root = rootException(await client.exceptions(jobId));
        throw new GaveUp(`job ${jobId} is ${job.state}: ${root?.name} ${root?.message}`);
      }
      return allVerticesRunning(job).allRunning && job;
    },
    timeoutMs,
  );
}
/** Waits until a job has the given state, as the uncached status tells it. */
export function untilState(client: FlinkClient, jobId: string, state: string, timeoutMs?: number) {
  return until(`job ${jobId} ${state}`, async () => (await client.jobStatus(jobId)) === state, timeoutMs);
}
