import type { Db } from '../db/db.ts';
import { sql } from '../db/query.ts';
import { listLeftOut } from '../outbox/left-out.store.ts';
import { outboxHealth } from '../outbox/outbox.store.ts';
import { unreadRuns } from './unread.store.ts';
import { watcherFacts } from './watcher.store.ts';

/** One figure of `/metrics`: its name and help, and a value for each set of labels. Seconds where it is a time. */
export interface Figure {
  name: string;
  help: string;
  values: { labels: Record<string, string>; value: number }[];
}

/** What is known of the work and of the watcher itself, by the database: the same for every replica. @param checkpointsEveryMs how often checkpoints are to be read. @throws UnreachableError */
export async function figures(db: Db, checkpointsEveryMs = 60_000): Promise<Figure[]> {
  const [outbox, leftOut] = [await outboxHealth(db), await listLeftOut(db)];
  const { rows: operations } = await db.execute<{ state: string; n: number }>(
    sql`select state, count(*)::int as n from operations where state in ('waiting', 'queued', 'running', 'parked') group by state`,
  );
  const { rows: incidents } = await db.execute<{ cause: string; state: string; n: number }>(
    sql`select cause, case when silenced is null then state else 'silenced' end as state, count(*)::int as n from incidents
      where state <> 'resolved' group by 1, 2`,
  );
  const { rows: clusters } = await db.execute<{
    cluster: string;
    age: number;
    failures: number;
    requests: number;
    seconds: number;
    late: number;
  }>(
    sql`select cluster, extract(epoch from sluice_now() - last_ok_at)::float8 as age, failures,
      flow_requests::float8 as requests, flow_ms / 1000.0::float8 as seconds, flow_late as late from cluster_views where last_ok_at is not null`,
  );
  const unread = await unreadRuns(db, checkpointsEveryMs);
  const watcher = await watcherFacts(db);
  const { rows: runs } = await db.execute<{ state: string; n: number }>(
    sql`select state, count(*)::int as n from runs where not ended group by state`,
  );
  return [
    figure(
      'sluice_operations',
      'Operations that are not over, by state.',
      operations.map((row) => [{ state: row.state }, row.n]),
    ),
    figure(
      'sluice_incidents',
      'Problems that are not over, by cause and state.',
      incidents.map((row) => [{ cause: row.cause, state: row.state }, row.n]),
    ),
    figure(
      'sluice_runs',
      'Runs whose end is not proven, by the state that Flink told last.',
      runs.map((row) => [{ state: row.state }, row.n]),
    ),
    figure('sluice_outbox_messages', 'Messages that are not to be seen yet as they should be.', [
      [{ state: 'pending' }, outbox.pending],
      [{ state: 'failed' }, outbox.failed],
    ]),
    figure(
      'sluice_channel_left_out',
      'Recipients of a channel that were refused for good at the last message.',
      leftOut.map((one) => [{ channel: one.channel }, one.recipients.length]),
    ),
    figure('sluice_outbox_oldest_seconds', 'How long the oldest message has been due.', [[{}, outbox.oldestMs / 1000]]),
    figure('sluice_last_sent_age_seconds', 'Since a channel last took a message.', inSeconds(watcher.lastPostAgeMs)),
    figure(
      'sluice_oldest_unsent_seconds',
      'How long the oldest message has waited to be seen, also while a channel is asked later.',
      inSeconds(watcher.oldestUnsentAgeMs ?? 0),
    ),
    figure(
      'sluice_cluster_last_answer_age_seconds',
      'Since a cluster last answered.',
      watcher.polls.flatMap((one) => (one.ageMs === undefined ? [] : [[{ cluster: one.cluster }, one.ageMs / 1000]])),
    ),
    figure(
      'sluice_cluster_failed_polls',
      'Polls in a row that a cluster did not answer.',
      watcher.polls.map((one) => [{ cluster: one.cluster }, one.failures]),
    ),
    figure(
      'sluice_flow_requests',
      'Requests to a cluster so far for the records, watermarks and backpressure of its jobs.',
      clusters.map((row) => [{ cluster: row.cluster }, row.requests]),
    ),
    figure(
      'sluice_flow_seconds',
      'How long their answers took, together.',
      clusters.map((row) => [{ cluster: row.cluster }, row.seconds]),
    ),
    figure(
      'sluice_flow_runs_not_judged',
      'Running jobs whose data are looked at too rarely to be judged: raise watch.flowEvery.',
      clusters.map((row) => [{ cluster: row.cluster }, row.late]),
    ),
    figure(
      'sluice_checkpoint_runs_not_read',
      'Running jobs whose checkpoints could not be read for minutes: how far a crash would set them back is not judged.',
      [...unread].map(([cluster, one]) => [{ cluster }, one.unread]),
    ),
  ];
}
const inSeconds = (ms: number | undefined): [labels: Record<string, string>, value: number][] =>
  ms === undefined ? [] : [[{}, ms / 1000]];
function figure(name: string, help: string, values: [labels: Record<string, string>, value: number][]): Figure {
  return { name, help, values: values.map(([labels, value]) => ({ labels, value })) };
}
