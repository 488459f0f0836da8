import { UnreachableError } from '../../core/errors.ts';
import { withoutLogin } from '../../core/redact.ts';
import type { CheckpointRetention } from '../../db/schema/index.ts';
import { type CallOptions, createFlinkClient, type FlinkClient } from '../../flink/client.ts';
import { FlinkError } from '../../flink/errors.ts';
import { allVerticesRunning, failureTimes, rootException } from '../../flink/job-facts.ts';
import { atLeast } from '../../flink/release.ts';
import { type Checkpoint, type CheckpointConfig, endedJobStates } from '../../flink/schema.ts';
import type { CheckpointFailure, CheckpointSight, ClusterKind, Deployer, DeployTarget, RunSight, SavepointSight } from '../deployer.ts';
import { disposeSavepoint } from '../dispose-savepoint.ts';
import { readFlow, readVertices } from './vertex-flow.ts';

/** A session cluster that somebody else keeps running, reached by the JobManager's REST address. */
export const standalone: ClusterKind = {
  kind: 'standalone',
  summary: 'A session cluster reached by its REST address.',
  open: (target) => sessionDeployer(target, createFlinkClient({ url: target.url, readOnly: target.observed === true })),
};

/** Uploaded jars are named by content, so that the same artifact is uploaded once. */
const placedName = (artifact: { sha256: string; name: string }) =>
  `sluice-${artifact.sha256.slice(0, 16)}-${artifact.name.replace(/[^\w.-]/g, '_')}`;
/** Flink keeps so many failures by default (`web.exception-history-size`). */
const failuresKept = 16;
/** Checkpoint intervals from here on mean "off": Flink reports a huge number. */
const offIntervalMs = 1000 * 3600 * 24 * 365;

