import { chunks } from '../core/lists.ts';
import type { Tx } from '../db/db.ts';
import { openKeys } from '../incidents/incidents.store.ts';
import { type IncidentInput, resolveIncidents } from '../incidents/open.ts';
import { openIncidents } from '../incidents/open-many.ts';
import { findJobs, type Job } from '../jobs/jobs.store.ts';
import { supersededRuns, takeTellings } from '../jobs/run-crowd.store.ts';
import { type Run, untoldRuns } from '../jobs/runs.store.ts';
import { twinWords } from '../jobs/twin.ts';
import { heldJobs } from '../operations/operations.store.ts';
import { listRestorePoints } from '../restore-points/restore-points.store.ts';
import { type OperationBehind, operationsBehind } from './ends.store.ts';
import { type IncidentDetails, incidentInputs, type Told } from './incident-input.ts';
import { canceledFacts, keptFacts } from './kept-facts.ts';
import { noOperation } from './newcomers.ts';
import type { PollDeps } from './poll-deps.ts';
import { loopKey, restartingKey } from './tell-loop.ts';
import { objectiveKey } from './tell-objective.ts';
import { oneLine, type RunCause } from './tell-run.ts';
import { twiceKey } from './tell-twins.ts';

/** What others started is taken for bounded work when it never made a checkpoint: then its end is no problem. */
const didItsWork = (run: Run) => run.operationId === noOperation && !run.lastCheckpoint;
/** Ends that are told in one transaction. */
const atOnce = 500;

/**
 * Tells of every end on a cluster that nobody was told of, whoever found it: watch, a command or an operation. The incident and the fact that it
 * is told commit together. While an operation works on the job it waits: the operation may bring it up again.
 * @param which only these, for now.
 */
export async function tellEnds(deps: PollDeps, cluster: string, which: (run: Run) => boolean = () => true): Promise<void> {
  const { database } = deps;
  // Those whose cause is known come first: they lead the message of the others.
  const untold = (await untoldRuns(database.db, cluster)).filter(which).sort((a, b) => Number(a.lastWordsDue) - Number(b.lastWordsDue));
  for (const piece of chunks(untold, atOnce)) if (await database.transaction((tx) => tellPiece(tx, deps, piece))) deps.onNews();
}

/** True when there was something to tell: not of a run that a later one has replaced by now, nor of a batch job that did its work. */
async function tellPiece(tx: Tx, deps: PollDeps, untold: readonly Run[]): Promise<boolean> {
  const held = await heldJobs(tx);
  const taken = await takeTellings(
    tx,
    untold.filter((run) => !held.has(run.job)).map((run) => run.id),
  );
  const mine = untold.filter((run) => taken.has(run.id));
  const history = await supersededRuns(tx, [...taken]);
  const jobs = await findJobs(tx, [...new Set(mine.map((run) => run.job))]);
  const behind = await operationsBehind(tx, mine);
  const told: Told[] = [];
  for (const run of mine) {
    const job = jobs.get(run.job);
    if (!job || history.has(run.id)) continue;
    const by = behind.get(run.id);
    const end = by ? await endBySluice(tx, deps, run, by) : await endOf(tx, job, run);
    const otherCopy = run.twin ? { otherCopy: twinWords(run.cluster, run.twin) } : {};
    if (end) told.push({ job, run, ...end, facts: { ...end.facts, ...otherCopy } });
  }
  // One problem at a time: what ends a run takes the place of "is restarting", also where its end needs no telling.
  const over = mine.filter((run) => !history.has(run.id));
  const open = new Set(
    await openKeys(
      tx,
      over.flatMap((run) => [...replacedKeys(run), twiceKey(run.job)]),
    ),
  );
  const titles = new Map(told.map(({ run, title }) => [run.id, title]));
  for (const run of over) {
    const keys = replacedKeys(run).filter((key) => open.has(key));
    const title = titles.get(run.id);
    await resolveIncidents(
      tx,
      [twiceKey(run.job)].filter((key) => open.has(key)),
      'Its own run has ended.',
    );
    if (keys.length > 0) await resolveIncidents(tx, keys, title ? `It did not recover: ${title}.` : `${run.job} has ended.`);
  }
  if (told.length === 0) return open.size > 0;
  const inputs = await incidentInputs(tx, deps, told);
  await openIncidents(tx, inputs);
  warnOfHomeless(deps, inputs);
  return true;
}
const replacedKeys = (run: Run) => [restartingKey, loopKey, objectiveKey].map((key) => key(run.job));
function warnOfHomeless(deps: PollDeps, inputs: readonly IncidentInput[]): void {
  for (const { job, cause } of inputs.filter((input) => !input.channel).slice(0, 20))
    deps.log.warn({ job, cause }, 'an incident has no channel to go to');
}

/** Whoever sees an operation fail may be about to bring the job up again. */
const atHandMs = 30_000;
interface End {
  cause: RunCause;
  title: string;
  facts: IncidentDetails;
  settleMs?: number;
}
/** An end that an operation brought about without having come to say so itself: it was parked, failed, or its process died. */
async function endBySluice(tx: Tx, deps: PollDeps, run: Run, { op, how }: OperationBehind): Promise<End> {
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
  const after = await keptFacts(tx, run);
  const kept =
    run.state === 'FINISHED'
      ? savepoint
        ? `Its savepoint: ${savepoint.path}.`
        : 'Its savepoint was asked for but is not recorded yet.'
      : after.detail;
  return {
    cause: 'ended',
    title: `${run.job} was stopped by ${who}'s ${op.kind}, which ${stateWords(op.state)}`,
    ...(op.state === 'failed' || op.state === 'canceled' ? { settleMs: atHandMs } : {}),
    facts: facts(kept, after.noCheckpoint),
  };
}
const stateWords = (state: string) =>
  ({ parked: 'is parked', failed: 'failed afterwards', canceled: 'was canceled afterwards', succeeded: 'is done' })[state] ?? 'is not over';

async function endOf(tx: Tx, job: Job, run: Run): Promise<End | undefined> {
  const kept = run.endReason !== 'finished' && run.lastCheckpoint ? await keptFacts(tx, run) : { detail: '' };
  if (run.endReason === 'failed')
    return {
      cause: 'failed',
      title: `${run.job} failed`,
      facts: {
        ...(run.rootException ? { exception: oneLine(run.rootException) } : {}),
        ...(run.rootException?.task ? { task: run.rootException.task } : {}),
        ...(run.lastWordsDue ? { causeUnread: true as const } : {}),
        ...(kept.detail ? kept : {}),
      },
    };
  if (run.endReason === 'lost')
    return {
      cause: 'lost',
      ...(run.lostBy === 'restart'
        ? {
            title: `${run.job} is gone: the JobManager of ${run.cluster} was restarted and does not know it any more`,
            facts: {
              ...kept,
              detail: `Without high availability Flink forgets its jobs with its JobManager. It does not run. ${kept.detail}`.trim(),
            },
          }
        : {
            title: `${run.job} is gone: ${run.cluster} answers but no longer knows it`,
            facts: {
              ...kept,
              detail: `${
                run.lostBy === 'removal'
                  ? 'Its JobManager was not restarted: the job was removed there.'
                  : 'The JobManager was restarted without high availability, or the job was removed.'
              } It does not run. ${kept.detail}`.trim(),
            },
          }),
    };
  if (run.endReason === 'canceled')
    return {
      cause: 'canceled-elsewhere',
      title: `${run.job} was canceled by somebody outside Sluice`,
      facts: await canceledFacts(tx, run),
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
