import { truncate } from '../core/text.ts';
import type { CheckpointFailure, CheckpointSight } from '../deploy/deployer.ts';
import type { Run } from '../jobs/runs.store.ts';
import type { CheckpointInput } from './checkpoints.store.ts';

/** What a read tells of checkpoints that are over, as rows: each number once. Those that are under way come with a later read. Pure. */
export function checkpointRows(run: Pick<Run, 'id' | 'job'>, sight: CheckpointSight): CheckpointInput[] {
  const rows = new Map<number, CheckpointInput>();
  for (const one of failuresOf(sight))
    rows.set(one.id, {
      ...shared(run, one),
      state: 'failed',
      triggeredAt: new Date(one.triggeredAt),
      failure: truncate(one.message, 1000),
    });
  for (const one of sight.completed)
    rows.set(one.id, {
      ...shared(run, one),
      state: 'completed',
      triggeredAt: new Date(one.triggeredAt ?? one.at - one.durationMs),
      size: one.size,
      written: one.written ?? null,
      processed: one.processed ?? null,
      persisted: one.persisted ?? null,
      unaligned: one.unaligned ?? null,
      path: one.path ?? null,
    });
  return [...rows.values()];
}
function shared(run: Pick<Run, 'id' | 'job'>, one: { id: number; at: number; durationMs: number; isSavepoint: boolean }) {
  const kind: CheckpointInput['kind'] = one.isSavepoint ? 'savepoint' : 'checkpoint';
  return { runId: run.id, job: run.job, id: one.id, kind, endedAt: new Date(one.at), durationMs: Math.max(0, one.durationMs) };
}
/** Flink keeps the newest failure longer than its history. */
function failuresOf({ failed, lastFailed }: CheckpointSight): CheckpointFailure[] {
  if (!lastFailed || failed.some((one) => one.id === lastFailed.id)) return failed;
  return [...failed, { ...lastFailed, triggeredAt: lastFailed.at, durationMs: 0, isSavepoint: false }];
}
