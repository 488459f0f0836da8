import type { Db } from '../db/db.ts';
import { and, eq, sql } from '../db/query.ts';
import { artifactChunks } from '../db/schema/index.ts';

/** Writes one piece; the same piece again changes nothing. */
export async function insertChunk(db: Db, sha256: string, n: number, data: Buffer): Promise<void> {
  await db.insert(artifactChunks).values({ sha256, n, data }).onConflictDoNothing();
}
export async function countChunks(db: Db, sha256: string): Promise<number> {
  const [row] = await db.select({ n: sql<number>`count(*)::int` }).from(artifactChunks).where(eq(artifactChunks.sha256, sha256));
  return row?.n ?? 0;
}
export async function readChunk(db: Db, sha256: string, n: number): Promise<Buffer | undefined> {
  const [row] = await db
    .select({ data: artifactChunks.data })
    .from(artifactChunks)
    .where(and(eq(artifactChunks.sha256, sha256), eq(artifactChunks.n, n)));
  return row?.data;
}
export async function deleteChunks(db: Db, sha256: string): Promise<void> {
  await db.delete(artifactChunks).where(eq(artifactChunks.sha256, sha256));
}
