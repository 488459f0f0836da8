import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { sleep } from '../../src/core/time.ts';
import { samePathKey } from '../../src/deploy/restore-path.ts';
import type { LocalCluster } from '../../src/flink/local-cluster.ts';
import { jobsThatCameUp, type LogFact, readLog } from './real-log.ts';
import { startSavepointTap } from './real-tap.ts';
import type { TruthEvent, TruthFact } from './truth.ts';

/** All that was seen of a real cluster, from several sides, for `truthOf`. */
export interface Seen {
  log: readonly LogFact[];
  /** Complete restore points on disk, by path: when their `_metadata` was written, and the last moment at which it was seen. */
  files: ReadonlyMap<string, { madeAt: number; seenAt: number; gone: boolean }>;
  /** Requests for a savepoint that reached Flink, with the path that Flink gave for them. */
  asked: readonly { jobId: string; triggerId: string; at: number; path: string | undefined }[];
  jars: readonly { id: string; name: string }[];
  checkpointDir: string;
}

/**
 * What truly happened on a real cluster. The lives of jobs are taken from the JobManager's log, which misses nothing; restore points from the disk.
 * `counter` is the moment at which the state was taken: along the line of runs that went on from each other it grows as what they had read does. Pure.
 */
export function truthOf(seen: Seen): TruthEvent[] {
  const events: (TruthFact & { at: number })[] = [];
  const points = pointsOf(seen);
  const restoredFrom = new Map(seen.log.flatMap((fact) => (fact.is === 'restored' ? [[fact.jobId, fact.path]] : [])));
  const up = jobsThatCameUp(seen.log);
  const keeping = new Set([...points.values()].map((point) => point.jobId));
  const alive = new Set<string>();
  for (const fact of seen.log) {
    const { at } = fact;
    if (fact.is === 'booted') {
      for (const jobId of alive) events.push({ at, is: 'job-ended', jobId, end: 'LOST', counter: at });
      alive.clear();
      events.push({ at, is: 'jobmanager-restarted' });
    } else if (fact.is === 'submitted') {
      alive.add(fact.jobId);
      const from = restoredFrom.get(fact.jobId);
      const counter = from === undefined ? 0 : (points.get(samePathKey(from))?.counter ?? 0);
      events.push({ at, is: 'job-started', jobId: fact.jobId, jobName: fact.jobName, jarId: '', restoredFrom: from, counter });
      if (keeping.has(fact.jobId) || up.has(fact.jobId)) events.push({ at, is: 'job-running', jobId: fact.jobId });
    } else if (fact.is === 'ended') {
      alive.delete(fact.jobId);
      events.push({ at, is: 'job-ended', jobId: fact.jobId, end: fact.end, counter: at });
    }
  }
  for (const { at, goneAt, ...point } of points.values()) {
    events.push({ at, is: 'restore-point', ...point });
    if (goneAt !== undefined) events.push({ at: goneAt, is: 'restore-point-gone', path: point.path });
  }
  events.sort((a, b) => a.at - b.at);
  const end = events.at(-1)?.at ?? 0;
  for (const jar of seen.jars) events.push({ at: end, is: 'jar-uploaded', jarId: jar.id, name: jar.name });
  return events.map((event, n) => ({ seq: n + 1, ...event }) as TruthEvent);
}

