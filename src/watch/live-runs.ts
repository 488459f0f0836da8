import type { Database } from '../db/db.ts';
import { type Run, runsChangedSince } from '../jobs/runs.store.ts';

/** The runs of a cluster whose end is not proven, kept from poll to poll, so that ten thousand that nothing happens to cost nothing. */
export interface LiveRuns {
  /** As they are now, with what the database's clock says: reads what was written since the last call, by anybody. The same array while nothing was. */
  read(db: Database['db']): Promise<{ runs: readonly Run[]; at: Date }>;
}

const anewEveryMs = 5 * 60_000;

/** Nothing is known before the first `read`. @param changedSince how the database is asked. */
export function createLiveRuns(cluster: string, changedSince = runsChangedSince): LiveRuns {
  const live = new Map<string, Run>();
  let list: readonly Run[] = [];
  let since: number | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    async read(db) {
      // Now and then from nothing: a PostgreSQL that failed over may have lost commits, and counts its transactions from lower again.
      if (performance.now() - readAt > anewEveryMs) since = undefined;
      let seen = await changedSince(db, cluster, since);
      if (since !== undefined && seen.until < since) {
        since = undefined;
        seen = await changedSince(db, cluster, since);
      }
      const anew = since === undefined;
      if (anew) {
        live.clear();
        readAt = performance.now();
      }
      since = seen.until;
      for (const run of seen.rows)
        if (run.ended) live.delete(run.id);
        else live.set(run.id, run);
      if (anew || seen.rows.length > 0) list = [...live.values()];
      return { runs: list, at: seen.at };
    },
  };
}
