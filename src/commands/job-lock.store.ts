import type { Tx } from '../db/db.ts';
import { eq } from '../db/query.ts';
import { jobs } from '../db/schema/index.ts';
import { findJob, type Job } from '../jobs/jobs.store.ts';

/** The job as it is now, locked until the transaction ends: what is decided by it cannot be overtaken. */
export async function lockJob(tx: Tx, name: string): Promise<Job | undefined> {
  await tx.select({ name: jobs.name }).from(jobs).where(eq(jobs.name, name)).for('update');
  return findJob(tx, name);
}
