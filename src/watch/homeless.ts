import { findCluster } from '../deploy/clusters.store.ts';
import { jobChannels, placesOf } from '../jobs/channels.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { placeMessage } from '../outbox/outbox.store.ts';
import { type Homeless, listHomeless } from './homeless.store.ts';
import type { PollDeps } from './poll-deps.ts';

/** Gives what had no channel a place once one is set, by a command or in the configuration; true when something was placed. */
export async function placeHomeless(deps: PollDeps): Promise<boolean> {
  let placed = false;
  for (const homeless of await listHomeless(deps.database.db)) {
    const [place, ...fallbacks] = await placeOf(deps, homeless);
    if (!place) continue;
    await placeMessage(deps.database.db, homeless.messageId, place, fallbacks);
    placed = true;
  }
  return placed;
}
async function placeOf({ database: { db }, defaults }: PollDeps, { job: name, cluster, isIncident }: Homeless): Promise<string[]> {
  const job = name === null ? undefined : await findJob(db, name);
  if (job) {
    const { channel, places } = await jobChannels(db, job, defaults);
    return isIncident ? places : channel === undefined ? [] : [channel];
  }
  const own = cluster === null ? undefined : (await findCluster(db, cluster))?.alertChannel;
  return placesOf(own ?? undefined, undefined, defaults);
}
