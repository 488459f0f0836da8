import { callsOf, findTeam } from '../access/people.store.ts';
import { plural } from '../core/text.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import { incidentLinks } from '../incidents/runbook.ts';
import { placesOf } from '../jobs/channels.ts';
import type { Following } from './cluster-poll.rule.ts';
import type { PollDeps } from './poll-deps.ts';

/** An application that is started again, or a JobManager that is busy, comes back by itself. */
const silentForMs = 5 * 60_000;

/**
 * An application of a cluster that answers, of which nothing has been known for some minutes, is one incident, not one for each of its jobs: they may run.
 * It is over when it answers again, or when its end is known.
 * @param restless runs that are not well and as before. @param unresolved keys of the incidents that are not over.
 */
export async function tellSilent(
  deps: PollDeps,
  { cluster }: OpenCluster,
  restless: readonly Following[],
  unresolved: readonly { key: string }[],
): Promise<void> {
  const prefix = `cluster:${cluster.name}:silent:`;
  const places = placesOf(cluster.alertChannel ?? undefined, undefined, deps.defaults);
  const silent = Map.groupBy(
    restless.filter(({ fact }) => fact.is === 'unknown'),
    ({ run }) => run.application ?? '',
  );
  const told = new Set(unresolved.flatMap(({ key }) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : [])));
  for (const application of told)
    if (!silent.has(application)) {
      await deps.database.transaction((tx) => resolveIncidents(tx, [prefix + application], `${application} is known of again.`));
      deps.onNews();
    }
  for (const [application, runs] of silent) {
    if (told.has(application)) continue;
    const names = runs.map(({ run }) => run.job).sort();
    const shown = `${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`;
    await deps.database.transaction(async (tx) => {
      await openIncident(tx, {
        key: prefix + application,
        job: undefined,
        cluster: cluster.name,
        cause: 'unreachable',
        title: `${names.length === 1 ? names[0] : plural(names.length, 'job')} on ${cluster.name}: nothing is known, the JobManager does not answer`,
        facts: {
          ...callsOf(cluster.team === null ? undefined : await findTeam(tx, cluster.team)),
          detail: `${application} is not over for ${cluster.name}, but nothing answers for it: it hangs, or it waits to be started again. What is not known since: ${shown}. They may well run.`,
          links: incidentLinks(deps.publicUrl, { cause: 'unreachable', cluster: cluster.name }, [
            { label: 'Page', url: `${deps.publicUrl}/clusters` },
          ]),
          ...(deps.incidents.channels.always.length > 0 ? { alsoTo: deps.incidents.channels.always } : {}),
        },
        runId: undefined,
        channel: places[0],
        fallbackChannels: places.slice(1),
        settleMs: silentForMs,
      });
    });
  }
}
