import type { WebClient } from '@slack/web-api';
import type { Directory, DirectoryPerson } from '../access/directory.ts';
import type { Log } from '../core/log.ts';
import { ExpiringCache } from './expiring-cache.ts';

/** How long a demotion in Slack may go unseen. */
const rememberMs = 5 * 60_000;

export interface SlackDirectory extends Directory {
  /** Forgets what is remembered of a group that Slack says has changed. */
  forgetGroup(groupId: string): void;
}

/**
 * People and user groups as Slack knows them (`users.info`, `usergroups.users.list`), remembered for five minutes. What cannot be read is
 * undefined, and never an old answer: rights fail closed.
 */
export function createDirectory(options: { web: WebClient; log: Log; teamId(): string | undefined; now?: () => number }): SlackDirectory {
  const { web, log, teamId: ourTeam } = options;
  const cacheOptions = { ttlMs: rememberMs, ...(options.now ? { now: options.now } : {}) };
  const people = new ExpiringCache<DirectoryPerson>(cacheOptions);
  const groups = new ExpiringCache<string[]>(cacheOptions);

  async function readPerson(teamId: string, userId: string): Promise<DirectoryPerson | undefined> {
    const ours = ourTeam();
    const foreign = ours !== undefined && teamId !== ours;
    try {
      const { user } = await web.users.info({ user: userId });
      if (user === undefined) return undefined;
      const { is_restricted, is_ultra_restricted, deleted, is_stranger } = user;
      const elsewhere = ours !== undefined && user.team_id !== undefined && user.team_id !== ours;
      return {
        name: user.profile?.display_name || user.real_name || user.name || userId,
        restricted: foreign || elsewhere || [is_restricted, is_ultra_restricted, deleted, is_stranger].some((flag) => flag === true),
      };
    } catch (err) {
      log.warn({ err, userId }, 'Slack did not tell who this is');
      // Of another workspace is enough to know.
      return foreign ? { name: userId, restricted: true } : undefined;
    }
  }
  async function readGroup(groupId: string): Promise<string[] | undefined> {
    try {
      const { users } = await web.usergroups.users.list({ usergroup: groupId });
      return users;
    } catch (err) {
      log.warn({ err, groupId }, 'Slack did not tell who is in the user group');
      return undefined;
    }
  }
  return {
    person: (teamId, userId) => people.get(`${teamId}/${userId}`, () => readPerson(teamId, userId)),
    groupMembers: (groupId) => groups.get(groupId, () => readGroup(groupId)),
    forgetGroup: (groupId) => groups.forget(groupId),
  };
}
