import type { TestContext } from 'node:test';
import { putTeam } from '../../src/access/people.store.ts';
import { silentLog } from '../../src/core/log.ts';
import { messageToText } from '../../src/core/message.ts';
import { dbNow, moveClock } from '../../src/db/clock.ts';
import { leaseClusters } from '../../src/deploy/cluster-views.store.ts';
import type { Deployer, RunSight } from '../../src/deploy/deployer.ts';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { carryIncidentsOn } from '../../src/incidents/lifecycle.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { insertRun } from '../../src/jobs/runs.store.ts';
import { findMessage } from '../../src/outbox/outbox.store.ts';
import { pollCluster } from '../../src/watch/cluster-poll.ts';
import type { KnownVertices } from '../../src/watch/flow.fetch.ts';
import type { FlowLimits } from '../../src/watch/flow.rule.ts';
import { type FlowDeps, followFlows } from '../../src/watch/flow.ts';
import { createLiveRuns } from '../../src/watch/live-runs.ts';
import { noOperation } from '../../src/watch/newcomers.ts';
import { fakeDeployers } from '../helpers/fake-deployer.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import {
  type Frame,
  fullCheckpoints,
  give,
  methodsOfRun,
  type RecordedKey,
  type RecordedMethod,
  type Recording,
  recordedMethods,
} from './recording.ts';

/** What people learned of one problem. */
export interface Heard {
  cause: string;
  /** Seconds of the recording since it began: when it was found, when it was told (never: it passed by itself), when it was over for good. */
  found: number;
  told: number | undefined;
  over: number | undefined;
  resolution: string | undefined;
  tone: string | undefined;
  /** The message as it was when it was told; its links. */
  text: string;
  links: string[];
}
export interface Thresholds extends FlowLimits {
  restartingForMs: number;
  recoverableWithinMs: number;
}
const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
const calls = { firstMs: 30 * 60_000, escalateMs: 60 * 60_000, againMs: 240 * 60_000 };
const second = 1000;
const flowEveryMs = 5 * second;

/** A cluster that answers as the recorded one did at the moment of the clock. */
function replay(recording: Recording, startMs: number, now: () => number): Deployer {
  const at = (): Frame['changed'] => {
    const seen: Frame['changed'] = {};
    for (const [i, frame] of recording.frames.entries()) if (i === 0 || frame.ms <= now()) Object.assign(seen, frame.changed);
    return seen;
  };
  const answer = (method: RecordedMethod, of = '') => {
    const seen = at();
    const silent = (seen.listRuns as { threw?: string } | undefined)?.threw !== undefined;
    const kept = silent ? seen.listRuns : seen[of ? (`${method} ${of}` satisfies RecordedKey) : method];
    return give(silent ? 'listRuns' : method, fullCheckpoints(kept, recording.checkpoints), startMs, recording.slowedBy);
  };
  const isLater = (id: string) => recording.laterRuns?.includes(id) && at()[`look ${id}`] !== undefined;
  const methods = Object.fromEntries(
    recordedMethods.map((method) => [
      method,
      async (...args: unknown[]) => {
        const id = methodsOfRun.has(method) && args[0] !== recording.flinkJobId ? String(args[0]) : '';
        if (id && !isLater(id)) return { is: 'gone' };
        if (method !== 'look') return answer(method, id);
        try {
          return answer(method, id);
        } catch (error) {
          return { is: 'unknown', why: String(error) };
        }
      },
    ]),
  );
  const flow = {
    vertices: async () => answer('vertices'),
    flow: async (_id: string, vertex: { id: string }) => answer('flow', vertex.id),
  };
  return { ...methods, ...flow, runUrl: () => 'http://flink:8081', close: async () => {} } as unknown as Deployer;
}

/** Each second while something happens, else every 5 s: what does not change is told by no poll. Checkpoints and records come all the time. */
function moments({ frames }: Recording, tailMs: number): number[] {
  const isNews = (key: string) => !/^(checkpoints|vertices|flow)\b/.test(key);
  const end = (frames.at(-1)?.ms ?? 0) + tailMs;
  const out: number[] = [];
  for (let ms = 0; ms <= end; ms += second) {
    const before = frames.filter((frame) => frame.ms <= ms);
    const threw = (before.findLast((frame) => frame.changed.listRuns)?.changed.listRuns as { threw?: string } | undefined)?.threw;
    if (threw || ms % (5 * second) === 0 || before.some((frame) => ms - frame.ms < 2 * second && Object.keys(frame.changed).some(isNews)))
      out.push(ms);
  }
  return out;
}

