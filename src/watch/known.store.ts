import { listTeams, type Team } from '../access/people.store.ts';
import type { Tx } from '../db/db.ts';
import type { Incident } from '../incidents/incidents.store.ts';
import { openKeys, openOfKey } from '../incidents/incidents.store.ts';
import { findJobs, type Job } from '../jobs/jobs.store.ts';

/** What judging the checkpoints of many runs needs, read once for all of them. */
export interface Known {
  jobs: ReadonlyMap<string, Job>;
  teams: ReadonlyMap<string, Team>;
  /** Asks the database only where there is one. @param key one of the keys that were read. */
  open(key: string): Promise<Incident | undefined>;
}
/** @param keys of the incidents that will be asked for. */
export async function readKnown(tx: Tx, jobs: readonly string[], keys: readonly string[]): Promise<Known> {
  const open = new Set(await openKeys(tx, keys));
  return {
    jobs: await findJobs(tx, [...new Set(jobs)]),
    teams: new Map((await listTeams(tx)).map((team) => [team.name, team])),
    open: async (key) => (open.has(key) ? openOfKey(tx, key) : undefined),
  };
}
