import { unresolvedKeys } from '../incidents/incidents.store.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import { incidentLinks } from '../incidents/runbook.ts';
import { jobChannels } from '../jobs/channels.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { operationKinds } from '../operations/kinds/index.ts';
import { describeKind, leftToOthers } from '../operations/operations.store.ts';
import { stepNamesOf } from '../operations/points.ts';
import type { PollDeps } from './poll-deps.ts';

const keyOf = (operationId: string) => `operation:${operationId}:stranded`;
/** A newer replica that is being restarted takes it up again. */
const lastsMs = 5 * 60_000;
const kinds = operationKinds.map((kind) => kind.kind);
const steps = stepNamesOf(operationKinds);

/**
 * An operation that a newer Sluice began is left to a newer Sluice; when there is none, since somebody went back to the version before, it holds its job for
 * ever: that is told. True when there is something to send.
 */
export async function tellStranded({ database, publicUrl, defaults, incidents }: PollDeps): Promise<boolean> {
  const left = await leftToOthers(database.db, kinds, steps);
  const known = new Set(await unresolvedKeys(database.db, 'stranded'));
  const keys = new Set(left.map((op) => keyOf(op.id)));
  // A newer replica that was only restarted takes it up before anybody is told.
  const over = [...known].filter((key) => !keys.has(key));
  const untold = left.filter((op) => !known.has(keyOf(op.id)));
  if (over.length === 0 && untold.length === 0) return false;
  await database.transaction(async (tx) => {
    await resolveIncidents(tx, over, 'Somebody carries it on.');
    for (const op of untold) {
      const job = await findJob(tx, op.job);
      if (!job) continue;
      const { places, calls } = await jobChannels(tx, job, defaults);
      const [place, ...others] = places;
      const { cluster, links } = job.current.definition;
      await openIncident(tx, {
        key: keyOf(op.id),
        job: job.name,
        cluster,
        cause: 'stranded',
        title: `${job.name}: nobody carries ${describeKind(op.kind)} on`,
        facts: {
          ...calls,
          ...(incidents.channels.always.length > 0 ? { alsoTo: incidents.channels.always } : {}),
          detail: `A newer version of Sluice has begun it, and this one does not know all of its steps. It holds ${job.name} until a replica of the newer version runs again: there it goes on by itself.`,
          links: incidentLinks(
            publicUrl,
            { cause: 'stranded', job: job.name, cluster },
            [{ label: 'What is known', url: `${publicUrl}/operations/${op.id}` }],
            links,
          ),
        },
        runId: undefined,
        channel: place,
        fallbackChannels: others,
        settleMs: lastsMs,
      });
    }
  });
  return true;
}
