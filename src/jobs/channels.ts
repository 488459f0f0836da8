import { findTeam, type Team } from '../access/people.store.ts';
import type { Db, Tx } from '../db/db.ts';
import type { Job } from './jobs.store.ts';

interface Channels {
  channel: string | undefined;
  alertChannel: string | undefined;
  onCall: string | undefined;
}
interface Defaults {
  defaultChannel: string | undefined;
  alertChannel: string | undefined;
}

/** Where a job speaks, where its incidents go (its own channels, else its team's, else the installation's), and the Slack user group that is on call. */
export async function jobChannels(db: Db | Tx, job: Job, defaults: Defaults): Promise<Channels> {
  return channelsOf(job, await findTeam(db, job.team), defaults);
}
/** The same with the team at hand. Pure. */
export function channelsOf(job: Job, team: Team | undefined, defaults: Defaults): Channels {
  const { definition } = job.current;
  const channel = definition.channel ?? team?.channel ?? defaults.defaultChannel;
  return {
    channel,
    onCall: team?.onCall ?? undefined,
    alertChannel: definition.alertChannel ?? team?.alertChannel ?? defaults.alertChannel ?? channel,
  };
}
