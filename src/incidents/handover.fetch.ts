import { doneSince } from '../access/audit.store.ts';
import type { Db, Tx } from '../db/db.ts';
import { listClusterViews } from '../deploy/cluster-views.store.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import { type Job, listJobs } from '../jobs/jobs.store.ts';
import { latestRuns } from '../jobs/runs.store.ts';
import { tagsOfAll } from '../jobs/tags.ts';
import { activeOperations } from '../operations/operations.store.ts';
import { judgedSavepoints, type KeepDefaults } from '../operations/retention.fetch.ts';
import { newestRestorePoints } from '../restore-points/restore-points.store.ts';
import { stuckDisposals } from '../restore-points/retention.store.ts';
import { whyUnrecoverable } from '../restore-points/unrecoverable.rule.ts';
import { changeWords, restartSince } from './changes.ts';
import type { HandoverFacts } from './handover.rule.ts';
import { openIncidents } from './incidents.store.ts';
import { listSilences, type Silence } from './silences.store.ts';

/** A savepoint is deleted a day after it was told, at the earliest. */
export const toldBeforeMs = 24 * 3_600_000;
/** More changes of one night than that are not read. */
const changesAtMost = 300;

/**
 * What a team has to know: of its jobs, the clusters that it owns or runs on, and the installation.
 * @param options.marks the deletion of savepoints is told for the first time: files are looked at, and what has no day yet gets one.
 */
export async function handoverFacts(
  db: Db | Tx,
  team: string,
  now: Date,
  since: Date,
  keep: KeepDefaults,
  options: { marks?: boolean } = {},
): Promise<HandoverFacts> {
  const jobs = (await listJobs(db)).filter((job) => job.team === team);
  const names = new Set(jobs.map((job) => job.name));
  const owned = (await listClusters(db)).filter((one) => one.team === team).map((one) => one.name);
  const clusters = new Set([...owned, ...jobs.map((job) => job.current.definition.cluster)]);
  const mine = (row: { job: string | null; cluster: string | null }) =>
    row.job === null ? row.cluster !== null && clusters.has(row.cluster) : names.has(row.job);

  const [runs, newest, incidents, operations] = [
    await latestRuns(db),
    await newestRestorePoints(db),
    (await openIncidents(db)).filter(mine),
    (await activeOperations(db)).filter((op) => names.has(op.job)),
  ];
  const judged = await judgedSavepoints(db, jobs, now, keep, { checksFiles: options.marks === true });
  const going = [...judged.values()]
    .flat()
    .filter((one) => (one.point.goesAt === null ? options.marks && !one.keep : !one.keep || one.passing));
  return {
    team,
    now,
    since,
    changes: await changesOf(db, jobs, clusters, since),
    broken: incidents.filter((one) => one.silenced === null),
    silences: (await listSilences(db))
      .filter((one) => concerns(one, team, jobs, clusters))
      .map((silence) => ({ silence, incidents: incidents.filter((one) => one.silenced?.id === silence.id).length })),
    unrecoverable: jobs.flatMap((job) => {
      const why = whyUnrecoverable({ job, run: runs.get(job.name), newest: newest.get(job.name) }, now);
      return why === undefined ? [] : [{ job: job.name, why }];
    }),
    waiting: operations.filter((op) => op.state === 'waiting' || op.state === 'parked'),
    going: going
      .map(({ point, why, passing }) => ({ point, why, passing, goesAt: point.goesAt ?? new Date(now.getTime() + toldBeforeMs) }))
      .sort((a, b) => a.goesAt.getTime() - b.goesAt.getTime()),
    stuck: await stuckDisposals(db, [...names]),
  };
}

function concerns(silence: Silence, team: string, jobs: readonly Job[], clusters: ReadonlySet<string>): boolean {
  if (silence.scope === 'team') return silence.name === team;
  if (silence.scope === 'cluster') return clusters.has(silence.name);
  if (silence.scope === 'job') return jobs.some((job) => job.name === silence.name);
  return (silence.teams === null || silence.teams.includes(team)) && tagsOfAll(jobs).includes(silence.name);
}

/** What people changed, and what Sluice deleted, oldest first; the same thing several times in a row is said once. */
async function changesOf(db: Db | Tx, jobs: readonly Job[], clusters: ReadonlySet<string>, since: Date): Promise<HandoverFacts['changes']> {
  const subjects = [...jobs.map((job) => `job:${job.name}`), ...[...clusters].map((name) => `cluster:${name}`), 'installation'];
  const rows = (await doneSince(db, subjects, since, changesAtMost)).reverse();
  const told = rows.flatMap((row) => {
    const what = changeWords(row);
    return what === undefined ? [] : [{ subject: row.subject, at: row.at, what }];
  });
  for (const view of (await listClusterViews(db)).values()) {
    const restart = clusters.has(view.cluster) ? restartSince(view, since) : undefined;
    if (restart) told.push({ subject: `cluster:${view.cluster}`, ...restart });
  }
  told.sort((a, b) => a.at.getTime() - b.at.getTime());
  const out: { subject: string; at: Date; what: string; times: number }[] = [];
  for (const { subject: of, what: words, at } of told) {
    const subject = of.replace(/^job:/, '').replace(/^cluster:/, 'cluster ');
    // The line begins with it already.
    const one = { subject, at, what: words.startsWith(`${subject}: `) ? words.slice(subject.length + 2) : words };
    const before = out.find((other) => other.subject === one.subject && other.what === one.what);
    if (before) {
      before.at = one.at;
      before.times++;
    } else out.push({ ...one, times: 1 });
  }
  return out.map(({ times, what, ...one }) => ({ ...one, what: times > 1 ? `${what} (${times} times)` : what }));
}
