import { ConflictError } from '../../core/errors.ts';
import { formatAge } from '../../core/time.ts';
import type { OpenCluster } from '../../deploy/deployers.ts';
import { endedAgo } from '../../jobs/run-words.ts';
import { findRun, latestRun, type Run } from '../../jobs/runs.store.ts';
import { provenSight } from '../proven-sight.ts';
import { settleRun } from '../settle-run.ts';
import type { Json, Step, StepContext } from '../types.ts';

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
      const sight = await provenSight(database.db, open, run.flinkJobId, { signal: c.signal });
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
