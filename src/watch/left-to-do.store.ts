import type { Database } from '../db/db.ts';
import { sql } from '../db/query.ts';
import { stoppedSince } from './ends.store.ts';

/** What a poll of a cluster finds left to do besides what it saw itself. */
export interface LeftToDo {
  /** Keys and jobs of what is not over and concerns the cluster: of the cluster itself and of jobs that run there, however many others were left open. */
  unresolved: { key: string; job: string | null }[];
  /** Runs whose end nobody was told of. */
  ends: boolean;
  /** Runs whose cause is still to be read. */
  words: boolean;
  /** Incidents that a person has ended by stopping the job. */
  stopped: boolean;
}
/** In one statement, for it is asked each second: nearly always there is nothing. */
export async function leftToDo(db: Database['db'], cluster: string): Promise<LeftToDo> {
  const { rows } = await db.execute<LeftToDo & Record<string, unknown>>(sql`select
    (select coalesce(json_agg(json_build_object('key', i.key, 'job', i.job)), '[]') from incidents i
      where i.state <> 'resolved' and ((i.job is null and i.cluster = ${cluster})
        or exists (select 1 from runs r where r.job = i.job and r.cluster = ${cluster} and not r.ended))) as unresolved,
    exists (select 1 from runs where cluster = ${cluster} and ended and not end_told) as ends,
    exists (select 1 from runs where cluster = ${cluster} and last_words_due) as words,
    exists (${stoppedSince(cluster)}) as stopped`);
  return rows[0] ?? { unresolved: [], ends: true, words: true, stopped: true };
}
