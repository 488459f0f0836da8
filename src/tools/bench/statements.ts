import { silentLog } from '../../core/log.ts';
import type { Connection } from '../../db/connection.ts';
import { type Database, openDb } from '../../db/db.ts';
import { sql } from '../../db/query.ts';
import type { Closing } from './closing.ts';

/** What a database server has done for its users so far. */
export interface StatementCount {
  statements: number;
  /** Of them COMMITs. */
  commits: number;
  /** Planning and carrying out, by the server's own count; what a COMMIT waits for the disk is not in it. */
  ms: number;
}
export interface StatementCounter {
  /** What everybody but the bench has asked the server. */
  count(): Promise<StatementCount>;
  /** When an operation was accepted for good: the commit of its audit row, milliseconds since 1970 with fractions. */
  acceptedAt(operationId: string): Promise<number>;
}

/** Settings of a PostgreSQL whose statements and commits can be counted. */
export const countingSettings = {
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track_planning': 'on',
  track_commit_timestamp: 'on',
} as const;
const benchUser = 'bench';

/** Counts by `pg_stat_statements`, as a user of its own, so that the bench's own statements are told apart. */
export async function openCounter(closing: Closing, connection: Connection): Promise<StatementCounter> {
  const owner = openDb({ connection, log: silentLog, max: 1 });
  try {
    await owner.db.execute(sql`create extension if not exists pg_stat_statements`);
    await owner.db.execute(sql.raw(`create role ${benchUser} superuser login`));
  } finally {
    await owner.close();
  }
  const database: Database = openDb({ connection: { ...connection, user: benchUser }, log: silentLog, max: 1 });
  closing.add(() => database.close());
  return {
    async count() {
      const { rows } = await database.db.execute<{ statements: number; commits: number; ms: number }>(sql`
        select coalesce(sum(calls), 0)::int as statements, coalesce(sum(calls) filter (where query ilike 'commit%'), 0)::int as commits,
          coalesce(sum(total_exec_time + total_plan_time), 0)::float as ms
        from pg_stat_statements where userid = (select oid from pg_roles where rolname = ${connection.user})`);
      return rows[0] as StatementCount;
    },
    async acceptedAt(operationId) {
      const { rows } = await database.db.execute<{ ms: number }>(sql`
        select (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float as ms from audit
        where action = 'operation.accepted' and details->>'operation' = ${operationId}`);
      return rows[0]?.ms ?? Number.NaN;
    },
  };
}

/** What came in between, without what came anyway: `idle` is for each millisecond. */
export function beyondIdle(before: StatementCount, after: StatementCount, tookMs: number, idle: StatementCount): StatementCount {
  const more = (key: keyof StatementCount) => after[key] - before[key] - idle[key] * tookMs;
  return { statements: more('statements'), commits: more('commits'), ms: more('ms') };
}
