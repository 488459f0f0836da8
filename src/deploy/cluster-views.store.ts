import { inMs, now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, eq, gt, inArray, sql, type Values } from '../db/query.ts';
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
/** The right to poll a cluster; the epoch grows each time that another replica takes it. */
export interface ClusterLease {
  cluster: string;
  epoch: number;
}
/** Takes or renews the right to poll these clusters for 15 s; the leases that are ours. */
export async function leaseClusters(db: Db, owner: string, names: readonly string[]): Promise<ClusterLease[]> {
  if (names.length === 0) return [];
  await db
    .insert(clusterViews)
    .values(names.map((cluster) => ({ cluster })))
    .onConflictDoNothing();
  // A poll that writes holds its row: it keeps its lease, and must not keep the others from theirs.
  const free = sql`(select v.cluster from cluster_views v where v.cluster = any(${sql.param([...names])}::text[])
    and (v.owner = ${owner} or v.lease_until is null or v.lease_until < ${now}) for update skip locked)`;
  const taken = await db
    .update(clusterViews)
    .set({
      owner,
      leaseUntil: inMs(15_000),
      // A renewal keeps it: polls that are under way stay valid.
      epoch: sql`case when ${clusterViews.owner} = ${owner} then ${clusterViews.epoch} else ${clusterViews.epoch} + 1 end`,
    })
    .where(sql`${clusterViews.cluster} in ${free}`)
    .returning({ cluster: clusterViews.cluster, epoch: clusterViews.epoch });
  const held = await db
    .select({ cluster: clusterViews.cluster, epoch: clusterViews.epoch })
    .from(clusterViews)
    .where(and(eq(clusterViews.owner, owner), gt(clusterViews.leaseUntil, now), inArray(clusterViews.cluster, [...names])));
  const known = new Set(taken.map((lease) => lease.cluster));
  return [...taken, ...held.filter((lease) => !known.has(lease.cluster))];
}
/** Gives this owner's leases back, so that another replica, or this one after a restart, need not wait for their end. */
export async function releaseClusters(db: Db, owner: string): Promise<void> {
  await db.update(clusterViews).set({ owner: null, leaseUntil: null }).where(eq(clusterViews.owner, owner));
}
/** Keeps a lease from being taken until this transaction ends. False if another replica has taken it: what was seen before is old then. */
export async function holdLease(tx: Tx, lease: ClusterLease): Promise<boolean> {
  const rows = await tx
    .select({ cluster: clusterViews.cluster })
    .from(clusterViews)
    .where(and(eq(clusterViews.cluster, lease.cluster), eq(clusterViews.epoch, lease.epoch)))
    .for('no key update');
  return rows.length === 1;
}
/** Changes what is known of a cluster, in one statement, while the lease is held; false if another replica has taken it. */
export async function updateLeasedView(
  db: Db,
  lease: ClusterLease,
  change: Partial<Values<Omit<ClusterView, 'cluster'>>>,
): Promise<boolean> {
  const rows = await db
    .update(clusterViews)
    .set(change)
    .where(and(eq(clusterViews.cluster, lease.cluster), eq(clusterViews.epoch, lease.epoch)))
    .returning({ cluster: clusterViews.cluster });
  return rows.length === 1;
}
/** Changes what is known of a cluster. */
export async function updateClusterView(
  tx: Db | Tx,
  cluster: string,
  change: Partial<Values<Omit<ClusterView, 'cluster'>>>,
): Promise<void> {
  await tx.update(clusterViews).set(change).where(eq(clusterViews.cluster, cluster));
}
