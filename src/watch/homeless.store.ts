import type { Db } from '../db/db.ts';
import { sql } from '../db/query.ts';

/** A message about something that is not over, which had no channel to go to. */
export interface Homeless {
  messageId: string;
  job: string | null;
  cluster: string | null;
  isIncident: boolean;
}
/** Messages of open incidents and of operations under way that wait for a channel, at most 100. */
export async function listHomeless(db: Db): Promise<Homeless[]> {
  const { rows } = await db.execute<{ messageId: string; job: string | null; cluster: string | null; isIncident: boolean }>(sql`
    select m.id as "messageId", coalesce(i.job, o.job) as job, i.cluster, i.id is not null as "isIncident"
    from outbox_messages m
    left join incidents i on i.message_id = m.id and i.state = 'firing'
    left join operations o on o.message_id = m.id and o.state in ('waiting', 'queued', 'running', 'parked')
    where m.state = 'failed' and m.channel = '' and (i.id is not null or o.id is not null)
    limit 100`);
  return rows;
}
