import { AppError } from '../core/errors.ts';
import type { Database } from '../db/db.ts';
import type { ClusterFacts, RunSight } from '../deploy/deployer.ts';
import type { Deployers, OpenCluster } from '../deploy/deployers.ts';
import { findVersion, type Job, type JobVersion } from '../jobs/jobs.store.ts';
import { lastRunThatRan, latestRun, type Run, versionsThatRan } from '../jobs/runs.store.ts';
import { type LastState, lastStateOf } from '../restore-points/last-state.ts';
import { provenSight } from './proven-sight.ts';
import { settleRun } from './settle-run.ts';

/** What a person wants to start. */
export interface StartWish {
  /** A version number, `current`, or undefined: the version that ran last (resume). */
  version: number | 'current' | undefined;
  /** From nothing. */
  fresh: boolean;
  /** A path typed or chosen. */
  from: string | undefined;
  /** The restore point behind `from`, when it is a recorded one. */
  pointId?: string | undefined;
  /** The former run counts as ended although nobody can prove it. */
  breakGlass: boolean;
  /** The operation has stopped a run of the job to start this one in its place. */
  replaces?: boolean;
}

/** What is true at this moment; gathered before the pure decision. */
export interface StartFacts {
  job: Job;
  /** The version that would run; undefined if the one asked for does not exist. */
  version: JobVersion | undefined;
  /** The newest run, settled if its end could be proven just now. */
  run: Run | undefined;
  /** The newest run that came up as a whole: its version is the one to resume. */
  ranLast: Run | undefined;
  /** What the cluster says of the newest run while its end is not proven. */
  sight: RunSight | undefined;
  lastState: LastState | undefined;
  /** Undefined: the cluster of the version does not answer. */
  cluster: ClusterFacts | undefined;
  clusterError: string | undefined;
  ranBefore: ReadonlySet<number>;
}

/** Reads the database and asks the clusters; records the end of a run that is proven on the way. */
export async function gatherStartFacts(deps: { database: Database; deployers: Deployers }, job: Job, wish: StartWish): Promise<StartFacts> {
  const { database, deployers } = deps;
  let run = await latestRun(database.db, job.name);
  const ranLast = run?.runningAt ? run : await lastRunThatRan(database.db, job.name);
  let sight: RunSight | undefined;
  let lastState: LastState | undefined;
  const number = wish.version === 'current' ? job.currentVersion : (wish.version ?? ranLast?.version ?? job.currentVersion);
  const version = number === job.currentVersion ? job.current : await findVersion(database.db, job.name, number);
  const target = askCluster(deployers, version?.definition.cluster ?? job.current.definition.cluster);
  if (run) {
    const home = await deployers.of(run.cluster);
    if (!run.ended) {
      sight = await provenSight(database.db, home, run.flinkJobId, { timeoutMs: 4000 });
      ({ run } = await settleRun(database, home, run, sight));
    }
    // With break-glass a run that nobody can see counts as gone for the decision; its end is only written where the start is really carried out.
    // Whoever names a restore point needs no last state, and finding it may take seconds.
    if (wish.from === undefined && (run.ended || (wish.breakGlass && sight?.is === 'unknown'))) {
      // A run that never came up replaced nothing, whatever it was started from: the state is still that of the run before it.
      const owner = run.endReason === 'never-started' && ranLast?.ended ? ranLast : run;
      const place = owner.cluster === run.cluster ? home : await deployers.of(owner.cluster);
      lastState = await lastStateOf(database.db, owner, place, version?.definition.checkpointDir);
    }
  }
  const { facts, error } = await target;
  return {
    job,
    version,
    run,
    ranLast,
    sight,
    lastState,
    cluster: facts,
    clusterError: error,
    ranBefore: await versionsThatRan(database.db, job.name),
  };
}

async function askCluster(deployers: Deployers, name: string): Promise<{ facts?: ClusterFacts; error?: string }> {
  try {
    const open: OpenCluster = await deployers.of(name);
    return { facts: await open.deployer.facts({ timeoutMs: 4000 }) };
  } catch (error) {
    if (error instanceof AppError) return { error: error.message };
    throw error;
  }
}
