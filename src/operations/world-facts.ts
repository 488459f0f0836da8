import type { Db, Tx } from '../db/db.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { latestRun } from '../jobs/runs.store.ts';
import type { Json } from './types.ts';

/** What decides an operation's meaning: its hash is what gets approved, and what is compared before the first effect. */
export async function worldFacts(db: Db | Tx, kind: string, jobName: string, input: Json): Promise<Json> {
  const [job, run] = [await findJob(db, jobName), await latestRun(db, jobName)];
  return {
    kind,
    job: jobName,
    input: Object.fromEntries(
      Object.entries(input).filter(([key]) => ['version', 'fresh', 'from', 'noSavepoint', 'build', 'branch'].includes(key)),
    ),
    currentVersion: job?.currentVersion ?? null,
    environment: job?.current.definition.environment ?? null,
    run: run ? { id: run.id, flinkJobId: run.flinkJobId, ended: run.ended } : null,
  };
}
