import { waitAtMost } from '../../core/time.ts';
import { createFlinkClient } from '../../flink/client.ts';
import { sessionDeployer } from '../kinds/standalone.ts';
import { type ApplicationFilter, attemptOf, isWanted, proxyOf, type YarnApplication } from './application.ts';
import { createJobManager, type JobManager } from './job-manager.ts';
import { withOwnIds } from './own-ids.ts';
import type { AskOptions, ResourceManager } from './resource-manager.ts';
import { createSlots } from './slots.ts';

/** An application that is not over, with its JobManager when one is registered. */
export interface Member {
  app: YarnApplication;
  jobManager: JobManager | undefined;
}
/** The applications of a YARN that are looked at, and their JobManagers. */
export interface Fleet {
  /**
   * The members as the RM lists them now, each JobManager asked for its jobs. One round at a time: who asks meanwhile gets the same.
   * @param beside ids of applications that are looked at whatever the filter says. @throws UnreachableError when no RM answers
   */
  round(options: AskOptions, beside: ReadonlySet<string>): Promise<ReadonlyMap<string, Member>>;
  /** The members of the last round. */
  members(): ReadonlyMap<string, Member>;
  /** Asks each JobManager something more, and waits no longer for slow ones than a round does. */
  askMore(ask: (jobManager: JobManager) => Promise<unknown>): Promise<void>;
  close(): Promise<void>;
}
export interface FleetOptions {
  filter: ApplicationFilter;
  proxyUrl: string | undefined;
}

/** How long a round waits for a JobManager that gets slow, and only the first one does; its answer counts in the next. */
const waitMs = 1000;
/** Requests under way to all JobManagers together, and to those that failed last. */
const goodAtOnce = 8;
const failingAtOnce = 2;

/** Keeps a connection to each JobManager for as long as its application lives. */
export function createFleet(rm: ResourceManager, options: FleetOptions): Fleet {
  let members = new Map<string, Member>();
  let underway: Promise<ReadonlyMap<string, Member>> | undefined;
  const slots = { good: createSlots(goodAtOnce), failing: createSlots(failingAtOnce) };

  function openJobManager(app: YarnApplication, url: string): JobManager {
    const flink = createFlinkClient({ url, headers: rm.headersFor(url), readOnly: true });
    return createJobManager({
      app,
      url,
      deployer: withOwnIds(sessionDeployer({ url, webUrl: null }, flink), app.id),
      askSession: async () => (await flink.jobManagerConfig({ timeoutMs: 4000 }))['execution.target'] === 'yarn-session',
      slots,
    });
  }
  function join(app: YarnApplication): Member {
    const url = proxyOf(app, rm.address(), options.proxyUrl);
    const before = members.get(app.id)?.jobManager;
    if (url === undefined) return { app, jobManager: undefined };
    // What an earlier attempt said says nothing of this one.
    if (before?.url === url && before.attempt === attemptOf(app)) return { app, jobManager: before };
    return { app, jobManager: openJobManager(app, url) };
  }

  async function meet(ask: AskOptions, beside: ReadonlySet<string>): Promise<ReadonlyMap<string, Member>> {
    const listed = await rm.applications(ask);
    const next = new Map(listed.filter((app) => isWanted(app, options.filter) || beside.has(app.id)).map((app) => [app.id, join(app)]));
    const kept = new Set([...next.values()].map((member) => member.jobManager));
    const left = [...members.values()].flatMap(({ jobManager }) => (jobManager && !kept.has(jobManager) ? [jobManager] : []));
    members = next;
    for (const jobManager of left) void jobManager.close();
    const asked = [...next.values()].map(({ jobManager }) => {
      const isSlow = jobManager?.isSlow();
      const answer = jobManager?.ask();
      return isSlow ? undefined : answer;
    });
    await waitAtMost(waitMs, Promise.all(asked));
    return next;
  }

  return {
    members: () => members,
    askMore: (ask) => waitAtMost(waitMs, Promise.all([...members.values()].map(({ jobManager }) => jobManager && ask(jobManager)))),
    round(ask, beside) {
      underway ??= meet(ask, beside).finally(() => {
        underway = undefined;
      });
      return underway;
    },
    async close() {
      await Promise.all([...members.values()].map((member) => member.jobManager?.close()));
      members = new Map();
    },
  };
}
