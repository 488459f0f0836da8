import type { RunOverview } from '../deploy/deployer.ts';
import { changeIncidents, unresolvedOfRuns } from '../incidents/incidents.store.ts';
import { repaint, tellEvent } from '../incidents/paint.ts';
import { findRun, type Run } from '../jobs/runs.store.ts';
import { twinWords } from '../jobs/twin.ts';
import { endedStates } from './cluster-poll.rule.ts';
import type { PollDeps } from './poll-deps.ts';
import { forgetTwins, nameRuns, noteTwins } from './twins.store.ts';

/**
 * Jobs on a managed cluster that others started under the name of a job of ours whose run is over: the incident of that end says so, and a start beside it is
 * refused, for two copies would write to one target. Asks nothing of the cluster.
 * @param overview `/jobs/overview`, for the names. @param states `/jobs`, Flink's states as they are now.
 */
export async function followTwins(
  deps: PollDeps,
  cluster: string,
  runs: readonly Run[],
  overview: ReadonlyMap<string, RunOverview>,
  states: ReadonlyMap<string, string>,
): Promise<void> {
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
    for (const incident of await unresolvedOfRuns(tx, [...over, ...found])) {
      const run = incident.runId === null ? undefined : await findRun(tx, incident.runId);
      if (!run) continue;
      const { otherCopy: _before, ...facts } = incident.facts;
      const otherCopy = run.twin && twinWords(run.cluster, run.twin);
      const [row] = await changeIncidents(tx, [incident.id], { facts: { ...facts, ...(otherCopy ? { otherCopy } : {}) } });
      if (row?.state !== 'firing') continue;
      await repaint(tx, row);
      await tellEvent(tx, row, otherCopy ?? 'The job that others had started under its name has ended.');
      news = true;
    }
    return news;
  });
  if (told) deps.onNews();
}
