import type { Database } from '../db/db.ts';
import { type Run, runsChangedSince } from '../jobs/runs.store.ts';

/** The runs of a cluster whose end is not proven, kept from poll to poll, so that ten thousand that nothing happens to cost nothing. */
export interface LiveRuns {
  /** As they are now: reads what was written since the last call, by anybody. */
  read(db: Database['db']): Promise<Run[]>;
}

/** Nothing is known before the first `read`. */
export function createLiveRuns(cluster: string): LiveRuns {
  const live = new Map<string, Run>();
  let since: number | undefined;
  return {
    async read(db) {
      const { rows, until } = await runsChangedSince(db, cluster, since);
      for (const run of rows)
        if (run.ended) live.delete(run.id);
        else live.set(run.id, run);
      since = until;
      return [...live.values()];
    },
  };
}
