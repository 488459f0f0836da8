import type { Db } from '../db/db.ts';
import { and, eq, sql } from '../db/query.ts';
import { artifactChunks } from '../db/schema/index.ts';

/** Writes one piece, over a damaged one too; the same piece again changes nothing. */
export async function putChunk(db: Db, sha256: string, n: number, data: Buffer): Promise<void> {
  await db
    .insert(artifactChunks)
    .values({ sha256, n, data })
    .onConflictDoUpdate({
      target: [artifactChunks.sha256, artifactChunks.n],
      set: { data },
      setWhere: sql`${artifactChunks.data} is distinct from excluded.data`,
    });
}
export async function hasChunk(db: Db, sha256: string, n: number): Promise<boolean> {
  const found = await db
    .select({ n: artifactChunks.n })
    .from(artifactChunks)
    .where(and(eq(artifactChunks.sha256, sha256), eq(artifactChunks.n, n)));
  return found.length > 0;
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
