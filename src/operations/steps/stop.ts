import { ConflictError, UnreachableError, UpstreamError } from '../../core/errors.ts';
import { newFlinkId } from '../../core/ids.ts';
import { formatAge, formatBytes, formatDuration, sleep } from '../../core/time.ts';
import type { OpenCluster } from '../../deploy/deployers.ts';
import { samePathKey } from '../../deploy/restore-path.ts';
import { findVersion } from '../../jobs/jobs.store.ts';
import { endedAgo } from '../../jobs/run-words.ts';
import { findRun, latestRun, type Run } from '../../jobs/runs.store.ts';
import { recordRestorePoint } from '../../restore-points/restore-points.store.ts';
import { isOfRun } from '../message.ts';
import { noLongerThere, restorePathProblem } from '../restore-path-problem.ts';
import { savepointSize } from '../savepoint-size.ts';
import { settleRun } from '../settle-run.ts';
import type { Json, Observation, Step, StepContext } from '../types.ts';

/** The savepoint failed and the job runs on: people get the choices. */
export class SavepointError extends UpstreamError {}

export interface Target {
  runId: string;
  flinkJobId: string;
  cluster: string;
}
/** The run an operation works on, from its `target` step. */
export async function targetOf(c: StepContext): Promise<{ run: Run; open: OpenCluster } | undefined> {
  const target = c.results['target'] as Partial<Target> | undefined;
  if (!target?.runId) return undefined;
  const run = await findRun(c.services.database.db, target.runId);
  return run && { run, open: await c.services.deployers.of(run.cluster) };
}

/** Finds what runs now. `required`: an operation without a running job makes no sense. */
export function targetStep(required: boolean): Step {
  return {
    name: 'target',
    title: 'Look at what runs',
    cancel: 'at-once',
    deadlineMs: 30_000,
    holds: true,
    async act(c): Promise<Json> {
      const { database, deployers } = c.services;
      const run = await latestRun(database.db, c.op.job);
      if (!run || run.ended) {
        if (required) throw notRunning(c.op.job, run);
        return {};
      }
      const open = await deployers.of(run.cluster);
      const sight = await open.deployer.look(run.flinkJobId, { signal: c.signal });
      if (sight.is === 'unknown') {
        const detail = `${sight.why} Last proven: ${run.state}, ${formatAge(run.stateAt, new Date())}.`;
        throw new ConflictError(`${run.cluster} does not answer, so it cannot be told whether ${c.op.job} runs.`, {
          hint: `${detail} Nothing was done; try again when it answers.`,
        });
      }
      const settled = await settleRun(database, open, run, sight);
      if (settled.run.ended) {
        if (required) throw notRunning(c.op.job, settled.run);
        return {};
      }
      return { runId: run.id, flinkJobId: run.flinkJobId, cluster: run.cluster } satisfies Target;
    },
  };
}
function notRunning(job: string, run: Run | undefined): ConflictError {
  return new ConflictError(run ? `${job} does not run: it ${endedAgo(run, new Date())}.` : `${job} has never run.`, {
    hint: `To start it: /flink start ${job}`,
  });
}

