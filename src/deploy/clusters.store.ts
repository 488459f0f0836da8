import type { Db, Tx } from '../db/db.ts';
import { asc, eq } from '../db/query.ts';
import { clusters, distributions } from '../db/schema/index.ts';

export type Cluster = typeof clusters.$inferSelect;
export type ClusterInput = Omit<typeof clusters.$inferInsert, 'registeredAt'>;
export type Distribution = typeof distributions.$inferSelect;

/** Every registered cluster, by name. */
export async function listClusters(db: Db | Tx): Promise<Cluster[]> {
  return db.select().from(clusters).orderBy(asc(clusters.name));
}
/** One cluster, undefined if there is none of that name. */
export async function findCluster(db: Db | Tx, name: string): Promise<Cluster | undefined> {
  const [row] = await db.select().from(clusters).where(eq(clusters.name, name));
  return row;
}
/** Registers or changes a cluster. */
export async function putCluster(tx: Tx, cluster: ClusterInput): Promise<void> {
  await tx.insert(clusters).values(cluster).onConflictDoUpdate({ target: clusters.name, set: cluster });
}
/** Every installed Flink release, by name. */
export async function listDistributions(db: Db | Tx): Promise<Distribution[]> {
  return db.select().from(distributions).orderBy(asc(distributions.name));
}
/** Registers or changes a Flink distribution. */
export async function putDistribution(tx: Tx, distribution: Distribution): Promise<void> {
  if (distribution.isDefault) await tx.update(distributions).set({ isDefault: false });
  await tx.insert(distributions).values(distribution).onConflictDoUpdate({ target: distributions.name, set: distribution });
}
