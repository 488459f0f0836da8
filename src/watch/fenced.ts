import type { Database } from '../db/db.ts';
import { type ClusterLease, holdLease } from '../deploy/cluster-views.store.ts';

/** Another replica polls the cluster by now: what this one saw is old and must not be written. */
export class LeaseLostError extends Error {}

/** The database as the holder of a lease writes to it: every transaction begins with seeing that the lease is still held, and keeps it until its end. */
export function fenced(database: Database, lease: ClusterLease): Database {
  return {
    ...database,
    transaction: (fn) =>
      database.transaction(async (tx) => {
        if (!(await holdLease(tx, lease))) throw new LeaseLostError(`${lease.cluster} is polled by another replica now`);
        return fn(tx);
      }),
  };
}