/** Waits for a savepoint that was asked for under our own trigger id. */
async function awaitSavepoint(c: StepContext, open: OpenCluster, run: Run, triggerId: string): Promise<Json> {
  const started = performance.now();
  for (let round = 0; ; round++) {
    const sight = await open.deployer.savepoint(run.flinkJobId, triggerId, { signal: c.signal });
    if (sight.is === 'done') return { path: sight.path, durationMs: Math.round(performance.now() - started) };
    if (sight.is === 'failed') {
      // Flink made a consistent savepoint although the job failed while stopping: it is the last state, and must not be lost.
      if (sight.path) return { path: sight.path, durationMs: Math.round(performance.now() - started), failedStopping: sight.reason };
      throw new SavepointError(sight.reason, { hint: sight.hint });
    }
    if (sight.is === 'not-known') throw new UnreachableError('the cluster forgot the savepoint (it was restarted, or answered too late)');
    if (sight.is === 'unknown') throw new UnreachableError(sight.why);
    c.note(formatDuration(performance.now() - started));
    await sleep(Math.min(1000, 40 * 1.5 ** round), c.signal);
  }
}
async function observeSavepoint(c: StepContext, intent: Json): Promise<Observation> {
  const found = await targetOf(c);
  if (!found) return { is: 'unknown', why: 'the run is not recorded' };
  const { run, open } = found;
  const sight = await open.deployer.savepoint(run.flinkJobId, intent['triggerId'] as string, { signal: c.signal });
  const done = async (result: Json): Promise<Observation> => ({ is: 'done', result: await withFacts(c, open, run, result) });
  if (sight.is === 'done') return done({ path: sight.path });
  if (sight.is === 'running') return done(await awaitSavepoint(c, open, run, intent['triggerId'] as string));
  if (sight.is === 'failed') {
    if (sight.path) return done({ path: sight.path, failedStopping: sight.reason });
    throw new SavepointError(sight.reason, { hint: sight.hint });
  }
  if (sight.is === 'unknown') return { is: 'unknown', why: sight.why };
  const now_ = await open.deployer.look(run.flinkJobId, { signal: c.signal });
  if (now_.is === 'unknown') return { is: 'unknown', why: now_.why };
  if (now_.is === 'seen' && !now_.ended) return { is: 'not-done' };
  if (now_.is === 'seen') {
    // The trigger is forgotten, but the job's own statistics still name its newest savepoint.
    const asked = Date.parse(String(intent['askedAt']));
    const made = (await open.deployer.checkpoints(run.flinkJobId)).completed.find((p) => p.isSavepoint && p.path && p.at >= asked - 1000);
    if (made) return done({ path: made.path });
  }
  await settleRun(c.services.database, open, run, now_);
  throw new UpstreamError(`${c.op.job} ended while it was being stopped, and no savepoint of it can be found.`, {
    hint: `Its last checkpoint is kept if there was one: /flink start ${c.op.job} resumes from it.`,
  });
}

