import { join } from 'node:path';
import { localPath } from '../../../src/deploy/restore-path.ts';
import { type Answer, type AnswerName, answer } from './answers.ts';
import { failed, remember, takeRestorePoint } from './checkpoints.ts';
import { counterOf, endedStates, type Job } from './job.ts';
import type { Jobs } from './jobs.ts';
import type { Cluster } from './options.ts';
import { flinkPath, foreignScheme, newSavepointFolder, removeFolder } from './restore-points.ts';
import { failureCause, handled, ioProblem, noFileSystem, savepointFault, suspending, type Thrown } from './texts.ts';

type Kind = 'savepoint' | 'stop';
type Outcome = { is: 'done'; location: string } | { is: 'failed'; name: AnswerName; thrown: readonly Thrown[] };
interface Operation {
  kind: Kind;
  jobId: string;
  triggerId: string;
  outcome: Outcome | undefined;
  endedAt: number | undefined;
}
export interface Savepoints {
  /** A trigger id that was used before for this job starts nothing, whatever it was used for. */
  trigger(kind: Kind, jobId: string, triggerId: string, directory: string | undefined): void;
  result(jobId: string, triggerId: string): Answer;
  forgetAll(): void;
}

const interrupted = 'savepoint failed: broken off';
const failedWith = (name: AnswerName, thrown: readonly Thrown[]): Outcome => ({ is: 'failed', name, thrown });

