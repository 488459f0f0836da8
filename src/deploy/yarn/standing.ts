import { type ApplicationEnd, endOf, type YarnApplication } from './application.ts';
import type { Member } from './fleet.ts';
import type { JobManager } from './job-manager.ts';
import type { AskOptions, ResourceManager } from './resource-manager.ts';

/** What is true of a job that no JobManager lists. */
export type Standing =
  /** Its application is over. */
  | { is: 'ended'; app: YarnApplication; end: ApplicationEnd }
  /** Its JobManager answers, or nobody knows its application any more. */
  | { is: 'gone' }
  | { is: 'unknown'; why: string };
/** What the RM says of applications that it does not list as alive. */
export interface Standings {
  /** @param member the application in the fleet, if it is there. @throws UnreachableError */
  of(application: string, member: Member | undefined, options?: AskOptions): Promise<Standing>;
  /** Those of some applications that have to wait when the RM is asked about so many: first come those that were not asked about for longest. */
  beyond(count: number, applications: ReadonlySet<string>): ReadonlySet<string>;
  /** Notes which applications are sessions. @param others what else is of interest; the rest is forgotten. Undefined: all of it. */
  keep(members: ReadonlyMap<string, Member>, others: ReadonlySet<string> | undefined): void;
}

/** A JobManager that has just come back, or an RM that was started anew, may not know yet what it will know soon. */
const graceMs = 2 * 60_000;
/** How long an answer about an application counts that is not the last word. */
const keptMs = 10_000;

/** Asks the RM about single applications, about one that is over only once. */
export function createStandings(rm: ResourceManager): Standings {
  const told = new Map<string, { at: number; app: YarnApplication | undefined }>();
  const forgottenSince = new Map<string, number>();
  const sessions = new Map<string, boolean>();

  const isAtHand = (id: string): boolean => {
    const known = told.get(id);
    return known !== undefined && (isOver(known.app) || performance.now() - known.at < keptMs);
  };
  async function detail(id: string, options: AskOptions | undefined): Promise<YarnApplication | undefined> {
    if (isAtHand(id)) return told.get(id)?.app;
    const app = await rm.application(id, options);
    told.set(id, { at: performance.now(), app });
    if (app) forgottenSince.delete(id);
    else if (!forgottenSince.has(id)) forgottenSince.set(id, performance.now());
    return app;
  }

  return {
    async of(id, member, options) {
      if (member) return standingIn(member.jobManager, id);
      const app = await detail(id, options);
      const end = app && endOf(app, sessions.get(id) ?? false);
      if (app && end) return { is: 'ended', app, end };
      if (app) return { is: 'unknown', why: `${id} is ${app.state} and not looked at now.` };
      const since = forgottenSince.get(id) ?? performance.now();
      if (performance.now() - since < graceMs) return { is: 'unknown', why: `The ResourceManager does not know ${id}.` };
      return { is: 'gone' };
    },
    beyond(count, applications) {
      const askedAt = (id: string) => told.get(id)?.at ?? 0;
      const old = [...applications].filter((id) => !isAtHand(id));
      return new Set(old.sort((a, b) => askedAt(a) - askedAt(b)).slice(count));
    },
    keep(members, others) {
      for (const [id, { jobManager }] of members) {
        const session = jobManager?.isSession();
        if (session !== undefined) sessions.set(id, session);
      }
      if (!others) return;
      for (const map of [told, forgottenSince, sessions])
        for (const id of map.keys()) if (!members.has(id) && !others.has(id)) map.delete(id);
    },
  };
}
function isOver(app: YarnApplication | undefined): boolean {
  return app !== undefined && endOf(app, false) !== undefined;
}

/** Where a job stands that its application's JobManager, as far as there is one, does not list. Pure but for the clock. */
export function standingIn(
  jobManager: Pick<JobManager, 'answer' | 'answersSince' | 'attempt' | 'attemptSince'> | undefined,
  id: string,
): Standing {
  if (!jobManager) return { is: 'unknown', why: `${id} has no JobManager that answers now.` };
  if (!jobManager.answer()) return { is: 'unknown', why: `The JobManager of ${id} does not answer.` };
  const { attempt, attemptSince } = jobManager;
  // A new attempt answers before it has its jobs again; where attempts are not told, one that comes back may be a new one.
  const newSince = attempt === undefined ? Math.max(attemptSince, jobManager.answersSince()) : attempt > 1 ? attemptSince : 0;
  if (newSince > 0 && performance.now() - newSince < graceMs)
    return { is: 'unknown', why: `${id} may have been started again; its JobManager does not list the job yet.` };
  return { is: 'gone' };
}