async function savepointDirectory(c: StepContext, run: Run): Promise<string | undefined> {
  return (await findVersion(c.services.database.db, run.job, run.version))?.definition.savepointDir;
}
const prepareSavepoint = async (c: StepContext): Promise<Json> => {
  const found = await targetOf(c);
  return {
    triggerId: newFlinkId(),
    askedAt: new Date().toISOString(),
    directory: (found && (await savepointDirectory(c, found.run))) ?? null,
  };
};
/** Keeps the path in the transaction of the result: from here on it cannot be lost. */
function recordSavepoint(final: boolean): NonNullable<Step['record']> {
  return async (tx, c, _intent, result) => {
    const found = c.results['target'] as unknown as Target;
    const run = await findRun(tx, found.runId);
    if (!run) return undefined;
    await recordRestorePoint(tx, {
      job: run.job,
      runId: run.id,
      version: run.version,
      kind: 'savepoint',
      path: result['path'] as string,
      size: (result['size'] as number | undefined) ?? null,
      durationMs: (result['durationMs'] as number | undefined) ?? null,
      takenAt: result['takenAt'] === undefined ? new Date() : new Date(result['takenAt'] as number),
      flinkVersion: run.flinkVersion,
      checkpointId: (result['checkpointId'] as number | undefined) ?? null,
      final,
      operationId: c.op.id,
    });
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

/** Takes a savepoint; the job runs on. */
export const savepointStep: Step = {
  name: 'savepoint',
  title: 'Take the savepoint',
  cancel: 'finish-first',
  deadlineMs: 15 * 60_000,
  holds: true,
  prepare: prepareSavepoint,
  observe: observeSavepoint,
  async act(c, intent) {
    const { run, open } = (await targetOf(c))!;
    await open.deployer.triggerSavepoint(
      run.flinkJobId,
      intent['triggerId'] as string,
      (intent['directory'] as string | null) ?? undefined,
      { signal: c.signal },
    );
    return withFacts(c, open, run, await awaitSavepoint(c, open, run, intent['triggerId'] as string));
  },
  record: recordSavepoint(false),
};

const runs = (c: StepContext) => Boolean((c.results['target'] as Partial<Target> | undefined)?.runId);
const withoutSavepoint = (c: StepContext) => c.op.input['noSavepoint'] === true;
/** A restore to a checkpoint of the very run that has to end for it. */
const fromItsOwn = (c: StepContext) => isOfRun(c.op.input, c.results['target']);

/** Stop with savepoint: one trigger id, persisted before, the same at every try. */
const stopWithSavepoint: Step = {
  name: 'stop-savepoint',
  title: 'Stop with savepoint',
  cancel: 'finish-first',
  deadlineMs: 15 * 60_000,
  holds: true,
  when: (c) => runs(c) && !withoutSavepoint(c) && !fromItsOwn(c),
  prepare: prepareSavepoint,
  observe: observeSavepoint,
  async act(c, intent) {
    const { run, open } = (await targetOf(c))!;
    await open.deployer.triggerStop(run.flinkJobId, intent['triggerId'] as string, (intent['directory'] as string | null) ?? undefined, {
      signal: c.signal,
    });
    return withFacts(c, open, run, await awaitSavepoint(c, open, run, intent['triggerId'] as string));
  },
  record: recordSavepoint(true),
};

const stopWithout: Step = {
  name: 'stop-cancel',
  title: 'Stop without a savepoint',
  cancel: 'finish-first',
  deadlineMs: 5 * 60_000,
  holds: true,
  when: (c) => runs(c) && withoutSavepoint(c),
  async act(c) {
    const { run, open } = (await targetOf(c))!;
    await open.deployer.cancel(run.flinkJobId, { signal: c.signal });
    return {};
  },
};

/** Proves the end and records it. */
const ended: Step = {
  name: 'stop-ended',
  title: 'See it ended',
  cancel: 'finish-first',
  deadlineMs: 5 * 60_000,
  holds: true,
  when: runs,
  async act(c) {
    const { run, open } = (await targetOf(c))!;
    for (let round = 0; ; round++) {
      const sight = await open.deployer.look(run.flinkJobId, { signal: c.signal });
      if (sight.is === 'unknown') throw new UnreachableError(sight.why);
      const settled = await settleRun(c.services.database, open, run, sight, 'stopped');
      if (settled.run.ended) return { state: settled.run.state, at: new Date().toISOString() };
      c.note(sight.is === 'seen' ? sight.state.toLowerCase() : 'gone');
      await sleep(Math.min(1000, 40 * 1.5 ** round), c.signal);
    }
  },
};

/** Stop what the `target` step found, with or without savepoint, and prove it. */
export const stopSteps: readonly Step[] = [stopWithSavepoint, stopWithout, ended];

/** A stop with savepoint would end in FINISHED, where Flink deletes the very checkpoint that was chosen (flink.md fact 7): so save first, then cancel. */
const saveFirst: Step = { ...savepointStep, name: 'restore-savepoint', title: 'Take the safety savepoint', when: fromItsOwn };

/** The run went on while the savepoint was written, so newer checkpoints may have replaced the chosen one. */
const lookAgain: Step = {
  name: 'restore-check',
  title: 'See that the chosen checkpoint is still kept',
  cancel: 'at-once',
  deadlineMs: 30_000,
  holds: true,
  when: fromItsOwn,
  async act(c) {
    const { run, open } = (await targetOf(c))!;
    const from = c.op.input['from'] as string;
    const problem = await restorePathProblem(from, c.op.job, open.cluster);
    if (problem) throw problem;
    // Where the files cannot be read, Flink's own list may still know.
    const sight = await open.deployer.checkpoints(run.flinkJobId, { signal: c.signal, timeoutMs: 5000 }).catch(() => undefined);
    const listed = sight?.completed.find((p) => p.path !== undefined && samePathKey(p.path) === samePathKey(from));
    if (listed?.discarded) throw noLongerThere(from, c.op.job, 'Flink has replaced it by a newer one');
    return {};
  },
};

/** Retained checkpoints stay on a cancel (RETAIN_ON_CANCELLATION, set at every submit). */
const cancelKept: Step = { ...stopWithout, name: 'restore-cancel', title: 'Cancel the run; its checkpoints stay', when: fromItsOwn };

/** The stop of a restore: with savepoint, or, where the chosen checkpoint is one of what runs, savepoint first and then cancel. */
export const restoreStopSteps: readonly Step[] = [saveFirst, lookAgain, cancelKept, ...stopSteps];
