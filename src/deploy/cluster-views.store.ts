import { inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, eq, inArray, isNull, lt, or, sql, type Values } from '../db/query.ts';
import { clusterViews } from '../db/schema/index.ts';

export type ClusterView = typeof clusterViews.$inferSelect;

/** What was last seen of each cluster. */
export async function listClusterViews(db: Db | Tx): Promise<Map<string, ClusterView>> {
  const rows = await db.select().from(clusterViews);
  return new Map(rows.map((row) => [row.cluster, row]));
}
export async function findClusterView(db: Db | Tx, cluster: string): Promise<ClusterView | undefined> {
  const [row] = await db.select().from(clusterViews).where(eq(clusterViews.cluster, cluster));
  return row;
}
/** Takes or renews the right to poll these clusters for 15 s; the names that are ours. */
export async function leaseClusters(db: Db, owner: string, names: readonly string[]): Promise<string[]> {
  if (names.length === 0) return [];
  await db
    .insert(clusterViews)
    .values(names.map((cluster) => ({ cluster })))
    .onConflictDoNothing();
  const rows = await db
    .update(clusterViews)
    .set({ owner, leaseUntil: inMs(15_000), epoch: sql`${clusterViews.epoch} + 1` })
    .where(
      and(
        inArray(clusterViews.cluster, [...names]),
        or(eq(clusterViews.owner, owner), isNull(clusterViews.leaseUntil), lt(clusterViews.leaseUntil, now)),
      ),
    )
    .returning({ cluster: clusterViews.cluster });
  return rows.map((row) => row.cluster);
}
/** Changes what is known of a cluster. */
export async function updateClusterView(
  tx: Db | Tx,
  cluster: string,
  change: Partial<Values<Omit<ClusterView, 'cluster'>>>,
): Promise<void> {
  await tx.update(clusterViews).set(change).where(eq(clusterViews.cluster, cluster));
}
