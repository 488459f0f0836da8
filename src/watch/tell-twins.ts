import type { Tx } from '../db/db.ts';
import type { RunOverview } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { changeIncidents, openKeys, unresolvedOfRuns } from '../incidents/incidents.store.ts';
import { resolveIncidents } from '../incidents/open.ts';
import { openIncidents } from '../incidents/open-many.ts';
import { repaint, tellEvent } from '../incidents/paint.ts';
import { findJobs } from '../jobs/jobs.store.ts';
import { findRun, type Run } from '../jobs/runs.store.ts';
import { twinWords } from '../jobs/twin.ts';
import { heldJobs } from '../operations/operations.store.ts';
import { endedStates } from './cluster-poll.rule.ts';
import { incidentInputs, type Told } from './incident-input.ts';
import type { PollDeps } from './poll-deps.ts';
import { forgetTwins, nameRuns, noteTwins, runsWithTwin } from './twins.store.ts';

/** Key of the incident about a copy beside a run that lives. */
export const twiceKey = (job: string): string => `job:${job}:runs-twice`;
/** Whoever moves a job by hand has both up for a moment. */
const lastsMs = 60_000;

/**
 * Jobs on a managed cluster that others started under the name of a job of ours: beside its run that is an incident of its own; after its end the incident of
 * that says so, and a start beside it is refused, for two copies would write to one target. Asks nothing of the cluster.
 * @param overview `/jobs/overview`, for the names. @param states `/jobs`, Flink's states as they are now.
 */
export async function followTwins(
  deps: PollDeps,
  open: OpenCluster,
  runs: readonly Run[],
  overview: ReadonlyMap<string, RunOverview>,
  states: ReadonlyMap<string, string>,
): Promise<void> {
  const cluster = open.cluster.name;
  const named = runs.flatMap(({ id, flinkJobId, flinkName }) => {
    const name = flinkName === null ? overview.get(flinkJobId)?.name : undefined;
    return name === undefined ? [] : [{ id, name }];
  });
  const known = new Set(runs.map((run) => run.flinkJobId));
  const alive = [...states].flatMap(([id, state]) => (known.has(id) || endedStates.includes(state) ? [] : [id]));
  const strangers = alive.flatMap((flinkJobId) => {
    const { name, startedAt } = overview.get(flinkJobId) ?? {};
    return name === undefined ? [] : [{ flinkJobId, name, startedAt: new Date(startedAt ?? Date.now()).toISOString() }];
  });
  const told = await deps.database.transaction(async (tx) => {
    await nameRuns(tx, named);
    const over = await forgetTwins(tx, cluster, alive);
    const found = await noteTwins(tx, cluster, strangers);
    let news = false;
    for (const incident of await unresolvedOfRuns(tx, [...over.map(({ id }) => id), ...found])) {
      const run = incident.runId === null ? undefined : await findRun(tx, incident.runId);
      // Beside a run that lives it has an incident of its own, after a minute.
      if (!run?.ended) continue;
      const { otherCopy: _before, ...facts } = incident.facts;
      const otherCopy = run.twin && twinWords(run.cluster, run.twin);
      const [row] = await changeIncidents(tx, [incident.id], { facts: { ...facts, ...(otherCopy ? { otherCopy } : {}) } });
      if (row?.state !== 'firing') continue;
      await repaint(tx, row);
      await tellEvent(tx, row, otherCopy ?? 'The job that others had started under its name has ended.');
      news = true;
    }
    await resolveIncidents(
      tx,
      over.map(({ job }) => twiceKey(job)),
      'The copy that others had started has ended.',
    );
    const mayBeTwice = found.length > 0 || runs.some((run) => run.twin !== null);
    return (mayBeTwice && (await tellTwice(tx, deps, open))) || over.length > 0 || news;
  });
  if (told) deps.onNews();
}
/** Opens an incident for each run that lives beside a copy of its job, unless an operation holds the job: it may be about to end the run. */
async function tellTwice(tx: Tx, deps: PollDeps, { cluster, deployer }: OpenCluster): Promise<boolean> {
  const twice = await runsWithTwin(tx, cluster.name);
  if (twice.length === 0) return false;
  const held = await heldJobs(tx);
  const known = new Set(
    await openKeys(
      tx,
      twice.map((run) => twiceKey(run.job)),
    ),
  );
  const jobs = await findJobs(tx, [...new Set(twice.map((run) => run.job))]);
  const told = twice.flatMap((run): Told[] => {
    const job = jobs.get(run.job);
    if (!job || !run.twin || held.has(run.job) || known.has(twiceKey(run.job))) return [];
    const detail = `The run of Sluice is v${run.version}, ${run.flinkJobId}. Both do the same work: what is written twice, or read by only one of them, is not mended by itself.`;
    const extraLinks = [{ label: 'The copy in Flink', url: deployer.runUrl(run.twin.flinkJobId) }];
    return [
      {
        job,
        run,
        cause: 'runs-twice',
        title: `${run.job} runs twice on ${run.cluster}`,
        facts: { otherCopy: twinWords(run.cluster, run.twin), detail, extraLinks },
        settleMs: lastsMs,
      },
    ];
  });
  return (await openIncidents(tx, await incidentInputs(tx, deps, told))) > 0;
}
