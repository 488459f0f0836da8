import { ConfigError, NotFoundError } from '../core/errors.ts';
import type { Db } from '../db/db.ts';
import { type Cluster, findCluster } from './clusters.store.ts';
import type { Deployer } from './deployer.ts';
import { clusterKinds } from './kinds/index.ts';

export interface OpenCluster {
  cluster: Cluster;
  deployer: Deployer;
}
export interface Deployers {
  /**
   * The deployer of a registered cluster; kept open while its registration stays the same.
   * @param withinMs its registration may be as it was so long ago (0).
   * @throws NotFoundError
   */
  of(name: string, withinMs?: number): Promise<OpenCluster>;
  close(): Promise<void>;
}

/** Opens each registered cluster once and keeps its connections. */
export function createDeployers(db: Db): Deployers {
  const open = new Map<string, OpenCluster & { key: string; readAt: number }>();
  return {
    async of(name, withinMs = 0) {
      const before = open.get(name);
      if (before && performance.now() - before.readAt < withinMs) return before;
      const readAt = performance.now();
      const cluster = await findCluster(db, name);
      if (!cluster)
        throw new NotFoundError(`There is no cluster ${name}.`, {
          hint: 'An admin registers clusters with npm run apply, or on the page.',
        });
      const key = JSON.stringify([cluster.kind, cluster.url, cluster.webUrl, cluster.options, cluster.observed]);
      const known = open.get(name);
      if (known?.key === key) {
        Object.assign(known, { cluster, readAt });
        return { ...known };
      }
      const kind = clusterKinds.find((k) => k.kind === cluster.kind);
      if (!kind)
        throw new ConfigError(`The cluster ${name} is of kind ${cluster.kind}, which this Sluice cannot deploy to.`, {
          hint: `Known kinds: ${clusterKinds.map((k) => k.kind).join(', ')}.`,
        });
      const entry = { cluster, deployer: kind.open(cluster), key, readAt };
      open.set(name, entry);
      await known?.deployer.close();
      return entry;
    },
    async close() {
      await Promise.all([...open.values()].map((entry) => entry.deployer.close()));
      open.clear();
    },
  };
}
