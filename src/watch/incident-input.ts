import { doneLately } from '../access/audit.store.ts';
import type { Tx } from '../db/db.ts';
import { findCluster } from '../deploy/clusters.store.ts';
import { type Cause, ruleOf } from '../incidents/causes.ts';
import { changeWords } from '../incidents/changes.ts';
import type { IncidentFacts } from '../incidents/message.ts';
import type { IncidentInput } from '../incidents/open.ts';
import { jobChannels } from '../jobs/channels.ts';
import type { Job } from '../jobs/jobs.store.ts';
import type { Run } from '../jobs/runs.store.ts';
import type { PollDeps } from './poll-deps.ts';

/** Others stop a job to start it anew: on a cluster that is only observed that is told when nothing follows. */
const replaced: readonly Cause[] = ['canceled-elsewhere', 'ended'];
const replaceMs = 2 * 60_000;

/** What a rule has to say beside what is known of every run. */
export type IncidentDetails = IncidentFacts & { extraLinks?: { label: string; url: string }[] };

/** The incident of a run: where it is told, who is on call, what it can go back to, what was changed before, the job's own links. */
export async function incidentInput(
  tx: Tx,
  deps: PollDeps,
  job: Job,
  run: Run,
  told: { cause: Cause; title: string; facts: IncidentDetails },
): Promise<IncidentInput> {
  const { extraLinks = [], ...facts } = told.facts;
  const { channel, alertChannel, onCall } = await jobChannels(tx, job, deps.defaults);
  const changes = await changesBefore(tx, job.name, run.cluster);
  const observed = (await findCluster(tx, run.cluster))?.observed === true;
  return {
    key: `job:${job.name}:${told.cause}`,
    job: job.name,
    cluster: run.cluster,
    cause: told.cause,
    title: told.title,
    facts: {
      ...(facts.noCheckpoint ? {} : checkpointFacts(run)),
      ...facts,
      ...(observed ? { observed: true as const } : { version: run.version }),
      ...(onCall ? { onCall } : {}),
      ...(deps.incidents.channels.always.length > 0 ? { alsoTo: deps.incidents.channels.always } : {}),
      ...(changes.length > 0 ? { changes } : {}),
      links: [{ label: 'Page', url: `${deps.publicUrl}/jobs/${job.name}` }, ...extraLinks, ...job.current.definition.links],
    },
    runId: run.id,
    channel: alertChannel ?? channel,
    fallbackChannel: channel,
    settleMs: ruleOf(told.cause).settles ? deps.incidents.restartingForMs : observed && replaced.includes(told.cause) ? replaceMs : 0,
  };
}
/** What was done to the job, its cluster or the whole installation in the hour before. */
async function changesBefore(tx: Tx, job: string, cluster: string): Promise<{ at: string; what: string }[]> {
  const done = await doneLately(tx, [`job:${job}`, `cluster:${cluster}`, 'installation'], 3_600_000);
  const told = done.flatMap((row) => {
    const what = changeWords(row);
    return what ? [{ at: row.at.toISOString(), what }] : [];
  });
  return told.slice(0, 5);
}
function checkpointFacts({ lastCheckpoint, checkpointIntervalMs }: Run): IncidentFacts {
  if (!lastCheckpoint) return { noCheckpoint: checkpointIntervalMs === 0 ? 'checkpointing is off' : 'none' };
  return { checkpoint: { id: lastCheckpoint.id, path: lastCheckpoint.path, at: lastCheckpoint.at } };
}
