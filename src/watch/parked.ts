import { firingKeys, openOfKey } from '../incidents/incidents.store.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import { incidentLinks } from '../incidents/runbook.ts';
import { jobChannels } from '../jobs/channels.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { describeKind, parkedOperations } from '../operations/operations.store.ts';
import type { PollDeps } from './poll-deps.ts';

const keyOf = (operationId: string) => `operation:${operationId}:parked`;

/** A parked operation is an incident until a person has decided; true when something was told. */
export async function tellParked(deps: PollDeps): Promise<boolean> {
  const { database } = deps;
  const parked = await parkedOperations(database.db);
  const open = new Set(await firingKeys(database.db, 'parked'));
  const waiting = new Set(parked.map((op) => keyOf(op.id)));
  const decided = [...open].filter((key) => !waiting.has(key));
  const untold = parked.filter((op) => !open.has(keyOf(op.id)));
  if (decided.length === 0 && untold.length === 0) return false;
  await database.transaction(async (tx) => {
    await resolveIncidents(tx, decided, 'A person has decided.');
    for (const op of untold) {
      // Another replica may have told of it since.
      if (await openOfKey(tx, keyOf(op.id))) continue;
      const job = await findJob(tx, op.job);
      if (!job) continue;
      const { places, calls } = await jobChannels(tx, job, deps.defaults);
      const [place, ...others] = places;
      if (!place) deps.log.warn({ job: job.name, cause: 'parked' }, 'an incident has no channel to go to');
      await openIncident(tx, {
        key: keyOf(op.id),
        job: job.name,
        cluster: job.current.definition.cluster,
        cause: 'parked',
        title: `${job.name}: ${describeKind(op.kind)} is parked and waits for a person`,
        facts: {
          operationId: op.id,
          ...calls,
          ...(deps.incidents.channels.always.length > 0 ? { alsoTo: deps.incidents.channels.always } : {}),
          detail: `To send it on: /flink retry ${op.id}. To give it up: /flink cancel ${job.name} --operation ${op.id}.`,
          links: incidentLinks(
            deps.publicUrl,
            { cause: 'parked', job: job.name, cluster: job.current.definition.cluster },
            [{ label: 'What is known', url: `${deps.publicUrl}/operations/${op.id}` }],
            job.current.definition.links,
          ),
        },
        runId: undefined,
        channel: place,
        fallbackChannels: others,
      });
    }
  });
  return true;
}
