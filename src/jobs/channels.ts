import { callsOf, findTeam, type Team } from '../access/people.store.ts';
import type { Db, Tx } from '../db/db.ts';
import type { Job } from './jobs.store.ts';

interface Channels {
  channel: string | undefined;
  alertChannel: string | undefined;
  /** Where its incidents go, the first that takes them: its alert channel, its own, the installation's two. Each once. */
  places: string[];
  /** For the facts of an incident. */
  calls: ReturnType<typeof callsOf>;
}
interface Defaults {
  defaultChannel: string | undefined;
  alertChannel: string | undefined;
}

/** Where a job speaks, where its incidents go (its own channels, else its team's, else the installation's), and whom they call. */
export async function jobChannels(db: Db | Tx, job: Job, defaults: Defaults): Promise<Channels> {
  return channelsOf(job, await findTeam(db, job.team), defaults);
}
/** The same with the team at hand. Pure. */
export function channelsOf(job: Job, team: Team | undefined, defaults: Defaults): Channels {
  const { definition } = job.current;
  const channel = definition.channel ?? team?.channel ?? defaults.defaultChannel;
  const alertChannel = definition.alertChannel ?? team?.alertChannel ?? defaults.alertChannel ?? channel;
  return { channel, calls: callsOf(team), alertChannel, places: placesOf(alertChannel, channel, defaults) };
}
/** Places for an incident in the order in which they are tried: those that are asked for, then the installation's. */
export function placesOf(first: string | undefined, second: string | undefined, defaults: Defaults): string[] {
  return [...new Set([first, second, defaults.alertChannel, defaults.defaultChannel].filter((place) => place !== undefined))];
}
