import cron from 'node-cron';
import { dbNow } from '../db/clock.ts';
import { type ClusterLease, leaseClusters, releaseClusters } from '../deploy/cluster-views.store.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import { digestChannels, postDigest } from '../incidents/digest.ts';
import { handoverSince, handoverTeams, postHandover } from '../incidents/handover.ts';
import type { KeepDefaults } from '../operations/retention.fetch.ts';
import { createBlindness } from './blind.ts';
import { type CheckpointReads, createCheckpointReads } from './checkpoint-reads.ts';
import { createChores } from './chores.ts';
import { pollCluster } from './cluster-poll.ts';
import { createDaily } from './daily.ts';
import { type DeadManOptions, startDeadMan } from './dead-man.ts';
import { LeaseLostError } from './fenced.ts';
import type { KnownVertices } from './flow.fetch.ts';
import { type FlowDeps, followFlows } from './flow.ts';
import { forgetOld, sweepBuilds } from './housekeeping.ts';
import { createLiveRuns, type LiveRuns } from './live-runs.ts';
import { sweepSavepoints } from './retention.ts';
import { winTick } from './schedules.store.ts';

export interface WatchOptions extends FlowDeps {
  owner: string;
  jobsEveryMs: number;
  digest: { at: string; timeZone: string };
  handover: { at: string; timeZone: string };
  /** Somebody outside who is called while all is well. */
  deadMan: DeadManOptions | undefined;
  /** What is kept of jobs that do not say so themselves. */
  keep: KeepDefaults;
  /** How long incidents are kept once they are over. */
  incidentsKeptMs: number;
  /** Data directory, where builds have their workspaces. */
  workDir: string;
}
export interface Watch {
  /** Age of the last good poll of any cluster in ms, for `/healthz`; undefined before the first. */
  lastPollAgeMs(): number | undefined;
  stop(): Promise<void>;
}
interface Pace {
  nextAt: number;
  overviewAt: number;
  factsAt: number;
}
/** The lists of its jobs may keep a cluster busy for a sixth of the time at most: the pause grows with what it takes for them. */
const pauseShare = 5;
const longestPauseMs = 5000;
/** An overview that fails is left alone for so long: the states, which are told, must not wait for it at each poll. */
const overviewPauseMs = 30_000;

/** A tick is named by its minute: every replica's cron fires within it. */
const minuteOf = (at: Date) => new Date(Math.floor(at.getTime() / 60_000) * 60_000);

