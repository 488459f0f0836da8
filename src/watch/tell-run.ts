import type { Tx } from '../db/db.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { openIncident, resolveIncidents } from '../incidents/open.ts';
import { findJob, type Job } from '../jobs/jobs.store.ts';
import { isSuperseded, type Run, takeTelling, untoldRuns } from '../jobs/runs.store.ts';
import { heldJobs } from '../operations/operations.store.ts';
import { listRestorePoints } from '../restore-points/restore-points.store.ts';
import { noOperation } from './discover.ts';
import { operationBehind } from './ends.store.ts';
import { type IncidentDetails, incidentInput } from './incident-input.ts';
import type { PollDeps } from './poll-deps.ts';
import { objectiveKey } from './tell-objective.ts';

/** What can be wrong with a run; one incident per job and cause. */
const causes = ['failed', 'restarting', 'lost', 'canceled-elsewhere', 'ended'] as const;
type RunCause = (typeof causes)[number];

/** Keys of the incidents that a recovery or a stop of a job closes. */
export const keysOf = (job: string): string[] => causes.map((cause) => `job:${job}:${cause}`);

/** What others started is taken for bounded work when it never made a checkpoint: then its end is no problem. */
const didItsWork = (run: Run) => run.operationId === noOperation && !run.lastCheckpoint;

/** Opens (or counts on) the incident of a run that is not well, with what Flink says of the cause. */
export async function tellTrouble(deps: PollDeps, open: OpenCluster, run: Run): Promise<void> {
  const cause = await open.deployer.rootCause(run.flinkJobId, { timeoutMs: 4000 }).catch(() => undefined);
  await deps.database.transaction(async (tx) => {
    const job = await findJob(tx, run.job);
    if (!job) return;
    await tell(tx, deps, job, run, 'restarting', `${run.job} is restarting: ${run.tasksRunning}/${run.tasksTotal} tasks run`, {
      ...(cause ? { exception: oneLine(cause) } : {}),
      tasks: `${run.tasksRunning}/${run.tasksTotal}`,
      detail: 'Flink restarts it by itself; this message says how that ends.',
    });
  });
  deps.onNews();
}

/**
 * Tells of every end on a cluster that nobody was told of, whoever found it: watch, a command or an operation. The incident and the fact that it
 * is told commit together. While an operation works on the job it waits: the operation may bring it up again.
 */
export async function tellEnds(deps: PollDeps, cluster: string): Promise<void> {
  const { database } = deps;
  const untold = await untoldRuns(database.db, cluster);
  if (untold.length === 0) return;
  for (const run of untold) {
    const told = await database.transaction(async (tx) => {
      if ((await heldJobs(tx)).has(run.job)) return false;
      return (await takeTelling(tx, run.id)) && (await tellEnd(tx, deps, run));
    });
    if (told) deps.onNews();
  }
}

