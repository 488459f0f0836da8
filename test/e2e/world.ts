import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import { silentLog } from '../../src/core/log.ts';
import { sleep } from '../../src/core/time.ts';
import { moveClock } from '../../src/db/clock.ts';
import { type Demo, startDemo } from '../../src/demo/demo.ts';
import { createFlinkClient, type FlinkClient } from '../../src/flink/client.ts';
import { connectPractice, type PracticeClient, type PracticePerson, type SeenMessage } from '../../src/practice/client.ts';
import { applyFolder } from '../../src/tools/apply/apply.ts';

export interface World {
  demo: Demo;
  practice: PracticeClient;
  flink: FlinkClient;
  emma: PracticePerson;
  erik: PracticePerson;
  lena: PracticePerson;
  lars: PracticePerson;
  omar: PracticePerson;
  otto: PracticePerson;
  /** What Flink itself says: ids of the jobs that are not over. */
  liveJobs(): Promise<string[]>;
  /** The demo's data directory. */
  home: string;
  /** Applies objects (their form is that of the YAML files), as an admin would with `npm run apply`. */
  apply(objects: readonly object[]): Promise<void>;
  /** Moves the clock that every deadline and schedule is read by. Only while no operation runs: its lease would be over. */
  moveClock(ms: number): Promise<void>;
  stop(): Promise<void>;
}
export const etl = { channel: 'etl' };

/**
 * The digest ticks every second instead of once a day: what ends a tick is then the minute of the database's clock, which tests move. In a time zone in
 * which no day ends while the tests run, for each day has a digest of its own.
 */
const digest = () => ({ at: '* * * * * *', timeZone: new Date().getUTCHours() < 12 ? 'Etc/UTC' : 'Pacific/Honolulu' });

/** The whole application as the demo starts it: real Flink, real PostgreSQL, real git, the practice workspace. */
export async function startWorld(version: string, transport: 'http' | 'socket' = 'http'): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), 'sluice-e2e-'));
  const options = { home, port: 0, practicePort: 0, flink: [version], transport, digest: digest() };
  const demo = await startDemo({ ...options, log: silentLog, onProgress: () => {} });
  const practice = connectPractice(demo.practiceUrl);
  const flink = createFlinkClient({ url: demo.clusters[0]!.cluster.url });
  const person = (name: string) => practice.as(name);
  return {
    demo,
    practice,
    flink,
    emma: person('emma'),
    erik: person('erik'),
    lena: person('lena'),
    lars: person('lars'),
    omar: person('omar'),
    otto: person('otto'),
    async liveJobs() {
      return (await flink.jobs()).filter((job) => !['FINISHED', 'CANCELED', 'FAILED'].includes(job.status)).map((job) => job.id);
    },
    home,
    async apply(objects) {
      const folder = await mkdtemp(join(home, 'apply-'));
      for (const [i, object] of objects.entries()) await writeFile(join(folder, `${i}.yaml`), stringify(object));
      const artifacts = createFolderStore(join(home, 'artifacts'));
      await applyFolder(demo.app.database, artifacts, folder, [new URL(demo.git.url).host]);
    },
    moveClock: (ms) => moveClock(demo.app.database.db, ms),
    async stop() {
      await flink.close();
      practice.close();
      await demo.stop();
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Says a line and waits for its message in the channel that matches; gives the direct answer and that message. */
export async function does(
  who: PracticePerson,
  line: string,
  ends: RegExp,
  options: { channel?: string; timeoutMs?: number } = {},
): Promise<SeenMessage> {
  const channel = options.channel ?? 'etl';
  const answer = await who.says(line, { channel, timeoutMs: 15_000 });
  assert.match(answer.text, /^Accepted/, `${line} was answered: ${answer.text}`);
  return who.sees((m) => !m.ephemeral && ends.test(m.text) && m.text.includes(operationIdOf(answer)), {
    channel,
    timeoutMs: options.timeoutMs ?? 60_000,
  });
}
/** The plan of what was asked, as a lead sees it in the channel. */
export async function planOf(lead: PracticePerson, asked: SeenMessage): Promise<SeenMessage> {
  const id = operationIdOf(asked);
  return lead.sees((m) => !m.ephemeral && m.text.includes(id) && /Approval needed/.test(m.text), {
    ...etl,
    since: 'start',
    timeoutMs: 20_000,
  });
}
/** The id that stands at the bottom of an answer or a message. */
export function operationIdOf(message: SeenMessage): string {
  const id = /op_[0-9a-z]{12}/.exec(message.text)?.[0];
  assert.ok(id, `no operation id in: ${message.text}`);
  return id;
}
/** The Flink job id that a start's message names. */
export function flinkJobIdOf(message: SeenMessage): string {
  const id = /\b[0-9a-f]{32}\b/.exec(message.text)?.[0];
  assert.ok(id, `no Flink job id in: ${message.text}`);
  return id;
}
/** Waits until something is true of the outside world, which sends no events. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>, timeoutMs = 30_000): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look().catch(() => undefined);
    if (seen) return seen;
    if (performance.now() > until) assert.fail(`not within ${timeoutMs} ms: ${what}`);
    await sleep(200);
  }
}
/** Proof by Flink that exactly this one job lives, every vertex running. */
export async function onlyJobIs(w: World, flinkJobId: string): Promise<void> {
  await eventually(`${flinkJobId} is the only live job and runs`, async () => {
    assert.deepEqual(await w.liveJobs(), [flinkJobId]);
    return (await w.flink.jobStatus(flinkJobId)) === 'RUNNING';
  });
}
/** The path Flink says that a job was restored from, in one spelling; undefined when it began from nothing. */
export async function restoredFrom(w: World, flinkJobId: string): Promise<string | undefined> {
  const { latest } = await w.flink.checkpoints(flinkJobId);
  return latest.restored?.external_path?.replace(/^file:\/*/, '/');
}
/** A path in the same spelling. */
export const plainPath = (path: string): string => path.replace(/^file:\/*/, '/');
/** The path that a savepoint's message names. */
export function pathOf(message: SeenMessage): string {
  const path = /(?:file:)?\/\S*\/savepoint-[0-9a-f]+-[0-9a-f]+/.exec(message.text)?.[0];
  assert.ok(path, `no path in: ${message.text}`);
  return plainPath(path);
}
/** The job's own counter of state that it restored. */
export async function restoredCounter(w: World, flinkJobId: string): Promise<number> {
  return eventually('the job reports its counters', async () => {
    const counters = await w.flink.accumulators(flinkJobId);
    return counters['restored'] === undefined ? undefined : Number(counters['restored']) + 1;
  }).then((n) => n - 1);
}
