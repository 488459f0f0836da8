import { chunks } from '../core/lists.ts';
import type { PersonRef } from '../core/message.ts';
import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { among, and, asc, desc, eq, sql } from '../db/query.ts';
import { type JobDefinition, jobs, jobVersions } from '../db/schema/index.ts';

export type { JobDefinition };
export type JobRow = typeof jobs.$inferSelect;
export type JobVersion = typeof jobVersions.$inferSelect;

/** A job with its current version. */
export interface Job extends JobRow {
  current: JobVersion;
}

/** Every job with its current version, by name. */
export async function listJobs(db: Db | Tx): Promise<Job[]> {
  const rows = await db
    .select()
    .from(jobs)
    .innerJoin(jobVersions, and(eq(jobVersions.job, jobs.name), eq(jobVersions.number, jobs.currentVersion)))
    .orderBy(asc(jobs.name));
  return rows.map((row) => ({ ...row.jobs, current: row.job_versions }));
}

/** One job with its current version, undefined if there is none of that name. */
export async function findJob(db: Db | Tx, name: string): Promise<Job | undefined> {
  const [row] = await db
    .select()
    .from(jobs)
    .innerJoin(jobVersions, and(eq(jobVersions.job, jobs.name), eq(jobVersions.number, jobs.currentVersion)))
    .where(eq(jobs.name, name));
  return row && { ...row.jobs, current: row.job_versions };
}

/** The jobs of these names that there are, each with its current version. */
export async function findJobs(db: Db | Tx, names: readonly string[]): Promise<Map<string, Job>> {
  if (names.length === 0) return new Map();
  const rows = await db
    .select()
    .from(jobs)
    .innerJoin(jobVersions, and(eq(jobVersions.job, jobs.name), eq(jobVersions.number, jobs.currentVersion)))
    .where(among(jobs.name, names));
  return new Map(rows.map((row) => [row.jobs.name, { ...row.jobs, current: row.job_versions }]));
}

/** The job as it is now, locked until the transaction ends: what is decided by it cannot be overtaken. */
export async function lockJob(tx: Tx, name: string): Promise<Job | undefined> {
  await tx.select({ name: jobs.name }).from(jobs).where(eq(jobs.name, name)).for('update');
  return findJob(tx, name);
}

/** A job that is new, with what its version 1 is. */
export type JobInput = Omit<JobRow, 'currentVersion' | 'createdAt'> & { definition: JobDefinition; origin: string; createdBy: PersonRef };

/** Registers a job with its version 1. */
export async function createJob(tx: Tx, input: JobInput): Promise<void> {
  await createJobs(tx, [input]);
}
/** The same of many, with two statements for each thousand. */
export async function createJobs(tx: Tx, inputs: readonly JobInput[]): Promise<void> {
  for (const piece of chunks(inputs, 1000)) {
    await tx
      .insert(jobs)
      .values(piece.map(({ definition: _d, origin: _o, createdBy: _c, ...job }) => ({ ...job, currentVersion: 1, createdAt: now })));
    await tx
      .insert(jobVersions)
      .values(
        piece.map(({ name, definition, origin, createdBy }) => ({ job: name, number: 1, definition, origin, createdBy, createdAt: now })),
      );
  }
}

/** Changes what is not part of a version: team, project. */
export async function updateJob(tx: Tx, name: string, changes: Partial<Pick<JobRow, 'team' | 'project' | 'kind' | 'mode'>>): Promise<void> {
  await tx.update(jobs).set(changes).where(eq(jobs.name, name));
}

/**
 * Saves the next version and makes it current. The row lock makes numbers gapless under concurrent edits.
 * @returns the new number.
 */
export async function addVersion(
  tx: Tx,
  job: string,
  input: { definition: JobDefinition; origin: string; note?: string | undefined; createdBy: PersonRef },
): Promise<number> {
  await tx.select({ name: jobs.name }).from(jobs).where(eq(jobs.name, job)).for('update');
  const [last] = await tx
    .select({ number: jobVersions.number })
    .from(jobVersions)
    .where(eq(jobVersions.job, job))
    .orderBy(desc(jobVersions.number))
    .limit(1);
  const number = (last?.number ?? 0) + 1;
  await tx.insert(jobVersions).values({
    job,
    number,
    definition: input.definition,
    origin: input.origin,
    note: input.note ?? null,
    createdBy: input.createdBy,
    createdAt: now,
  });
  await tx.update(jobs).set({ currentVersion: number }).where(eq(jobs.name, job));
  return number;
}

/** Makes an existing version current. */
export async function setCurrentVersion(tx: Tx, job: string, number: number): Promise<void> {
  await tx.update(jobs).set({ currentVersion: number }).where(eq(jobs.name, job));
}

/** All versions of a job, newest first. */
export async function listVersions(db: Db | Tx, job: string): Promise<JobVersion[]> {
  return db.select().from(jobVersions).where(eq(jobVersions.job, job)).orderBy(desc(jobVersions.number));
}
/** One version, undefined if there is none of that number. */
export async function findVersion(db: Db | Tx, job: string, number: number): Promise<JobVersion | undefined> {
  const [row] = await db
    .select()
    .from(jobVersions)
    .where(and(eq(jobVersions.job, job), eq(jobVersions.number, number)));
  return row;
}

/** The names of all jobs, for "did you mean". */
export async function jobNames(db: Db | Tx): Promise<string[]> {
  const rows = await db.select({ name: jobs.name }).from(jobs).orderBy(sql`1`);
  return rows.map((row) => row.name);
}
