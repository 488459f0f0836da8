import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type AppError, UnreachableError, UpstreamError } from '../../core/errors.ts';
import { newFlinkId } from '../../core/ids.ts';
import { formatBytes, formatDuration, sleep } from '../../core/time.ts';
import type { SavepointSight } from '../../deploy/deployer.ts';
import type { OpenCluster } from '../../deploy/deployers.ts';
import { localPath, samePathKey } from '../../deploy/restore-path.ts';
import { FlinkError } from '../../flink/errors.ts';
import { findVersion } from '../../jobs/jobs.store.ts';
import { findRun, type Run } from '../../jobs/runs.store.ts';
import { recordRestorePoint, restorePointsOfRun } from '../../restore-points/restore-points.store.ts';
import { guarded } from '../operations.store.ts';
import { provenSight } from '../proven-sight.ts';
import { savepointSize } from '../savepoint-size.ts';
import { settleRun } from '../settle-run.ts';
import type { Json, Observation, Step, StepContext } from '../types.ts';
import { type Target, targetOf } from './target.ts';

/** Whether a savepoint failed while the job runs on: people get the choices. */
export const isSavepointFailure = (error: AppError): boolean => error.details['kind'] === 'savepoint-failed';
/** Whether the job ended while it was being stopped, and no savepoint of the stop is known. */
export const endedWhileStopping = (error: AppError): boolean => error.details['kind'] === 'ended-while-stopping';

/** Waits for a savepoint that was asked for under our own trigger id. */
async function awaitSavepoint(c: StepContext, open: OpenCluster, run: Run, intent: Json): Promise<Json> {
  const started = performance.now();
  for (let round = 0; ; round++) {
    const sight = await open.deployer.savepoint(run.flinkJobId, intent['triggerId'] as string, { signal: c.signal });
    if (sight.is === 'done') return { path: sight.path, durationMs: Math.round(performance.now() - started) };
    if (sight.is === 'failed') {
      // Flink made a consistent savepoint although the job failed while stopping: it is the last state, and must not be lost.
      if (sight.path) return { path: sight.path, durationMs: Math.round(performance.now() - started), failedStopping: sight.reason };
      throw await whatIsLeft(c, open, run, intent, sight);
    }
    if (sight.is === 'not-known') throw new UnreachableError('the cluster forgot the savepoint (it was restarted, or answered too late)');
    if (sight.is === 'unknown') throw new UnreachableError(sight.why);
    c.note(formatDuration(performance.now() - started));
    await sleep(Math.min(1000, 40 * 1.5 ** round), c.signal);
  }
}
const directoryOf = (intent: Json) => (intent['directory'] as string | null | undefined) ?? null;

/** Savepoints of a run that were there before ours was asked for, as Flink's statistics and the folder show them; null: they could not be read. */
interface Before {
  listed: string[] | null;
  written: string[] | null;
}
/** How far the clock of the cluster or of its files may be from ours, where what was there before is not known. */
const clocksDifferMs = 10_000;
/** Whether a savepoint may be the one that was asked for: it was not there before. By the clocks only where that is not known. */
function isNew(intent: Json, source: keyof Before, key: string, at: number): boolean {
  const before = (intent['before'] as Before | undefined)?.[source];
  return before ? !before.includes(key) : at >= Date.parse(String(intent['askedAt'])) - clocksDifferMs;
}
async function savepointsNow(c: StepContext, run: Run, open: OpenCluster, directory: string | null): Promise<Before> {
  const [listed, written] = await Promise.all([
    open.deployer.checkpoints(run.flinkJobId, { signal: c.signal, timeoutMs: 2500 }).then(
      (sight) => sight.completed.flatMap((one) => (one.isSavepoint && one.path ? [samePathKey(one.path)] : [])),
      () => null,
    ),
    savepointFolders(open, run, directory),
  ]);
  return { listed, written: written?.map(({ path }) => samePathKey(path)) ?? null };
}
/** Savepoints of the run that something else made: they are not the one that was asked for, however close their times are. */
async function knownToOthers(c: StepContext, run: Run): Promise<Set<string>> {
  const points = await restorePointsOfRun(c.services.database.db, run.id);
  return new Set(points.filter((point) => point.operationId !== c.op.id).map((point) => samePathKey(point.path)));
}
/**
 * A savepoint that Flink's own statistics list as completed since then: the trigger may be forgotten, or the operation told as failed, and it exists.
 * `unknown`: the statistics did not answer, which is not "none".
 */
