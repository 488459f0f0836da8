import type { Checkpoint, Job } from './job.ts';

const stateSize = 6218;
const percentiles = ['p50', 'p90', 'p95', 'p99', 'p999'];

/** GET /jobs/:id/checkpoints */
export function checkpointsOf(job: Job): unknown {
  const done = job.history.filter((one) => one.path !== undefined);
  const durations = done.map((one) => one.endedAt - one.triggeredAt);
  const entry = (one: Checkpoint | undefined) => (one ? entryOf(job, one) : null);
  return {
    counts: {
      restored: job.counts.restored,
      total: job.counts.completed + job.counts.failed + job.pending.size,
      in_progress: job.pending.size,
      completed: job.counts.completed,
      failed: job.counts.failed,
    },
    summary: {
      checkpointed_size: summaryOf(done.map(() => stateSize)),
      state_size: summaryOf(done.map(() => stateSize)),
      end_to_end_duration: summaryOf(durations),
      alignment_buffered: { ...summaryOf([0]) },
      processed_data: summaryOf(done.map(() => 0)),
      persisted_data: summaryOf(done.map(() => 0)),
    },
    latest: {
      completed: entry(job.latest.completed),
      savepoint: entry(job.latest.savepoint),
      failed: entry(job.latest.failed),
      restored: job.restored
        ? {
            id: job.restored.id,
            restore_timestamp: job.restored.at,
            // Also for a retained checkpoint, when it was named: only a failover by itself says false.
            is_savepoint: job.restored.byName,
            external_path: job.restored.path,
          }
        : null,
    },
    history: [...[...job.pending].reverse().map((one) => entryOf(job, one, 'in_progress')), ...[...job.history].reverse().map(entry)],
  };
}
function summaryOf(values: readonly number[]): Record<string, number | string> {
  const none = values.length === 0;
  const sorted = [...values].sort((a, b) => a - b);
  const max = sorted.at(-1) ?? 0;
  const avg = none ? 0 : Math.round(values.reduce((a, b) => a + b, 0) / values.length);
  return { min: sorted[0] ?? 0, max, avg, ...Object.fromEntries(percentiles.map((p) => [p, none ? 'NaN' : max])) };
}
function entryOf(job: Job, one: Checkpoint, className = one.path === undefined ? 'failed' : 'completed'): unknown {
  const isSavepoint = one.kind !== 'CHECKPOINT';
  const isDone = className === 'completed';
  const tasks = job.parallelism * 2;
  return {
    className,
    id: one.id,
    status: className.toUpperCase(),
    is_savepoint: isSavepoint,
    savepointFormat: isSavepoint ? 'CANONICAL' : null,
    trigger_timestamp: one.triggeredAt,
    latest_ack_timestamp: isDone ? one.endedAt : -1,
    checkpointed_size: isDone ? stateSize : 0,
    state_size: isDone ? stateSize : 0,
    end_to_end_duration: one.endedAt < 0 ? -1 : one.endedAt - one.triggeredAt,
    alignment_buffered: 0,
    processed_data: 0,
    persisted_data: 0,
    num_subtasks: tasks,
    num_acknowledged_subtasks: isDone ? tasks : 0,
    checkpoint_type: one.kind,
    tasks: {},
    ...(isDone ? { external_path: one.path, discarded: one.discarded } : {}),
    ...(className === 'failed' ? { failure_timestamp: one.endedAt, failure_message: one.failure } : {}),
  };
}

/** GET /jobs/:id/checkpoints/config */
export function checkpointConfigOf(job: Job): unknown {
  const unknown = job.initFault ? 'Unknown' : undefined;
  const keeps = job.options['execution.checkpointing.externalized-checkpoint-retention'] ?? 'RETAIN_ON_CANCELLATION';
  return {
    mode: 'exactly_once',
    interval: job.checkpointIntervalMs,
    timeout: 600_000,
    min_pause: 0,
    max_concurrent: 1,
    externalization: { enabled: true, delete_on_cancellation: keeps !== 'RETAIN_ON_CANCELLATION' },
    state_backend: unknown ?? 'HashMapStateBackend',
    checkpoint_storage: unknown ?? 'FileSystemCheckpointStorage',
    unaligned_checkpoints: false,
    tolerable_failed_checkpoints: 0,
    aligned_checkpoint_timeout: 0,
    checkpoints_after_tasks_finish: true,
    state_changelog_enabled: false,
    changelog_periodic_materialization_interval: 600_000,
    changelog_storage: unknown ?? 'memory',
  };
}
