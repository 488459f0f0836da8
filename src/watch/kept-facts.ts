import type { Tx } from '../db/db.ts';
import type { Run } from '../jobs/runs.store.ts';
import { checkpointsAfter } from '../restore-points/kept.rule.ts';
import { listRestorePoints } from '../restore-points/restore-points.store.ts';

/** What a run that ended leaves to go back to, as an incident says it: `noCheckpoint` where Flink has deleted what it had. */
export async function keptFacts(tx: Tx, run: Run): Promise<{ detail: string; noCheckpoint?: string }> {
  if (run.state === 'FINISHED')
    return { noCheckpoint: 'gone: Flink deletes them when a job finishes', detail: 'Its checkpoints are gone.' };
  if (!run.lastCheckpoint) return { detail: 'It had no checkpoint.' };
  const after = checkpointsAfter(run);
  if (after === 'gone') {
    const [newest] = await listRestorePoints(tx, run.job, 1);
    return {
      noCheckpoint: `gone: Flink was told to delete them when the job ${run.state === 'FAILED' ? 'fails' : 'is canceled'}`,
      detail: newest
        ? `Flink was told to delete its checkpoints: nothing to go back to but the ${newest.kind} ${newest.path}`
        : 'Flink was told to delete its checkpoints, and there is no savepoint: nothing to go back to.',
    };
  }
  if (!run.lastCheckpoint.path) return { detail: 'It had no checkpoint that outlives it.' };
  if (after === 'kept') return { detail: 'Its last checkpoint is kept.' };
  if (run.state === 'LOST' && run.checkpointRetention !== null)
    return {
      detail:
        'It is not known whether Flink kept its last checkpoint: a JobManager that crashes leaves it, one that is shut down deletes it, as it was told to.',
    };
  return { detail: 'It is not known whether Flink kept its last checkpoint.' };
}
/** The same of one that was canceled; of an application YARN knows who killed it. */
export async function canceledFacts(tx: Tx, run: Run): Promise<{ detail: string; noCheckpoint?: string }> {
  const { rootException: cause } = run;
  const kept = await keptFacts(tx, run);
  return { ...kept, detail: `${cause?.name === 'YARN' ? `${cause.message}. ` : ''}${kept.detail}` };
}