interface Point {
  at: number;
  goneAt: number | undefined;
  kind: 'savepoint' | 'checkpoint';
  jobId: string;
  path: string;
  counter: number;
  triggerId?: string;
}
/** Every restore point that there was, by the key of its path: those that the log tells of, and those that a dying JobManager only left on disk. */
function pointsOf(seen: Seen): Map<string, Point> {
  const points = new Map<string, Point>();
  const triggered = seen.log.filter((fact) => fact.is === 'triggered');
  const byId = new Map(triggered.map((fact) => [`${fact.jobId}/${fact.id}`, fact]));
  const madeBy = (jobId: string, id: number) => byId.get(`${jobId}/${id}`);
  const add = (point: Omit<Point, 'goneAt'>) => {
    const key = samePathKey(point.path);
    const file = seen.files.get(key);
    if (points.has(key)) return;
    // Gone between the last look that saw it and the next one. The earlier moment demands less of whoever looks for it.
    const goneAt = file && !file.gone ? undefined : Math.max(point.at, file?.seenAt ?? 0) + 1;
    points.set(key, { ...point, goneAt });
  };
  for (const fact of seen.log) {
    const by = fact.is === 'completed' ? madeBy(fact.jobId, fact.id) : undefined;
    if (fact.is !== 'completed' || !by || by.savepoint) continue;
    const path = `file:${join(seen.checkpointDir, fact.jobId, `chk-${fact.id}`)}`;
    add({ at: fact.at, kind: 'checkpoint', jobId: fact.jobId, path, counter: by.triggeredAt });
  }
  const used = new Set<LogFact>();
  const askedFor = new Map(seen.asked.flatMap((ask) => (ask.path === undefined ? [] : [[samePathKey(ask.path), ask.triggerId]])));
  for (const [path, { madeAt }] of [...seen.files].sort((a, b) => a[1].madeAt - b[1].madeAt)) {
    const number = /^chk-(\d+)$/.exec(basename(path))?.[1];
    if (number !== undefined) {
      const jobId = basename(dirname(path));
      const by = madeBy(jobId, Number(number));
      if (by) add({ at: madeAt, kind: 'checkpoint', jobId, path: `file:${path}`, counter: by.triggeredAt });
      continue;
    }
    const prefix = /^savepoint-([0-9a-f]{6})-/.exec(basename(path))?.[1];
    const by = triggered.findLast(
      (fact) => fact.savepoint && fact.jobId.slice(0, 6) === prefix && fact.triggeredAt <= madeAt && !used.has(fact),
    );
    if (!by) continue;
    used.add(by);
    const open = seen.asked.filter((ask) => ask.jobId === by.jobId && ask.path === undefined && ask.at <= madeAt);
    // A JobManager that died told nobody: the only request without an answer is its own.
    const triggerId = askedFor.get(path) ?? (open.length === 1 ? open[0]?.triggerId : undefined);
    add({
      at: madeAt,
      kind: 'savepoint',
      jobId: by.jobId,
      path: `file:${path}`,
      counter: by.triggeredAt,
      ...(triggerId === undefined ? {} : { triggerId }),
    });
  }
  return points;
}

/** Somebody who looks at a real cluster all the time, past every fault. */
export interface RealTruth {
  /** To be given to Sluice as the cluster's address: what passes is noted and handed on to Flink as it is. */
  url: string;
  /** What happened so far, kept up to date: half a second old at most. */
  events: readonly TruthEvent[];
  /** Looks at everything once more. @throws Error while Flink does not answer. */
  read(): Promise<readonly TruthEvent[]>;
  /** What the jobs themselves count against what the log says of their beginnings; one sentence each. */
  contradictions(): string[];
  /** How many beginnings were compared so. */
  compared(): number;
  close(): Promise<void>;
}