/** What time brings: polls, digests, expired approvals, housekeeping. One cron task a second asks each cluster whether it is due. */
export function startWatch(options: WatchOptions): Watch {
  const { database, log } = options;
  const paces = new Map<string, Pace>();
  /** Runs of the clusters that this replica polls, or polled: what others wrote meanwhile is read at the next poll. */
  const live = new Map<string, readonly [LiveRuns, CheckpointReads]>();
  const inFlight = new Map<string, Promise<void>>();
  const blindness = createBlindness(options);
  // A slow look at the data holds up no poll.
  const flowing = new Map<string, Promise<void>>();
  const flowAt = new Map<string, number>();
  const vertices = new Map<string, KnownVertices>();
  let lastGoodPoll: number | undefined;
  let ours: ClusterLease[] = [];
  let leasedAt = Number.NEGATIVE_INFINITY;
  let stopped = false;
  const ending = new AbortController();
  let seconds = 0;

  const chores = createChores(options);
  const { carriedAgeMs } = chores;
  const deadMan =
    options.deadMan &&
    startDeadMan({ database, log, jobsEveryMs: options.jobsEveryMs, ...options.deadMan, carriedAgeMs, signal: ending.signal });

  async function tick(): Promise<void> {
    if (stopped) return;
    seconds++;
    if (performance.now() - leasedAt > 4000) {
      const names = (await listClusters(database.db)).map((cluster) => cluster.name);
      ours = await leaseClusters(database.db, options.owner, names);
      leasedAt = performance.now();
      if (stopped) return;
    }
    deadMan?.tick();
    for (const lease of ours) {
      const name = lease.cluster;
      if (!inFlight.has(name) && (paces.get(name)?.nextAt ?? 0) <= performance.now() + 50)
        inFlight.set(
          name,
          poll(lease).finally(() => inFlight.delete(name)),
        );
      if (!flowing.has(name) && (flowAt.get(name) ?? 0) <= performance.now())
        flowing.set(
          name,
          follow(lease).finally(() => flowing.delete(name)),
        );
    }
    if (seconds % 5 !== 0) return;
    await chores.run();
    if (seconds % 10 === 0) await sweepBuilds(database.db, options.workDir);
  }
  async function poll(lease: ClusterLease): Promise<void> {
    const name = lease.cluster;
    const started = performance.now();
    const pace = paces.get(name) ?? {
      nextAt: 0,
      overviewAt: Number.NEGATIVE_INFINITY,
      factsAt: Number.NEGATIVE_INFINITY,
    };
    let answered = false;
    let askedMs = 0;
    let more = false;
    try {
      const sinceOverview = started - pace.overviewAt;
      const kept = live.get(name) ?? ([createLiveRuns(name), createCheckpointReads(log)] as const);
      live.set(name, kept);
      const seen = await pollCluster(options, lease, { overviewMs: sinceOverview, factsMs: started - pace.factsAt }, ...kept);
      answered = seen.answered;
      askedMs = seen.tookMs;
      more = seen.more === true;
      if (seen.facts) pace.factsAt = started;
      await blindness.well(name);
      if (answered) lastGoodPoll = performance.now();
      if (seen.overviewFailed) pace.overviewAt = performance.now() + overviewPauseMs;
      else if (answered && sinceOverview >= options.times.overviewEveryMs) pace.overviewAt = started;
    } catch (error) {
      log.warn({ cluster: name, error: String(error) }, 'poll failed');
      if (error instanceof LeaseLostError) leasedAt = Number.NEGATIVE_INFINITY;
      else await blindness.fault(name, error).catch((fault) => log.warn({ cluster: name, error: String(fault) }, 'blindness was not told'));
    }
    // With jitter for clusters that do not answer, so that many of them are not asked in step.
    // Thousands of jobs of a cluster that is new to Sluice are not to appear over half an hour.
    const pauseMs = more
      ? options.jobsEveryMs / 2
      : answered
        ? // However slow it is: nobody waits for longer than this to hear of it.
          Math.max(options.jobsEveryMs - (performance.now() - started), Math.min(askedMs * pauseShare, longestPauseMs))
        : Math.min(10_000, options.jobsEveryMs * 2) * (0.75 + Math.random() / 2);
    paces.set(name, { ...pace, nextAt: performance.now() + pauseMs });
  }
  async function follow(lease: ClusterLease): Promise<void> {
    const name = lease.cluster;
    flowAt.set(name, performance.now() + options.flow.everyMs);
    const known = vertices.get(name) ?? new Map();
    vertices.set(name, known);
    await followFlows(options, lease, known).catch((error) => log.warn({ cluster: name, error: String(error) }, 'look at the data failed'));
  }
  const digests = createDaily({ database, log, name: 'digest', ...options.digest, signal: ending.signal }, async () =>
    (await digestChannels(database.db, options.defaults)).map((channel) => ({
      of: channel,
      post: (tx, { day, now }) => postDigest(tx, channel, day, now, options.defaults),
    })),
  );
  const handovers = createDaily({ database, log, name: 'handover', ...options.handover, signal: ending.signal }, async () =>
    (await handoverTeams(database.db, options.defaults)).map((team) => ({
      of: team.team,
      post: (tx, { day, now, before }) => postHandover(tx, team, day, { now, since: handoverSince(before, now) }, options.keep),
    })),
  );
  const daily = (post: () => Promise<boolean>) => async () => {
    if (await post()) options.onNews();
  };
  async function sweep(): Promise<void> {
    if (!(await winTick(database.db, 'retention', minuteOf(await dbNow(database.db))))) return;
    await sweepSavepoints({ ...options, signal: ending.signal });
  }
  const underway = new Set<Promise<void>>();
  const guarded = (name: string, work: () => Promise<void>) => () => {
    const done = work()
      .catch((error) => log.warn({ task: name, error: String(error) }, 'scheduled work failed'))
      .finally(() => underway.delete(done));
    underway.add(done);
    return done;
  };
  const tasks = [
    cron.schedule('* * * * * *', guarded('tick', tick), { noOverlap: true, name: 'tick' }),
    // When their time comes, and every minute what it left: a little after its beginning, for the database's clock says which it is.
    ...[
      { name: 'digest', when: options.digest, post: daily(digests) },
      { name: 'handover', when: options.handover, post: daily(handovers) },
    ].flatMap(({ name, when, post }) => [
      cron.schedule(when.at, guarded(name, post), { noOverlap: true, name, timezone: when.timeZone }),
      cron.schedule('2 * * * * *', guarded(name, post), { noOverlap: true, name: `${name} left` }),
    ]),
    cron.schedule('37 * * * *', guarded('retention', sweep), { noOverlap: true, name: 'retention' }),
    cron.schedule(
      '17 * * * *',
      guarded('housekeeping', () => forgetOld(database.db, { incidentsMs: options.incidentsKeptMs }, ending.signal)),
      { noOverlap: true, name: 'housekeeping' },
    ),
  ];
  return {
    lastPollAgeMs: () => (lastGoodPoll === undefined ? undefined : performance.now() - lastGoodPoll),
    async stop() {
      stopped = true;
      ending.abort();
      await Promise.all(tasks.map((task) => task.destroy()));
      await Promise.all([...underway, ...inFlight.values(), ...flowing.values(), deadMan?.stopped()]);
      await releaseClusters(database.db, options.owner).catch((error) => log.warn({ error: String(error) }, 'leases were not given back'));
    },
  };
}
