import type { Target } from '../../src/db/connection.ts';
import type { Database } from '../../src/db/db.ts';
import { sql } from '../../src/db/query.ts';
import { runSql } from '../helpers/test-server.ts';

/**
 * Makes PostgreSQL itself note each write of an operation's steps, and each end of one that runs, by a process that is not its owner: such a write got
 * past the fence. Processes are told apart by the `application_name` of their connections.
 */
export async function watchForStaleWrites(target: Target): Promise<void> {
  const stranger = `split_part(current_setting('application_name'), ':', 2) is distinct from split_part(op.owner, ':', 2)`;
  await runSql(
    target,
    'create table stale_writes (at timestamptz not null default clock_timestamp(), what text not null, operation text not null)',
    `create function note_stale_step() returns trigger language plpgsql as $$
      declare op operations%rowtype;
      begin
        select * into op from operations where id = new.operation_id;
        if current_setting('application_name') like 'sluice:%' and ${stranger} then
          insert into stale_writes (what, operation) values ('step ' || new.name || ' ' || new.state || ' by ' || current_setting('application_name') || ', owner ' || coalesce(op.owner, 'nobody'), new.operation_id);
        end if;
        return new;
      end $$`,
    'create trigger note_stale_step before insert or update on operation_steps for each row execute function note_stale_step()',
    `create function note_stale_end() returns trigger language plpgsql as $$
      declare op operations%rowtype := old;
      begin
        if current_setting('application_name') like 'sluice:%' and old.state = 'running' and new.state <> 'running' and ${stranger} then
          insert into stale_writes (what, operation) values ('end ' || new.state || ' by ' || current_setting('application_name') || ', owner ' || coalesce(op.owner, 'nobody'), new.id);
        end if;
        return new;
      end $$`,
    'create trigger note_stale_end before update on operations for each row execute function note_stale_end()',
  );
}
/** What was noted: nothing, when the fence holds. */
export async function staleWrites(database: Database): Promise<string[]> {
  const { rows } = await database.db.execute<{ what: string; operation: string }>(
    sql`select what, operation from stale_writes order by at`,
  );
  return rows.map((row) => `${row.operation}: ${row.what}`);
}