/** Begins to watch; what the cluster did before is left out. `close()` it. */
export async function watchRealFlink(
  cluster: Pick<LocalCluster, 'url' | 'checkpointDir' | 'savepointDir' | 'jobManager'>,
): Promise<RealTruth> {
  const log: LogFact[] = [];
  const files = new Map<string, { madeAt: number; seenAt: number; gone: boolean }>();
  const asked: { jobId: string; triggerId: string; at: number; path: string | undefined }[] = [];
  /** How many orders a job said it began with. */
  const counted = new Map<string, number>();
  const { logFile } = cluster.jobManager;
  let position = (await stat(logFile)).size;
  let rest = '';
  let closed = false;
  let jars: Seen['jars'] = [];
  const events: TruthEvent[] = [];
  const seen = (): Seen => ({ log, files, asked, jars, checkpointDir: cluster.checkpointDir });
  const tap = await startSavepointTap(Number(new URL(cluster.url).port), (jobId, triggerId) => {
    if (!asked.some((ask) => ask.jobId === jobId && ask.triggerId === triggerId))
      asked.push({ jobId, triggerId, at: Date.now(), path: undefined });
  });

  const readMore = inTurn(async () => {
    const file = await open(logFile);
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size - position), 0, size - position, position);
      position += bytesRead;
      const lines = (rest + buffer.toString('utf8', 0, bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      log.push(...readLog(lines.join('\n')));
    } finally {
      await file.close();
    }
  });
  const jobIds = () => new Set(log.flatMap((fact) => (fact.is === 'submitted' ? [fact.jobId] : [])));
  async function lookAtDisk(): Promise<void> {
    await readMore();
    const folders: string[] = [];
    const prefixes = new Set<string>();
    for (const jobId of jobIds()) {
      prefixes.add(jobId.slice(0, 6));
      const folder = join(cluster.checkpointDir, jobId);
      for (const name of await readdir(folder).catch(() => [])) if (name.startsWith('chk-')) folders.push(join(folder, name));
    }
    for (const name of await readdir(cluster.savepointDir))
      if (prefixes.has(/^savepoint-([0-9a-f]{6})-/.exec(name)?.[1] ?? '')) folders.push(join(cluster.savepointDir, name));
    const there = new Set<string>();
    for (const folder of folders) {
      const metadata = await stat(join(folder, '_metadata')).catch(() => undefined);
      if (!metadata?.size) continue;
      there.add(folder);
      files.set(folder, { madeAt: Math.floor(metadata.mtimeMs), seenAt: Date.now(), gone: false });
    }
    for (const [path, file] of files) if (!there.has(path)) file.gone = true;
    events.splice(0, events.length, ...truthOf(seen()));
  }
  async function get<T>(path: string): Promise<T> {
    const answer = await fetch(`${cluster.url}${path}`, { signal: AbortSignal.timeout(2000) });
    return (await answer.json()) as T;
  }
  async function askFlink(): Promise<void> {
    ({ files: jars } = await get<{ files: { id: string; name: string }[] }>('/jars'));
    for (const ask of asked) {
      if (ask.path !== undefined) continue;
      // In a failure the path stands in the message only.
      const result = JSON.stringify(await get(`/jobs/${ask.jobId}/savepoints/${ask.triggerId}`));
      ask.path = /file:[^\s"',\\]*\/savepoint-[0-9a-f]{6}-[0-9a-f]{12}/.exec(result)?.[0];
    }
    for (const jobId of jobsThatCameUp(log)) {
      if (counted.has(jobId) || log.some((fact) => (fact.is === 'restarting' || fact.is === 'ended') && fact.jobId === jobId)) continue;
      const said = await get<{ 'user-task-accumulators'?: { name: string; value: string }[] }>(`/jobs/${jobId}/accumulators`);
      const restored = said['user-task-accumulators']?.find((one) => one.name === 'restored')?.value;
      await readMore();
      if (restored !== undefined && !log.some((fact) => fact.is === 'restarting' && fact.jobId === jobId))
        counted.set(jobId, Number(restored));
    }
  }
  const keepOn = async (look: () => Promise<void>) => {
    while (!closed) {
      await look().catch(() => {});
      await sleep(200);
    }
  };
  // Each in turn with itself; a JobManager that stands still must not keep the eyes off the disk.
  const disk = inTurn(lookAtDisk);
  const flink = inTurn(askFlink);
  const loops = [keepOn(disk), keepOn(flink)];

  return {
    url: tap.url,
    events,
    async read() {
      await flink();
      await disk();
      return events;
    },
    contradictions: () => contradictions(events, counted),
    compared: () => counted.size,
    async close() {
      closed = true;
      await Promise.all(loops);
      await tap.close();
    },
  };
}

/** Calls wait for the ones before them. */
function inTurn(act: () => Promise<void>): () => Promise<void> {
  let turn = Promise.resolve();
  return () => {
    const mine = turn.then(act);
    turn = mine.catch(() => {});
    return mine;
  };
}

/** Orders that runs say they began with, against the log: nothing from nothing, the same from the same, more from what was taken later in one run. */
export function contradictions(truth: readonly TruthEvent[], counted: ReadonlyMap<string, number>): string[] {
  const found: string[] = [];
  const runOf = new Map(truth.flatMap((event) => (event.is === 'restore-point' ? [[samePathKey(event.path), event.jobId]] : [])));
  const began = truth.flatMap((event) => {
    const orders = event.is === 'job-started' ? counted.get(event.jobId) : undefined;
    return event.is === 'job-started' && orders !== undefined ? [{ ...event, orders }] : [];
  });
  for (const [n, a] of began.entries()) {
    if (a.restoredFrom === undefined && a.orders > 0) found.push(`${a.jobId} began from nothing, and counts ${a.orders} orders before it`);
    for (const b of began.slice(0, n)) {
      if (a.restoredFrom === undefined || b.restoredFrom === undefined) continue;
      const run = runOf.get(samePathKey(a.restoredFrom));
      if (run === undefined || run !== runOf.get(samePathKey(b.restoredFrom))) continue;
      if (Math.sign(a.counter - b.counter) * (a.orders - b.orders) < 0 || (a.counter === b.counter && a.orders !== b.orders))
        found.push(`${a.restoredFrom} holds ${a.orders} orders, and ${b.restoredFrom} ${b.orders}`);
    }
  }
  return found;
}