async function madeSince(c: StepContext, open: OpenCluster, run: Run, intent: Json): Promise<string | undefined | 'unknown'> {
  const known = await knownToOthers(c, run);
  try {
    const sight = await open.deployer.checkpoints(run.flinkJobId, { signal: c.signal, timeoutMs: 5000 });
    return sight.completed.find(({ isSavepoint, path, at }) => {
      const key = isSavepoint && path ? samePathKey(path) : undefined;
      return key !== undefined && !known.has(key) && isNew(intent, 'listed', key, at);
    })?.path;
  } catch (error) {
    if (error instanceof FlinkError && error.kind === 'job-not-found') return undefined;
    if (error instanceof UnreachableError || error instanceof FlinkError) return 'unknown';
    throw error;
  }
}
/** Complete savepoints of a run in a folder that can be read here; Flink names them `savepoint-<start of the job id>-<random>`. Undefined: it cannot be read. */
async function savepointFolders(open: OpenCluster, run: Run, directory: string | null): Promise<{ path: string; at: number }[] | null> {
  const local = open.cluster.pathsReadable && directory ? localPath(directory) : undefined;
  if (!local || !directory) return null;
  const found: { path: string; at: number }[] = [];
  for (const name of await readdir(local).catch(() => [])) {
    if (!name.startsWith(`savepoint-${run.flinkJobId.slice(0, 6)}-`)) continue;
    // Written last: without it the savepoint is not complete.
    const metadata = await stat(join(local, name, '_metadata')).catch(() => undefined);
    if (metadata) found.push({ path: `${directory.replace(/\/+$/, '')}/${name}`, at: metadata.mtimeMs });
  }
  return found;
}
/** The same by the files, when a restarted JobManager knows nothing. */
async function writtenSince(c: StepContext, open: OpenCluster, run: Run, intent: Json): Promise<string | undefined> {
  const known = await knownToOthers(c, run);
  const folders = (await savepointFolders(open, run, directoryOf(intent))) ?? [];
  return folders.find(({ path, at }) => !known.has(samePathKey(path)) && isNew(intent, 'written', samePathKey(path), at))?.path;
}

/** By the statistics or, once the job is down, by the files. @throws UnreachableError while the statistics are silent and the files show nothing. */
async function leftBehind(c: StepContext, open: OpenCluster, run: Run, intent: Json, down: boolean) {
  const made = await madeSince(c, open, run, intent);
  if (made !== undefined && made !== 'unknown') return made;
  const written = down ? await writtenSince(c, open, run, intent) : undefined;
  if (written === undefined && made === 'unknown')
    throw new UnreachableError('whether a savepoint was made cannot be told: the statistics do not answer');
  return written;
}

/**
 * What a failed savepoint leaves behind: a savepoint that was made all the same is recorded, and whether the job runs on is seen, not assumed.
 * @returns the error to throw: the job runs on (people get the choices), or it ended.
 * @throws UnreachableError while it cannot be told.
 */
async function whatIsLeft(
  c: StepContext,
  open: OpenCluster,
  run: Run,
  intent: Json,
  failed: Extract<SavepointSight, { is: 'failed' }>,
): Promise<AppError> {
  const sight = await provenSight(c.services.database.db, open, run.flinkJobId, { signal: c.signal });
  if (sight.is === 'unknown') throw new UnreachableError(sight.why);
  const made = await leftBehind(c, open, run, intent, sight.is === 'gone' || sight.ended);
  if (made) await guarded(c.services.database, c.op, (tx) => recordRestorePoint(tx, pointOf(c, run, { path: made }, false)));
  const kept = made ? `A savepoint was made all the same and is kept: ${made}` : undefined;
  if (sight.is === 'seen' && !sight.ended) {
    const state = sight.allRunning ? undefined : `Flink has it in the state ${sight.state}.`;
    return new UpstreamError(failed.reason, {
      hint: [failed.hint, kept, state].filter(Boolean).join(' ') || undefined,
      details: { kind: 'savepoint-failed' },
    });
  }
  await settleRun(c.services.database, open, run, sight);
  return endedError(c, failed.reason, kept);
}
function endedError(c: StepContext, reason: string | undefined, kept: string | undefined): AppError {
  return new UpstreamError(
    [`${c.op.job} ended while it was being stopped${kept ? '' : ', and no savepoint of it can be found'}.`, reason]
      .filter(Boolean)
      .join(' '),
    {
      hint: `${kept ?? 'Its last checkpoint is kept if there was one'}: /flink start ${c.op.job} resumes from it.`,
      details: { kind: 'ended-while-stopping' },
    },
  );
}

