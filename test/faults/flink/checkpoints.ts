import { join } from 'node:path';
import { localPath } from '../../../src/deploy/restore-path.ts';
import { type Checkpoint, counterOf, type Job } from './job.ts';
import type { Cluster } from './options.ts';
import { flinkPath, type RestoreState, removeFolder, writeRestorePoint } from './restore-points.ts';
import type { Thrown } from './texts.ts';

/** How many checkpoints of a job stay on disk, and how many its history shows. */
const kept = 3;
const shown = 10;
/** Intervals from here on mean that checkpoints are off. */
const offMs = 1000 * 3600 * 24 * 365;

type Later = (job: Job, ms: number, then: () => void) => void;
type Fail = (fault: { thrown: readonly Thrown[]; task?: string }) => void;

/**
 * Writes what a job has read into a folder: each restore point holds more than the one before, so that the truth can tell them apart. Throws what the file
 * system throws.
 */
export function takeRestorePoint(job: Job, id: number, folder: string): RestoreState {
  const now = Date.now();
  const counter = Math.max(counterOf(job, now), job.lastSaved + 1);
  const state: RestoreState = {
    id,
    counter,
    uid: job.program.uid,
    maxParallelism: job.program.maxParallelism ?? 128,
  };
  writeRestorePoint(folder, state);
  job.base += counter - counterOf(job, now);
  job.lastSaved = counter;
  return state;
}

/** Adds to what /checkpoints tells. */
export function remember(job: Job, checkpoint: Checkpoint): void {
  job.history.push(checkpoint);
  if (job.history.length > shown) job.history.shift();
  if (checkpoint.path === undefined) {
    job.counts.failed++;
    job.latest.failed = checkpoint;
  } else {
    job.counts.completed++;
    if (checkpoint.kind === 'CHECKPOINT') job.latest.completed = checkpoint;
    else job.latest.savepoint = checkpoint;
  }
}

/** Checkpoints for as long as this attempt runs: on 2.x the first comes at once, on 1.20 after up to one interval. */
export function startCheckpoints(cluster: Cluster, job: Job, later: Later, fail: Fail): void {
  if (job.checkpointIntervalMs >= offMs) return;
  const every = job.checkpointIntervalMs;
  const next = () => {
    checkpoint(cluster, job, fail);
    later(job, every, next);
  };
  later(job, cluster.is2 ? 1 : Math.random() * every, next);
}

function checkpoint(cluster: Cluster, job: Job, fail: Fail): void {
  // One at a time, and none when a stop is at its end.
  if (job.pending.size > 0 || job.runningSince === undefined) return;
  const triggeredAt = Date.now();
  const id = job.nextCheckpoint++;
  if (job.program.failCheckpoint) {
    remember(job, failed(id, 'CHECKPOINT', triggeredAt, 'Asynchronous task checkpoint failed.'));
    fail({ thrown: [['java.lang.IllegalStateException', `Planned failure of checkpoint ${id}`]], task: 'totals per customer' });
    return;
  }
  const folder = join(localPath(job.checkpointDir) ?? job.checkpointDir, job.id, `chk-${id}`);
  let state: RestoreState;
  try {
    state = takeRestorePoint(job, id, folder);
  } catch {
    remember(job, failed(id, 'CHECKPOINT', triggeredAt, 'IO-problem detected.'));
    fail({ thrown: [['org.apache.flink.util.FlinkRuntimeException', 'Exceeded checkpoint tolerable failure threshold.']] });
    return;
  }
  const done: Checkpoint = {
    id,
    kind: 'CHECKPOINT',
    triggeredAt,
    endedAt: Date.now(),
    path: flinkPath(folder),
    failure: undefined,
    discarded: false,
  };
  remember(job, done);
  cluster.tell({ is: 'restore-point', kind: 'checkpoint', jobId: job.id, path: flinkPath(folder), counter: state.counter });
  job.retained.push({ checkpoint: done, folder, state });
  while (job.retained.length > kept) {
    const old = job.retained.shift();
    if (!old) break;
    old.checkpoint.discarded = true;
    removeFolder(old.folder);
    cluster.tell({ is: 'restore-point-gone', path: flinkPath(old.folder) });
  }
}

/** The entry of a checkpoint or savepoint that failed. */
export function failed(id: number, kind: Checkpoint['kind'], triggeredAt: number, failure: string): Checkpoint {
  return { id, kind, triggeredAt, endedAt: Date.now(), path: undefined, failure, discarded: false };
}