/** True when there was something to tell: not of a run that a later one has replaced by now, nor of a batch job that did its work. */
async function tellEnd(tx: Tx, deps: PollDeps, run: Run): Promise<boolean> {
  const job = await findJob(tx, run.job);
  if (!job || (await isSuperseded(tx, run))) return false;
  const end = (await endBySluice(tx, deps, run)) ?? (await endOf(tx, job, run));
  if (!end) return false;
  // One problem at a time: what ends a run takes the place of "is restarting".
  await resolveIncidents(tx, [`job:${run.job}:restarting`, objectiveKey(run.job)], `It did not recover: ${end.title}.`);
  await tell(tx, deps, job, run, end.cause, end.title, end.facts);
  return true;
}
interface End {
  cause: RunCause;
  title: string;
  facts: IncidentDetails;
}
/** An end that an operation brought about without having come to say so itself: it was parked, failed, or its process died. */
async function endBySluice(tx: Tx, deps: PollDeps, run: Run): Promise<End | undefined> {
  const behind = await operationBehind(tx, run);
  if (!behind) return undefined;
  const { op, how } = behind;
  const who = op.actor.name;
  const facts = (detail: string, noCheckpoint?: string): End['facts'] => ({
    detail,
    byOperation: op.id,
    ...(noCheckpoint ? { noCheckpoint } : {}),
    extraLinks: [{ label: 'The operation', url: `${deps.publicUrl}/operations/${op.id}` }],
  });
  if (how === 'assumed-gone')
    return {
      cause: 'lost',
      title: `${run.job}: ${who} broke glass and took its run v${run.version} for gone`,
      facts: facts(
        `${run.cluster} did not answer then, so the end of that run is not proven: it may still run there. Reason given: ${op.breakGlass ?? 'none'}.`,
      ),
    };
  if (how === 'undone')
    return {
      cause: 'ended',
      title: `${run.job} does not run: Sluice canceled what ${who}'s ${op.kind} had submitted`,
      facts: facts(`The ${op.kind} ${stateWords(op.state)}; it says why.`),
    };
  const savepoint =
    run.state === 'FINISHED' ? (await listRestorePoints(tx, run.job)).find((p) => p.kind === 'savepoint' && p.runId === run.id) : undefined;
  const kept =
    run.state === 'FINISHED'
      ? savepoint
        ? `Its savepoint: ${savepoint.path}.`
        : 'Its savepoint was asked for but is not recorded yet.'
      : run.lastCheckpoint?.path
        ? 'Its last checkpoint is kept.'
        : 'It had no checkpoint.';
  return {
    cause: 'ended',
    title: `${run.job} was stopped by ${who}'s ${op.kind}, which ${stateWords(op.state)}`,
    facts: facts(kept, run.state === 'FINISHED' ? 'gone: Flink deletes them when a job finishes' : undefined),
  };
}
const stateWords = (state: string) =>
  ({ parked: 'is parked', failed: 'failed afterwards', canceled: 'was canceled afterwards', succeeded: 'is done' })[state] ?? 'is not over';

async function endOf(tx: Tx, job: Job, run: Run): Promise<End | undefined> {
  if (run.endReason === 'failed')
    return {
      cause: 'failed',
      title: `${run.job} failed`,
      facts: {
        ...(run.rootException ? { exception: oneLine(run.rootException) } : {}),
        ...(run.rootException?.task ? { task: run.rootException.task } : {}),
      },
    };
  if (run.endReason === 'lost')
    return {
      cause: 'lost',
      title: `${run.job} is gone: ${run.cluster} answers but no longer knows it`,
      facts: { detail: 'The JobManager was restarted without high availability, or the job was removed. It does not run.' },
    };
  if (run.endReason === 'canceled')
    return {
      cause: 'canceled-elsewhere',
      title: `${run.job} was canceled by somebody outside Sluice`,
      facts: { detail: run.lastCheckpoint?.path ? 'Its last checkpoint is kept.' : 'It had no checkpoint.' },
    };
  if (run.endReason === 'finished' && job.mode === 'streaming' && !didItsWork(run)) {
    const savepoint = (await listRestorePoints(tx, run.job)).find((point) => point.kind === 'savepoint');
    return {
      cause: 'ended',
      title: `${run.job} ended by itself, or was stopped outside Sluice; its checkpoints are gone`,
      facts: {
        noCheckpoint: 'gone: Flink deletes them when a job finishes',
        detail: savepoint ? `Its newest savepoint: ${savepoint.path}` : 'It has no savepoint.',
      },
    };
  }
  return undefined;
}
const oneLine = (cause: { name: string; message: string }) => `${cause.name}: ${cause.message}`;

async function tell(tx: Tx, deps: PollDeps, job: Job, run: Run, cause: RunCause, title: string, facts: IncidentDetails): Promise<void> {
  const input = await incidentInput(tx, deps, job, run, { cause, title, facts });
  if ((await openIncident(tx, input)) && !input.channel) deps.log.warn({ job: job.name, cause }, 'an incident has no channel to go to');
}