/** A deployer that talks to one JobManager. */
export function sessionDeployer(target: Pick<DeployTarget, 'url' | 'webUrl'>, flink: FlinkClient): Deployer {
  async function look(flinkJobId: string, options?: CallOptions): Promise<RunSight> {
    try {
      // The status is never stale, the details may be: they count for tasks, the status for the state.
      const state = await flink.jobStatus(flinkJobId, options);
      const job = await flink.job(flinkJobId, options);
      const tasks = allVerticesRunning({ ...job, state });
      return {
        is: 'seen',
        state,
        ended: endedJobStates.includes(state),
        allRunning: tasks.allRunning,
        tasksRunning: tasks.running,
        tasksTotal: tasks.total,
        runningAt: tasks.runningAt,
        acceptedAt: job['start-time'] > 0 ? job['start-time'] : undefined,
        name: job.name,
      };
    } catch (error) {
      if (error instanceof FlinkError && error.kind === 'job-not-found') return { is: 'gone' };
      if (error instanceof UnreachableError || error instanceof FlinkError) return { is: 'unknown', why: error.message };
      throw error;
    }
  }
  const statesOf = new WeakMap<object, ReadonlyMap<string, string>>();
  return {
    look,
    async facts(options) {
      const o = await flink.overview(options);
      return {
        flinkVersion: o['flink-version'],
        slotsTotal: o['slots-total'],
        slotsAvailable: o['slots-available'],
        taskManagers: o.taskmanagers,
        jobsRunning: o['jobs-running'],
      };
    },
    // Every process draws a folder of its own for its page and puts it into the configuration that it shows (1.13 to 2.3).
    jobManager: async (options) => (await flink.jobManagerConfig(options))['web.tmpdir'],
    async keepsJobs(options) {
      const config = await flink.jobManagerConfig(options);
      // `high-availability` until 1.16.
      return (config['high-availability.type'] ?? config['high-availability'] ?? 'NONE').toUpperCase() !== 'NONE';
    },
    async listRuns(options) {
      const jobs = await flink.jobs(options);
      // The client gives the same list again while the cluster answers the same.
      const states = statesOf.get(jobs) ?? new Map(jobs.map((job) => [job.id, job.status]));
      statesOf.set(jobs, states);
      return states;
    },
    async overview(options) {
      return new Map(
        (await flink.jobsOverview(options)).map((job) => [
          job.jid,
          {
            state: job.state,
            tasksRunning: (job.tasks.running ?? 0) + (job.tasks.finished ?? 0),
            tasksTotal: job.tasks.total ?? 0,
            name: job.name,
            startedAt: job['start-time'],
          },
        ]),
      );
    },
    async state(flinkJobId, options) {
      try {
        return await flink.jobStatus(flinkJobId, options);
      } catch (error) {
        if (error instanceof UnreachableError || error instanceof FlinkError) return undefined;
        throw error;
      }
    },
    async findArtifact(artifact, options) {
      const name = placedName(artifact);
      const found = (await flink.jars(options)).find((jar) => jar.name === name);
      return found?.id;
    },
    async placeArtifact(artifact, options) {
      return (await flink.uploadJar(artifact.path, placedName(artifact), options)).jarId;
    },
    async submit(submission, options) {
      try {
        await flink.runJar(
          {
            jarId: submission.artifact,
            jobId: submission.flinkJobId,
            entryClass: submission.mainClass,
            programArgs: submission.args,
            parallelism: submission.parallelism,
            savepointPath: submission.restorePath,
            // CLAIM would let Flink delete the restore point.
            claimMode: 'NO_CLAIM',
            flinkConfiguration: submission.flink,
          },
          options,
        );
        return 'submitted';
      } catch (error) {
        if (error instanceof FlinkError && error.kind === 'duplicate-job') return 'already';
        throw error;
      }
    },
    async cancel(flinkJobId, options) {
      try {
        await flink.cancelJob(flinkJobId, options);
      } catch (error) {
        if (!(error instanceof FlinkError && error.kind === 'job-already-ended')) throw error;
      }
    },
    async triggerSavepoint(flinkJobId, triggerId, directory, options) {
      await flink.triggerSavepoint({ jobId: flinkJobId, triggerId, targetDirectory: directory }, options);
    },
    async triggerStop(flinkJobId, triggerId, directory, options) {
      await flink.stopWithSavepoint({ jobId: flinkJobId, triggerId, targetDirectory: directory }, options);
    },
    async savepoint(flinkJobId, triggerId, options): Promise<SavepointSight> {
      try {
        const result = await flink.savepointResult(flinkJobId, triggerId, options);
        if (result.state === 'completed') return { is: 'done', path: result.location };
        if (result.state === 'in-progress') return { is: 'running' };
        if (result.state === 'unknown') return { is: 'not-known' };
        return { is: 'failed', reason: result.error.message, hint: result.error.hint, path: result.error.savepointPath };
      } catch (error) {
        if (error instanceof UnreachableError || error instanceof FlinkError) return { is: 'unknown', why: error.message };
        throw error;
      }
    },
    disposeSavepoint: (path, options) => disposeSavepoint(flink, path, options),
    async checkpoints(flinkJobId, options) {
      const answer = await flink.checkpoints(flinkJobId, options);
      const tells = await whatIsTold(flink, flinkJobId, options);
      const { restored, failed } = answer.latest;
      return {
        completed: answer.history
          .filter((c) => c.status === 'COMPLETED')
          .map((c) => completed(c, tells))
          .sort((a, b) => b.id - a.id),
        failed: answer.history
          .filter((c) => c.status === 'FAILED')
          .map(failure)
          .sort((a, b) => b.id - a.id),
        lastFailed: failed
          ? { id: failed.id, at: failed.failure_timestamp ?? failed.trigger_timestamp, message: failed.failure_message ?? '' }
          : undefined,
        restored: restored ? { path: restored.external_path ?? undefined, at: restored.restore_timestamp } : undefined,
      };
    },
    async checkpointConfig(flinkJobId, options) {
      const { interval, externalization } = await flink.checkpointConfig(flinkJobId, options);
      return { intervalMs: interval >= offIntervalMs ? 0 : interval, retention: retentionOf(externalization) };
    },
    vertices: (flinkJobId, options) => readVertices(flink, flinkJobId, options),
    flow: (flinkJobId, vertex, options) => readFlow(flink, flinkJobId, vertex, options),
    async rootCause(flinkJobId, options) {
      const told = await flink.exceptions(flinkJobId, failuresKept, options);
      const root = rootException(told);
      return (
        root && {
          name: root.name,
          message: root.message,
          task: root.task ?? null,
          at: root.timestamp,
          stack: root.stack,
          failures: failureTimes(told),
        }
      );
    },
    async logTails(bytes, options) {
      const tails = [{ from: 'JobManager', text: (await flink.jobManagerLog({ tailBytes: bytes, ...options })).text }];
      for (const tm of await flink.taskManagers(options))
        try {
          tails.push({ from: `TaskManager ${tm.id}`, text: (await flink.taskManagerLog(tm.id, { tailBytes: bytes, ...options })).text });
        } catch (error) {
          // A TaskManager that just died has no log to give; the others still count.
          if (!(error instanceof FlinkError || error instanceof UnreachableError)) throw error;
        }
      return tails;
    },
    runUrl: (flinkJobId) => `${withoutLogin(target.webUrl ?? target.url).replace(/\/$/, '')}/#/job/running/${flinkJobId}/overview`,
    close: () => flink.close(),
  };
}