/** What became of a savepoint (or a stop with savepoint) that may have been asked for under this intent. */
export async function observeSavepoint(c: StepContext, intent: Json): Promise<Observation> {
  const found = await targetOf(c);
  if (!found) return { is: 'unknown', why: 'the run is not recorded' };
  const { run, open } = found;
  const sight = await open.deployer.savepoint(run.flinkJobId, intent['triggerId'] as string, { signal: c.signal });
  const done = async (result: Json): Promise<Observation> => ({ is: 'done', result: await withFacts(c, open, run, result) });
  if (sight.is === 'done') return done({ path: sight.path });
  if (sight.is === 'running') return done(await awaitSavepoint(c, open, run, intent));
  if (sight.is === 'failed') {
    if (sight.path) return done({ path: sight.path, failedStopping: sight.reason });
    throw await whatIsLeft(c, open, run, intent, sight);
  }
  if (sight.is === 'unknown') return { is: 'unknown', why: sight.why };
  const job = await provenSight(c.services.database.db, open, run.flinkJobId, { signal: c.signal });
  if (job.is === 'unknown') return { is: 'unknown', why: job.why };
  const running = job.is === 'seen' && !job.ended;
  if (running && intent['stops'] === true) return { is: 'not-done' };
  // A savepoint that was made is the one that was asked for, also when its trigger is forgotten.
  const made = await leftBehind(c, open, run, intent, !running);
  if (made) return done({ path: made });
  if (running) return { is: 'not-done' };
  await settleRun(c.services.database, open, run, job);
  throw endedError(c, undefined, undefined);
}

async function savepointDirectory(c: StepContext, run: Run): Promise<string | undefined> {
  return (await findVersion(c.services.database.db, run.job, run.version))?.definition.savepointDir;
}
/** Chooses the trigger id before anything is asked: the same at every try. `stops`: the savepoint is to end the run. */
export const prepareSavepoint =
  (stops: boolean) =>
  async (c: StepContext): Promise<Json> => {
    const found = await targetOf(c);
    const directory = (found && (await savepointDirectory(c, found.run))) ?? null;
    return {
      triggerId: newFlinkId(),
      askedAt: new Date().toISOString(),
      directory,
      stops,
      ...(found ? { before: (await savepointsNow(c, found.run, found.open, directory)) as unknown as Json } : {}),
    };
  };
function pointOf(c: StepContext, run: Run, result: Json, final: boolean) {
  return {
    job: run.job,
    runId: run.id,
    version: run.version,
    kind: 'savepoint' as const,
    path: result['path'] as string,
    size: (result['size'] as number | undefined) ?? null,
    durationMs: (result['durationMs'] as number | undefined) ?? null,
    takenAt: result['takenAt'] === undefined ? new Date() : new Date(result['takenAt'] as number),
    flinkVersion: run.flinkVersion,
    checkpointId: (result['checkpointId'] as number | undefined) ?? null,
    final,
    operationId: c.op.id,
  };
}
/** Keeps the path in the transaction of the result: from here on it cannot be lost. */
export function recordSavepoint(final: boolean): NonNullable<Step['record']> {
  return async (tx, c, _intent, result) => {
    const found = c.results['target'] as unknown as Target;
    const run = await findRun(tx, found.runId);
    if (run) await recordRestorePoint(tx, pointOf(c, run, result, final));
    return undefined;
  };
}
/**
 * Adds what Flink's statistics and the disk tell of a savepoint: its number, its time by Flink's own clock (the order of restore points goes by it), its
 * size. The statistics may be 3 s old, or not answer: then the rest has to do.
 */
async function withFacts(c: StepContext, open: OpenCluster, run: Run, result: Json): Promise<Json> {
  const key = samePathKey(result['path'] as string);
  const sight = await open.deployer.checkpoints(run.flinkJobId, { signal: c.signal, timeoutMs: 2000 }).catch(() => undefined);
  const made = sight?.completed.find((p) => p.isSavepoint && p.path !== undefined && samePathKey(p.path) === key);
  return withSize(c, open, made ? { ...result, checkpointId: made.id, takenAt: made.at } : result);
}
async function withSize(c: StepContext, open: OpenCluster, result: Json): Promise<Json> {
  const size = open.cluster.pathsReadable ? await savepointSize(result['path'] as string) : undefined;
  c.note(
    [size === undefined ? undefined : formatBytes(size), result['durationMs'] ? formatDuration(result['durationMs'] as number) : undefined]
      .filter(Boolean)
      .join(', ') || 'written',
  );
  return size === undefined ? result : { ...result, size };
}

/** Asks for the savepoint (or the stop) and waits for it. */
export async function askAndAwait(c: StepContext, intent: Json): Promise<Json> {
  const found = await targetOf(c);
  if (!found) throw new UnreachableError('the run is not recorded');
  const { run, open } = found;
  const triggerId = intent['triggerId'] as string;
  const directory = (intent['directory'] as string | null) ?? undefined;
  const options = { signal: c.signal, beforeSend: c.fence };
  if (intent['stops'] === true) await open.deployer.triggerStop(run.flinkJobId, triggerId, directory, options);
  else await open.deployer.triggerSavepoint(run.flinkJobId, triggerId, directory, options);
  return withFacts(c, open, run, await awaitSavepoint(c, open, run, intent));
}

/** Takes a savepoint; the job runs on. */
export const savepointStep: Step = {
  name: 'savepoint',
  title: 'Take the savepoint',
  cancel: 'finish-first',
  deadlineMs: 15 * 60_000,
  holds: true,
  prepare: prepareSavepoint(false),
  observe: observeSavepoint,
  act: askAndAwait,
  record: recordSavepoint(false),
};
