import { findTeam } from '../access/people.store.ts';
import type { Db, Tx } from '../db/db.ts';
import type { Job } from './jobs.store.ts';

/** Where a job speaks, where its incidents go (its own channels, else its team's, else the installation's), and the Slack user group that is on call. */
export async function jobChannels(
  db: Db | Tx,
  job: Job,
  defaults: { defaultChannel: string | undefined; alertChannel: string | undefined },
): Promise<{ channel: string | undefined; alertChannel: string | undefined; onCall: string | undefined }> {
  const { definition } = job.current;
  const team = await findTeam(db, job.team);
  const channel = definition.channel ?? team?.channel ?? defaults.defaultChannel;
  return {
    channel,
    onCall: team?.onCall ?? undefined,
    alertChannel: definition.alertChannel ?? team?.alertChannel ?? defaults.alertChannel ?? channel,
  };
}
