import type { Db, Tx } from '../db/db.ts';
import { desc, eq, type Values } from '../db/query.ts';
import { artifacts, builds } from '../db/schema/index.ts';

export type Build = typeof builds.$inferSelect;
export type Artifact = typeof artifacts.$inferSelect;

/** Records a build before it begins; doing so twice changes nothing. */
export async function insertBuild(tx: Tx, build: Values<typeof builds.$inferInsert>): Promise<void> {
  await tx.insert(builds).values(build).onConflictDoNothing();
}
/** Changes what is known of a build. */
export async function updateBuild(tx: Db | Tx, id: string, change: Partial<Values<Omit<Build, 'id'>>>): Promise<void> {
  await tx.update(builds).set(change).where(eq(builds.id, id));
}
export async function findBuild(db: Db | Tx, id: string): Promise<Build | undefined> {
  const [row] = await db.select().from(builds).where(eq(builds.id, id));
  return row;
}
/** Builds of a job (or of all), newest first, without their logs. */
export async function listBuilds(db: Db | Tx, job: string | undefined, limit = 20): Promise<Omit<Build, 'log'>[]> {
  const rows = await db
    .select()
    .from(builds)
    .where(job === undefined ? undefined : eq(builds.job, job))
    .orderBy(desc(builds.startedAt))
    .limit(limit);
  return rows.map(({ log: _, ...row }) => row);
}

/** Records an artifact with where it came from; the same content again keeps its first provenance. */
export async function recordArtifact(tx: Tx, artifact: Values<typeof artifacts.$inferInsert>): Promise<void> {
  await tx.insert(artifacts).values(artifact).onConflictDoNothing();
}
export async function findArtifact(db: Db | Tx, sha256: string): Promise<Artifact | undefined> {
  const [row] = await db.select().from(artifacts).where(eq(artifacts.sha256, sha256));
  return row;
}
