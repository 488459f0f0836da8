import { samePathKey } from '../../../src/deploy/restore-path.ts';
import type { JobEnd } from '../truth.ts';
import type { History, IncidentFact, OperationFact, RunFact, StepFact } from './history.ts';

/** A restore point as the cluster made it. */
export interface TruePoint {
  path: string;
  kind: 'savepoint' | 'checkpoint';
  counter: number;
  triggerId: string | undefined;
  /** Place in the order of all events. */
  madeAt: number;
  goneAt: number;
}
/** A Flink job as it truly was. */
export interface TrueRun {
  cluster: string;
  jobId: string;
  jobName: string;
  /** How often it was started under this id. */
  starts: number;
  /** Milliseconds since the epoch, by the truth's clock. */
  at: number;
  /** Place in the order of all events. */
  order: number;
  restoredFrom: string | undefined;
  counter: number;
  cameUp: boolean;
  end: { how: JobEnd; at: number; order: number } | undefined;
  points: TruePoint[];
  /** What Sluice knows of it. */
  run: RunFact | undefined;
  operation: OperationFact | undefined;
  job: string | undefined;
  outside: boolean;
}
/** The truth of all clusters in one line, tied to what Sluice wrote down. */
export interface World {
  /** In the order in which they began. */
  trueRuns: TrueRun[];
  /** Whether there is a truth log of a cluster; without one nothing is concluded from its silence. */
  isKnown(cluster: string): boolean;
  find(cluster: string, jobId: string): TrueRun | undefined;
  /** What an operation started, in order. */
  startedBy(operationId: string): TrueRun[];
  /** Every restore point there ever was, by the key of its path. */
  points: Map<string, TruePoint>;
  steps(operationId: string): StepFact[];
  step(operationId: string, name: string): StepFact | undefined;
  /** The run that an operation worked on, from its `target` step. */
  target(operationId: string): TrueRun | undefined;
  /** Jars on each cluster at the end. */
  jars: { cluster: string; jarId: string; name: string }[];
  /** Operations that may still do something for a job. */
  busy(job: string): boolean;
  firing(test: (incident: IncidentFact) => boolean): boolean;
  /** Whether a moment of the database's clock is so recent that what follows may be under way. */
  recent(at: Date): boolean;
  /** The same for a moment of the truth's clock, in milliseconds. */
  recentTruth(at: number): boolean;
}

const starting = ['start', 'restart', 'restore'];
/** Whether an operation of this kind brings a job up. */
export function startsJob(op: Pick<OperationFact, 'kind'>): boolean {
  return starting.includes(op.kind);
}
export function isOver(op: Pick<OperationFact, 'state'>): boolean {
  return op.state === 'succeeded' || op.state === 'failed' || op.state === 'canceled';
}

/** Reads the truth logs of a history. Pure. */
export function worldOf(h: History): World {
  const operations = new Map(h.operations.map((op) => [op.id, op]));
  const stepsOf = Map.groupBy(h.steps, (step) => step.operationId);
  const runOf = new Map(h.runs.map((run) => [`${run.cluster}/${run.flinkJobId}`, run]));
  // An id that was chosen but whose run is not recorded still has its operation.
  const chosenBy = new Map(
    h.steps.flatMap((step) => (typeof step.intent?.['flinkJobId'] === 'string' ? [[step.intent['flinkJobId'], step.operationId]] : [])),
  );
  const jobNames = new Set(h.jobs.map((job) => job.name));
  const outside = new Set(h.outside);
  const byKey = new Map<string, TrueRun>();
  const trueRuns: TrueRun[] = [];
  const points = new Map<string, TruePoint>();
  const jars: World['jars'] = [];
  const events = h.clusters
    .flatMap((cluster) => cluster.truth.map((event) => ({ cluster: cluster.name, event })))
    .sort((a, b) => a.event.at - b.event.at || (a.cluster === b.cluster ? a.event.seq - b.event.seq : 0));
  for (const [order, { cluster, event }] of events.entries()) {
    if (event.is === 'jar-uploaded') jars.push({ cluster, jarId: event.jarId, name: event.name });
    else if (event.is === 'jar-deleted') drop(jars, (jar) => jar.cluster === cluster && jar.jarId === event.jarId);
    else if (event.is === 'jobmanager-restarted') drop(jars, (jar) => jar.cluster === cluster);
    else if (event.is === 'restore-point-gone') {
      const point = points.get(samePathKey(event.path));
      if (point) point.goneAt = order;
    } else if (event.is === 'job-started') {
      const key = `${cluster}/${event.jobId}`;
      const earlier = byKey.get(key);
      if (earlier) {
        earlier.starts++;
        earlier.end = undefined;
        continue;
      }
      const run = runOf.get(key);
      const operation = operations.get(run?.operationId ?? chosenBy.get(event.jobId) ?? '');
      const found: TrueRun = {
        cluster,
        jobId: event.jobId,
        jobName: event.jobName,
        starts: 1,
        at: event.at,
        order,
        restoredFrom: event.restoredFrom,
        counter: event.counter,
        cameUp: false,
        end: undefined,
        points: [],
        run,
        operation,
        job: run?.job ?? operation?.job ?? (jobNames.has(event.jobName) ? event.jobName : undefined),
        outside: outside.has(event.jobId),
      };
      byKey.set(key, found);
      trueRuns.push(found);
    } else {
      const found = byKey.get(`${cluster}/${event.jobId}`);
      if (!found) continue;
      if (event.is === 'job-running') found.cameUp = true;
      else if (event.is === 'job-ended') found.end = { how: event.end, at: event.at, order };
      else {
        const point: TruePoint = {
          path: event.path,
          kind: event.kind,
          counter: event.counter,
          triggerId: event.triggerId,
          madeAt: order,
          goneAt: Number.POSITIVE_INFINITY,
        };
        found.points.push(point);
        points.set(samePathKey(event.path), point);
      }
    }
  }
  const steps = (id: string) => stepsOf.get(id) ?? [];
  const step = (id: string, name: string) => steps(id).find((row) => row.name === name);
  const nowMs = h.now.getTime();
  return {
    trueRuns,
    points,
    jars,
    isKnown: (cluster) => h.clusters.some((c) => c.name === cluster),
    find: (cluster, jobId) => byKey.get(`${cluster}/${jobId}`),
    startedBy: (id) => trueRuns.filter((run) => run.operation?.id === id),
    steps,
    step,
    target(id) {
      const result = step(id, 'target')?.result;
      return result ? byKey.get(`${String(result['cluster'])}/${String(result['flinkJobId'])}`) : undefined;
    },
    busy: (job) => h.operations.some((op) => op.job === job && ['queued', 'running', 'parked'].includes(op.state)),
    firing: (test) => h.incidents.some((incident) => incident.state === 'firing' && test(incident)),
    recent: (at) => Math.max(0, nowMs - at.getTime()) < h.graceMs,
    recentTruth: (at) => Math.max(0, nowMs - h.clockAheadMs - at) < h.graceMs,
  };
}
function drop<T>(list: T[], test: (item: T) => boolean): void {
  for (let i = list.length - 1; i >= 0; i--) if (test(list[i] as T)) list.splice(i, 1);
}
