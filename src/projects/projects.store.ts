import type { Db, Tx } from '../db/db.ts';
import { asc, eq } from '../db/query.ts';
import { type CredentialRef, projects } from '../db/schema/index.ts';

export type { CredentialRef };
export type Project = typeof projects.$inferSelect;

/** Every project, by name. */
export async function listProjects(db: Db | Tx): Promise<Project[]> {
  return db.select().from(projects).orderBy(asc(projects.name));
}
/** One project, undefined if there is none of that name. */
export async function findProject(db: Db | Tx, name: string): Promise<Project | undefined> {
  const [row] = await db.select().from(projects).where(eq(projects.name, name));
  return row;
}
/** Registers or changes a project. */
export async function putProject(tx: Tx, project: Project): Promise<void> {
  await tx.insert(projects).values(project).onConflictDoUpdate({ target: projects.name, set: project });
}
