import { parseDuration } from '../core/time.ts';
import type { Db, Tx } from '../db/db.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import { checkRestorePath, restoreName } from '../deploy/restore-path.ts';
import type { Job, JobDefinition } from '../jobs/jobs.store.ts';
import { lastRunsThatRan, latestRuns, liveRunsOfAll, type Run } from '../jobs/runs.store.ts';
import type { RestorePoint } from '../restore-points/restore-points.store.ts';
import { type Judged, judgeSavepoints, type RetentionPolicy } from '../restore-points/retention.rule.ts';
import { availablePoints } from '../restore-points/retention.store.ts';
import { activeOperations, describeKind, stepsOfAll } from './operations.store.ts';

/** What an installation keeps of jobs that do not say so themselves; nothing set: every savepoint. */
export type KeepDefaults = RetentionPolicy | undefined;

/** What a job asked for, else the installation. */
export function policyOf(definition: JobDefinition, defaults: KeepDefaults): RetentionPolicy {
  if (definition.keepSavepoints === 'all') return {};
  const own = definition.keepSavepointsFor;
  return {
    keep: definition.keepSavepoints ?? defaults?.keep,
    keepForMs: own === undefined ? defaults?.keepForMs : parseDuration(own),
  };
}

/**
 * What the retention says of the savepoints of these jobs, by job, newest first. What is needed is read of every job: another one may have begun from here.
 * @param options.checksFiles looks whether the files are complete, where they can be read; without it none counts as broken.
 */
export async function judgedSavepoints(
  db: Db | Tx,
  jobs: readonly Job[],
  now: Date,
  defaults: KeepDefaults,
  options: { checksFiles?: boolean } = {},
): Promise<Map<string, Judged[]>> {
  const points = Map.groupBy(
    await availablePoints(
      db,
      jobs.map((job) => job.name),
    ),
    (point) => point.job,
  );
  const clusters = new Map((await listClusters(db)).map((cluster) => [cluster.name, cluster]));
  const needed = await whatIsNeeded(db);
  const out = new Map<string, Judged[]>();
  for (const job of jobs) {
    const mine = points.get(job.name) ?? [];
    const cluster = clusters.get(job.current.definition.cluster);
    const broken = options.checksFiles ? await brokenOf(mine, cluster?.pathsReadable === true) : new Set<string>();
    out.set(
      job.name,
      judgeSavepoints({
        now,
        // What is only observed is somebody else's to delete.
        policy: cluster?.observed ? {} : policyOf(job.current.definition, defaults),
        points: mine,
        inUse: new Map(
          mine.flatMap((point) => {
            const why = needed.of(point);
            return why === undefined ? [] : [[point.id, why]];
          }),
        ),
        broken,
        hands: needed.hands.get(job.name),
      }),
    );
  }
  return out;
}

interface Needed {
  of(point: RestorePoint): string | undefined;
  /** By job: an operation works on it. */
  hands: ReadonlyMap<string, string>;
}
/** What runs, operations and plans of any job name. */
async function whatIsNeeded(db: Db | Tx): Promise<Needed> {
  const [live, latest, ran] = [await liveRunsOfAll(db), await latestRuns(db), await lastRunsThatRan(db)];
  const operations = await activeOperations(db);
  const steps = Map.groupBy(
    await stepsOfAll(
      db,
      operations.map((op) => op.id),
    ),
    (step) => step.operationId,
  );
  const words = new Map<string, string>();
  const hands = new Map<string, string>();
  // By the last part: Flink writes one path in several ways (s3://, s3a://), and to keep one too many harms nobody.
  const need = (named: string, why: string) => {
    const key = restoreName(named);
    if (key !== '' && !words.has(key)) words.set(key, why);
  };
  const fromIt = (run: Run, how: string) => run.restoredFrom && need(run.restoredFrom, `${how} ${run.job} v${run.version}`);
  // Started without claiming it: until its first checkpoint is complete a run reads these files, and after a crash before that it begins from them anew.
  for (const run of live) fromIt(run, 'what runs began from it:');
  for (const run of latest.values()) fromIt(run, 'the last run began from it:');
  for (const run of ran.values()) fromIt(run, 'the last run that came up began from it:');
  for (const op of operations) {
    const state = op.state === 'waiting' ? 'that waits for a lead' : op.state === 'parked' ? 'that is parked' : 'in progress';
    const why = `${describeKind(op.kind)} of ${op.job} ${state} names it`;
    for (const key of textsIn([op.input, op.plan, (steps.get(op.id) ?? []).map((step) => [step.intent, step.result])])) need(key, why);
    hands.set(op.job, `${describeKind(op.kind)} ${state} works on the job`);
  }
  const lastOf = new Set([...live, ...latest.values(), ...ran.values()].map((run) => run.id));
  return {
    hands,
    of: (point) =>
      words.get(point.id) ??
      words.get(restoreName(point.path)) ??
      (point.final && lastOf.has(point.runId) ? 'the last state of the last run' : undefined),
  };
}
/** Every text in a value: an id or a path may stand anywhere in a plan. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
async function brokenOf(points: readonly RestorePoint[], readable: boolean): Promise<Set<string>> {
  const broken = new Set<string>();
  for (const point of points.filter((one) => one.kind === 'savepoint')) {
    const { is } = await checkRestorePath(point.path, readable);
    if (is === 'missing' || is === 'incomplete') broken.add(point.id);
  }
  return broken;
}