/** Savepoints and stops under trigger ids, with what becomes of them. */
export function createSavepoints(cluster: Cluster, jobs: Jobs): Savepoints {
  const { timing, behaviour } = cluster;
  const operations = new Map<string, Operation>();
  /** The stop under way of each job. */
  const stops = new Map<string, Operation>();

  function settle(operation: Operation, outcome: Outcome): void {
    if (operation.outcome) return;
    operation.outcome = outcome;
    operation.endedAt = Date.now();
    if (stops.get(operation.jobId) === operation) stops.delete(operation.jobId);
  }
  const fail = (operation: Operation, name: AnswerName, thrown: readonly Thrown[]) => settle(operation, failedWith(name, thrown));

  /** Begins what was asked for; the outcome when there already is one. */
  function begin(operation: Operation, directory: string | undefined): Outcome | undefined {
    const job = jobs.get(operation.jobId);
    if (!job || endedStates.includes(job.state))
      return failedWith('savepoint failed: unknown job', savepointFault.jobNotFound(operation.jobId));
    if (job.phase !== 'RUNNING' || job.closing) return failedWith('savepoint failed: tasks do not run', notRunning(job));
    const triggeredAt = Date.now();
    const kind = operation.kind === 'stop' ? 'SYNC_SAVEPOINT' : 'SAVEPOINT';
    const target = directory ?? job.options['execution.checkpointing.savepoint-dir'] ?? join(cluster.dir, 'savepoints');
    const scheme = foreignScheme(target);
    if (scheme) {
      remember(job, failed(job.nextCheckpoint++, kind, triggeredAt, ioProblem));
      return failedWith('savepoint failed: foreign directory', savepointFault.checkpoint(ioProblem, noFileSystem(scheme)));
    }
    const made = behaviour.savepointFails
      ? { problem: { class: 'java.nio.file.AccessDeniedException', message: localPath(target) ?? target } }
      : newSavepointFolder(target, job.id);
    if ('problem' in made) {
      remember(job, failed(job.nextCheckpoint++, kind, triggeredAt, ioProblem));
      return notWritable(target, [made.problem.class, made.problem.message]);
    }
    if (operation.kind === 'stop') {
      const other = stops.get(job.id);
      if (other) return bothBreak(job, other, made.folder);
      stops.set(job.id, operation);
    }
    write(job, operation, made.folder, triggeredAt, kind);
    return undefined;
  }

  /** Two stops at once: neither is done, and the job starts anew from its last checkpoint, where it may. */
  function bothBreak(job: Job, first: Operation, folder: string): Outcome {
    removeFolder(folder);
    jobs.fail(job, {
      thrown: [['org.apache.flink.util.FlinkRuntimeException', 'Stop-with-savepoint failed.']],
      task: `Source: order numbers -> throttle -> orders (1/${job.parallelism})`,
    });
    fail(first, interrupted, savepointFault.checkpoint(suspending));
    if (!cluster.is2) return failedWith(interrupted, savepointFault.checkpoint(suspending));
    const declined = 'Checkpoint was declined (tasks not ready)';
    const task: Thrown = [
      'org.apache.flink.runtime.checkpoint.CheckpointException',
      `org.apache.flink.runtime.checkpoint.CheckpointException: Task name with subtask : Source: order numbers -> throttle -> orders (1/${job.parallelism})#0 Failure reason: ${declined}`,
    ];
    return failedWith('savepoint failed: declined', savepointFault.checkpoint(declined, task));
  }

  function write(job: Job, operation: Operation, folder: string, triggeredAt: number, kind: 'SAVEPOINT' | 'SYNC_SAVEPOINT'): void {
    const isStop = operation.kind === 'stop';
    const id = job.nextCheckpoint++;
    const pending = { ...failed(id, kind, triggeredAt, ''), endedAt: -1 };
    job.pending.add(pending);
    const breakOff = (message: string) => {
      job.underWay.delete(breakOff);
      job.pending.delete(pending);
      removeFolder(folder);
      remember(job, failed(id, kind, triggeredAt, message));
      fail(operation, interrupted, savepointFault.checkpoint(message));
    };
    job.underWay.add(breakOff);
    const takesMs = timing.savepointMs + behaviour.savepointDelayMs + job.program.slowCheckpointMs;
    if ((isStop && behaviour.jobFailsWhileStopping) || job.program.failCheckpoint) {
      cluster.after(takesMs / 2, () => {
        if (!job.underWay.has(breakOff)) return;
        jobs.fail(job, {
          thrown: [['java.lang.IllegalStateException', 'Planned failure while the savepoint was written']],
          task: 'totals per customer',
        });
      });
      return;
    }
    cluster.after(takesMs, () => {
      if (!job.underWay.delete(breakOff)) return;
      const path = flinkPath(folder);
      job.pending.delete(pending);
      let counter: number;
      try {
        ({ counter } = takeRestorePoint(job, id, folder));
      } catch (error) {
        remember(job, failed(id, kind, triggeredAt, ioProblem));
        settle(operation, notWritable(folder, ['java.io.IOException', String(error)]));
        return;
      }
      remember(job, { id, kind, triggeredAt, endedAt: Date.now(), path, failure: undefined, discarded: false });
      cluster.tell({ is: 'restore-point', kind: 'savepoint', jobId: job.id, path, counter, triggerId: operation.triggerId });
      if (isStop) close(job, operation, path);
      else settle(operation, { is: 'done', location: path });
    });
  }

  /** The savepoint of a stop is written: nothing is read any more, and the tasks close. */
  function close(job: Job, operation: Operation, path: string): void {
    job.base = counterOf(job, Date.now());
    job.runningSince = undefined;
    job.closing = true;
    const stoppingFailed = () => {
      job.underWay.delete(stoppingFailed);
      fail(operation, 'savepoint failed: stopping failed, savepoint made', savepointFault.stopping(path, job.id));
    };
    job.underWay.add(stoppingFailed);
    cluster.after(timing.stopMs, () => {
      if (!job.underWay.has(stoppingFailed)) return;
      if (job.program.failClose || behaviour.stopFailsWithSavepoint) {
        jobs.fail(job, {
          thrown: [['java.lang.IllegalStateException', 'Planned failure while closing']],
          task: `totals per customer -> Sink: totals out (1/${job.parallelism})`,
          forGood: true,
        });
        return;
      }
      job.underWay.delete(stoppingFailed);
      jobs.finish(job);
      settle(operation, { is: 'done', location: path });
    });
  }

  const isOld = ({ endedAt }: Operation) => endedAt !== undefined && endedAt < Date.now() - timing.resultsKeptMs;
  function sweep(): void {
    for (const [key, operation] of operations) if (isOld(operation)) operations.delete(key);
  }

  return {
    trigger(kind, jobId, triggerId, directory) {
      sweep();
      const key = `${jobId}/${triggerId}`;
      if (operations.has(key)) return;
      const operation: Operation = { kind, jobId, triggerId, outcome: undefined, endedAt: undefined };
      operations.set(key, operation);
      const outcome = begin(operation, directory);
      if (outcome) settle(operation, outcome);
    },
    result(jobId, triggerId) {
      const operation = operations.get(`${jobId}/${triggerId}`);
      if (!operation || isOld(operation))
        return answer(
          'savepoint: unknown trigger',
          404,
          handled(`There is no savepoint operation with triggerId=${triggerId} for job ${jobId}.`),
        );
      const { outcome } = operation;
      if (!outcome) return answer('savepoint running', 200, { status: { id: 'IN_PROGRESS' }, operation: null });
      const done = { status: { id: 'COMPLETED' } };
      if (outcome.is === 'done') return answer('savepoint done', 200, { ...done, operation: { location: outcome.location } });
      return answer(outcome.name, 200, { ...done, operation: { 'failure-cause': failureCause(outcome.thrown) } });
    },
    forgetAll() {
      operations.clear();
      stops.clear();
    },
  };
}

function notWritable(directory: string, cause: Thrown): Outcome {
  const why: Thrown = ['java.io.IOException', `Failed to create savepoint directory at ${directory}`];
  return failedWith('savepoint failed: directory', savepointFault.checkpoint(ioProblem, why, cause));
}
function notRunning(job: Job): Thrown[] {
  return savepointFault.checkpoint(
    `Checkpoint triggering task Source: order numbers -> throttle -> orders (1/${job.parallelism}) of job ${job.id} is not being executed at the moment. Aborting checkpoint. Failure reason: Not all required tasks are currently running.`,
  );
}
