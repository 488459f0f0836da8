import { type AuditRow, doneLatelyTo } from '../access/audit.store.ts';
import { listTeams, type Team } from '../access/people.store.ts';
import { dbNow } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import { type ClusterView, findClusterView, listClusterViews } from '../deploy/cluster-views.store.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import { type Cause, ruleOf } from '../incidents/causes.ts';
import { changeWords, restartSince } from '../incidents/changes.ts';
import type { IncidentFacts } from '../incidents/message.ts';
import type { IncidentInput } from '../incidents/open.ts';
import { incidentLinks } from '../incidents/runbook.ts';
import { channelsOf } from '../jobs/channels.ts';
import type { Job } from '../jobs/jobs.store.ts';
import type { Run } from '../jobs/runs.store.ts';
import { jobThreshold } from './job-threshold.ts';
import type { PollDeps } from './poll-deps.ts';

/** Others stop a job to start it anew: on a cluster that is only observed that is told when nothing follows. */
const replaced: readonly Cause[] = ['canceled-elsewhere', 'ended'];
const replaceMs = 2 * 60_000;

/** What a rule has to say beside what is known of every run. */
export type IncidentDetails = IncidentFacts & { extraLinks?: { label: string; url: string }[] };

/** A problem of a run, as a rule has found it. */
export interface Told {
  job: Job;
  run: Run;
  cause: Cause;
  title: string;
  facts: IncidentDetails;
  /** How long it has to last before it is told, where the rule says nothing longer. */
  settleMs?: number;
}

/** The incident of a run: where it is told, who is on call, what it can go back to, what was changed before, the job's own links. */
export async function incidentInput(
  tx: Tx,
  deps: PollDeps,
  job: Job,
  run: Run,
  told: { cause: Cause; title: string; facts: IncidentDetails },
): Promise<IncidentInput> {
  const [input] = await incidentInputs(tx, deps, [{ job, run, ...told }]);
  return input as IncidentInput;
}
/** The same for many runs, with a question to the database for all of them instead of some for each. */
export async function incidentInputs(tx: Tx, deps: PollDeps, all: readonly Told[]): Promise<IncidentInput[]> {
  const teams = new Map((await listTeams(tx)).map((team) => [team.name, team]));
  const clusters = new Map((await listClusters(tx)).map((cluster) => [cluster.name, cluster]));
  const subjects = all.flatMap(({ job, run }) => [`job:${job.name}`, `cluster:${run.cluster}`]);
  const views = await listClusterViews(tx);
  const hourAgo = new Date((await dbNow(tx)).getTime() - 3_600_000);
  const done = await doneLatelyTo(tx, [...new Set([...subjects, 'installation'])], 3_600_000);
  return all.map(({ job, run, cause, title, settleMs = 0, facts: { extraLinks = [], ...facts } }) => {
    const team = teams.get(job.team);
    const { places, calls } = channelsOf(job, team, deps.defaults);
    const changes = changesBefore(done, [`job:${job.name}`, `cluster:${run.cluster}`, 'installation'], views.get(run.cluster), hourAgo);
    const observed = clusters.get(run.cluster)?.observed === true;
    return {
      key: `job:${job.name}:${cause}`,
      job: job.name,
      cluster: run.cluster,
      cause,
      title,
      facts: {
        ...(facts.noCheckpoint ? {} : checkpointFacts(run)),
        ...facts,
        ...(observed ? { observed: true as const } : { version: run.version }),
        ...calls,
        ...(deps.incidents.channels.always.length > 0 ? { alsoTo: deps.incidents.channels.always } : {}),
        ...(changes.length > 0 ? { changes } : {}),
        links: incidentLinks(
          deps.publicUrl,
          { cause, job: job.name, cluster: run.cluster },
          [{ label: 'Page', url: `${deps.publicUrl}/jobs/${job.name}` }, ...extraLinks],
          job.current.definition.links,
        ),
      },
      runId: run.id,
      channel: places[0],
      fallbackChannels: places.slice(1),
      settleMs: Math.max(settleMs, lastsMs(deps, job, team, cause, observed)),
    };
  });
}
/** How long a cause has to last before it is told. */
function lastsMs(deps: PollDeps, job: Job, team: Team | undefined, cause: Cause, observed: boolean): number {
  const { settles, threshold } = ruleOf(cause);
  if (settles && threshold) return jobThreshold(deps, job.current.definition, team, threshold).value;
  return observed && replaced.includes(cause) ? replaceMs : 0;
}
/** The same for an incident of a cluster, as facts. */
export async function clusterChanges(tx: Tx, cluster: string): Promise<Pick<IncidentFacts, 'changes'>> {
  const hourAgo = new Date((await dbNow(tx)).getTime() - 3_600_000);
  const done = await doneLatelyTo(tx, [`cluster:${cluster}`, 'installation'], 3_600_000);
  const changes = changesBefore(done, [`cluster:${cluster}`, 'installation'], await findClusterView(tx, cluster), hourAgo);
  return changes.length > 0 ? { changes } : {};
}
/** What was done to the job, its cluster or the whole installation in the hour before, newest first. */
function changesBefore(
  done: ReadonlyMap<string, AuditRow[]>,
  subjects: readonly string[],
  view: ClusterView | undefined,
  since: Date,
): { at: string; what: string }[] {
  const rows = subjects.flatMap((subject) => done.get(subject) ?? []);
  const told = rows
    .sort((a, b) => b.id - a.id)
    .flatMap((row) => {
      const what = changeWords(row);
      return what ? [{ at: row.at, what }] : [];
    });
  const restart = restartSince(view, since);
  return (restart ? [...told, restart].sort((a, b) => b.at.getTime() - a.at.getTime()) : told)
    .slice(0, 5)
    .map(({ at, what }) => ({ at: at.toISOString(), what }));
}
/** The last checkpoint of a run, or why there is none. */
export function checkpointFacts({ lastCheckpoint, checkpointIntervalMs, restoredFrom }: Run): IncidentFacts {
  if (!lastCheckpoint)
    return {
      noCheckpoint: checkpointIntervalMs === 0 ? 'checkpointing is off' : 'none',
      ...(restoredFrom ? { beganFrom: restoredFrom } : {}),
    };
  return { checkpoint: { id: lastCheckpoint.id, path: lastCheckpoint.path, at: lastCheckpoint.at } };
}
