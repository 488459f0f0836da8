import { dbNow } from '../db/clock.ts';
import { findClusterView } from '../deploy/cluster-views.store.ts';
import { resolveIncidents } from '../incidents/open.ts';
import { liveRuns } from '../jobs/runs.store.ts';
import { isStoreLoss } from '../operations/run-step.ts';
import { tellUnreachable } from './cluster-poll.ts';
import type { PollDeps } from './poll-deps.ts';

/** Polls in a row that a fault of Sluice ended, from which on people are told. */
const blindAfter = 5;
/** Not the key of a cluster that does not answer: this one answers, and its answer does not end it. */
const keyOf = (cluster: string) => `cluster:${cluster}:blind`;

/** Clusters whose polls end in a fault of Sluice: they are not watched, whatever they answer. */
export interface Blindness {
  /** A poll ended in a fault. */
  fault(cluster: string, error: unknown): Promise<void>;
  /** A poll came to its end: only that shows that the cluster is watched. */
  well(cluster: string): Promise<void>;
}
export function createBlindness(deps: PollDeps): Blindness {
  const { database } = deps;
  const faults = new Map<string, number>();
  const isWell = new Set<string>();
  return {
    async fault(cluster, error) {
      isWell.delete(cluster);
      faults.set(cluster, (faults.get(cluster) ?? 0) + 1);
      if ((faults.get(cluster) ?? 0) < blindAfter || isStoreLoss(error)) return;
      await tellUnreachable(deps, await deps.deployers.of(cluster), await liveRuns(database.db, cluster), {
        key: keyOf(cluster),
        title: `${cluster} cannot be watched: every look ends in a fault of Sluice`,
        why: String(error).slice(0, 300),
        lastOkAt: (await findClusterView(database.db, cluster))?.lastOkAt ?? null,
        at: await dbNow(database.db),
      });
    },
    async well(cluster) {
      faults.delete(cluster);
      // Once: also what an earlier process has told.
      if (isWell.has(cluster)) return;
      await database.transaction((tx) => resolveIncidents(tx, [keyOf(cluster)], `${cluster} is watched again.`));
      isWell.add(cluster);
      deps.onNews();
    },
  };
}