/** Plays a recording through the real watch and store, by a moved clock. @param goesOn seconds in which all stays as in its last frame. */
export async function play(t: TestContext, recording: Recording, thresholds: Thresholds, goesOn = 3): Promise<Heard[]> {
  const database = await sharedDb(t);
  const { db } = database;
  const startMs = (await dbNow(db)).getTime();
  let ms = 0;
  const deployer = replay(recording, startMs, () => ms);
  const look = (await deployer.look(recording.flinkJobId)) as Extract<RunSight, { is: 'seen' }>;
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'etl', channel: 'C0ETL', alertChannel: 'C0ALERT' });
    await createJob(tx, {
      name: 'orders',
      team: 'etl',
      kind: 'jar',
      mode: 'streaming',
      project: null,
      definition: { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [] },
      origin: recording.observed ? 'observed' : 'form',
      createdBy: ann,
    });
    await insertRun(tx, {
      id: 'run_orders',
      job: 'orders',
      version: recording.observed ? 1 : 3,
      cluster: 'standalone',
      flinkJobId: recording.flinkJobId,
      operationId: recording.observed ? noOperation : 'op_start',
      state: look.state,
      stateAt: new Date(startMs),
      startedBy: ann,
      startedAt: new Date(look.acceptedAt ?? startMs),
      runningAt: new Date(look.runningAt ?? startMs),
      beginning: 'fresh',
      tasksRunning: look.tasksRunning,
      tasksTotal: look.tasksTotal,
    });
  });
  const [lease] = await leaseClusters(db, 'me', ['standalone']);
  const { restartingForMs, recoverableWithinMs, ...limits } = thresholds;
  const deps: FlowDeps = {
    database,
    deployers: fakeDeployers({ standalone: deployer }, { observed: recording.observed ?? false }),
    log: silentLog,
    publicUrl: 'http://sluice.example',
    defaults: { defaultChannel: 'C0ALL', alertChannel: 'C0OPS' },
    times: { overviewEveryMs: 5000, checkpointsEveryMs: 60_000 },
    firstCheckpointWithinMs: 60_000,
    incidents: { restartingForMs, recoverableWithinMs, channels: { always: [], whenSlackIsDown: [] }, calls },
    onNews: () => {},
    flow: { limits, everyMs: flowEveryMs, budget: { requests: 100, ms: 60 * second } },
  };
  const withFlow = recording.frames.some(({ changed }) => changed.vertices !== undefined);
  const known: KnownVertices = new Map();
  const live = createLiveRuns('standalone');
  const heard = new Map<string, Heard>();
  for (const moment of moments(recording, goesOn * second)) {
    ms = moment;
    await moveClock(db, startMs + ms * (recording.slowedBy ?? 1) - (await dbNow(db)).getTime());
    await pollCluster(deps, lease!, { overviewMs: ms % (5 * second) === 0 ? 5000 : 0 }, live);
    if (withFlow && ms % flowEveryMs === 0) await followFlows(deps, lease!, known);
    await database.transaction((tx) => carryIncidentsOn(tx, calls));
    for (const row of await listIncidents(db)) {
      const one = heard.get(row.id) ?? {
        cause: row.cause,
        found: ms / second,
        told: undefined,
        over: undefined,
        resolution: undefined,
        tone: undefined,
        text: '',
        links: [],
      };
      heard.set(row.id, one);
      if (one.told === undefined && row.messageId !== null) {
        const { desired } = (await findMessage(db, row.messageId))!;
        one.told = ms / second;
        one.tone = desired.tone;
        one.text = messageToText(desired);
        one.links = [...JSON.stringify(desired).matchAll(/"url":"([^"]+)"/g)].map(([, url]) => url as string);
      }
      if (row.state !== 'resolved') one.over = undefined;
      else one.over ??= ms / second;
      one.resolution = row.resolution ?? undefined;
    }
  }
  return [...heard.values()].sort((a, b) => a.found - b.found);
}