function retentionOf({ enabled, delete_on_cancellation }: CheckpointConfig['externalization']): CheckpointRetention {
  if (!enabled) return 'NO_EXTERNALIZED_CHECKPOINTS';
  return delete_on_cancellation ? 'DELETE_ON_CANCELLATION' : 'RETAIN_ON_CANCELLATION';
}
/** What a release means by what it says of checkpoints. */
interface Tells {
  /** `state_size` is all that the checkpoint refers to; before 1.15 it was what was written for it, and whether it was incremental is not told. */
  fullSize: boolean;
  /** `CHECKPOINT` is an aligned one; before 1.16 an unaligned one was called so, too. */
  alignment: boolean;
}
async function whatIsTold(flink: FlinkClient, flinkJobId: string, options?: CallOptions): Promise<Tells> {
  const release = await flink.release(options);
  const fullSize = atLeast(release, 1, 15) || !/rocks/i.test((await flink.checkpointConfig(flinkJobId, options)).state_backend ?? 'rocks');
  return { fullSize, alignment: atLeast(release, 1, 16) };
}
function completed(c: Checkpoint, tells: Tells): CheckpointSight['completed'][number] {
  const path = c.external_path;
  return {
    id: c.id,
    path: typeof path === 'string' && path.includes('/') ? path : undefined,
    size: tells.fullSize || c.is_savepoint ? c.state_size : undefined,
    durationMs: c.end_to_end_duration,
    at: c.latest_ack_timestamp,
    isSavepoint: c.is_savepoint,
    discarded: c.discarded ?? false,
    triggeredAt: c.trigger_timestamp,
    written: c.checkpointed_size ?? c.state_size,
    processed: c.processed_data ?? undefined,
    persisted: c.persisted_data ?? undefined,
    ...(c.checkpoint_type && tells.alignment ? { unaligned: c.checkpoint_type === 'UNALIGNED_CHECKPOINT' } : {}),
  };
}
function failure(c: Checkpoint): CheckpointFailure {
  return {
    id: c.id,
    at: c.failure_timestamp ?? c.trigger_timestamp,
    triggeredAt: c.trigger_timestamp,
    durationMs: Math.max(0, c.end_to_end_duration),
    isSavepoint: c.is_savepoint,
    message: c.failure_message ?? '',
  };
}
