import { chunks, eachWithin } from '../core/lists.ts';
import { dbNow } from '../db/clock.ts';
import type { Tx } from '../db/db.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { fingerprint } from '../incidents/fingerprint.ts';
import { changeIncidents, openOfRuns } from '../incidents/incidents.store.ts';
import type { IncidentFacts } from '../incidents/message.ts';
import { repaint } from '../incidents/paint.ts';
import { endRuns, runsWithLastWordsDue } from '../jobs/run-crowd.store.ts';
import { findRun, type Run, updateRun } from '../jobs/runs.store.ts';
import { type LastWords, lastWords, reasonOf, recordLastWords } from '../operations/settle-run.ts';
import { checkpointsAfter } from '../restore-points/kept.rule.ts';
import { markCheckpointsVanished, markNewestFinal } from '../restore-points/restore-points.store.ts';
import { checkpointFacts } from './incident-input.ts';
import { canceledFacts, keptFacts } from './kept-facts.ts';
import type { PollDeps } from './poll-deps.ts';

/** Rows in one statement, and in one transaction. */
const atOnce = 1000;
/** Of what Flink still knows so many are read in one poll, for so long: the next ones go on. */
export const wordsPerPoll = 200;
const wordsLimits = { atOnce: 8, forMs: 400 };
const wordsTimeoutMs = 1500;
/** `jobstore.expiration-time`: Flink forgets ended jobs after an hour. */
const wordsKeptMs = 3_600_000;

/** So many that give no answer in one poll: the cluster is silent, not they. */
const silentFrom = 3;
/** Runs that gave none, and when they are asked again; forgotten with this process. */
const inVain = new Map<string, { times: number; notBefore: number }>();
const vainForMs = 15_000;

/** A run and the state in which the cluster's own list shows it; LOST: two lists in a row do not name it. */
export interface CrowdEnd {
  run: Run;
  state: string;
  lostBy: Run['lostBy'];
}

/**
 * Records many ends that one poll has seen, with a few statements for all of them. That they are over is proven by the list; why, and their last
 * checkpoints, is read from Flink afterwards, some at a time (`readLastWords`).
 */
export async function settleCrowd(deps: PollDeps, ends: readonly CrowdEnd[]): Promise<void> {
  for (const [key, alike] of Map.groupBy(ends, ({ state, lostBy }) => JSON.stringify([state, lostBy]))) {
    const [state, lostBy] = JSON.parse(key) as [string, Run['lostBy']];
    for (const piece of chunks(alike, atOnce))
      await deps.database.transaction(async (tx) => {
        const ids = piece.map(({ run }) => run.id);
        const ended = await endRuns(tx, ids, { state, reason: reasonOf(state), lostBy, lastWords: state !== 'LOST' });
        const over = new Set(ended);
        await markFinals(
          tx,
          piece.filter(({ run }) => over.has(run.id)).map(({ run }) => ({ ...run, state })),
        );
      });
  }
}

/** Reads why runs ended that were recorded among many, and their last checkpoints; their incidents and messages say it from then on. */
export async function readLastWords(deps: PollDeps, open: OpenCluster): Promise<void> {
  const { database } = deps;
  const due = await runsWithLastWordsDue(database.db, open.cluster.name, wordsPerPoll);
  if (due.length === 0) return;
  const at = await dbNow(database.db);
  const read: { run: Run; words: LastWords }[] = [];
  const vain: string[] = [];
  const ready = due.filter(({ id }) => (inVain.get(id)?.notBefore ?? 0) <= performance.now());
  await eachWithin(ready, wordsLimits, async (run) => {
    // A cluster that is busy with its storm is asked again later, for as long as it may know.
    if (vain.length >= silentFrom) return;
    const words = await lastWords(open, run, wordsTimeoutMs);
    if (words.unanswered && at.getTime() - (run.endedAt?.getTime() ?? 0) < wordsKeptMs) vain.push(run.id);
    else read.push({ run, words });
  });
  for (const { run } of read) inVain.delete(run.id);
  // Those that give no answer must not keep others from their turn.
  for (const id of vain) {
    const times = (inVain.get(id)?.times ?? 0) + 1;
    inVain.set(id, { times, notBefore: times > 1 ? performance.now() + vainForMs : 0 });
  }
  if (read.length === 0) return;
  await database.transaction(async (tx) => {
    const incidents = await openOfRuns(
      tx,
      read.map(({ run }) => run.id),
    );
    const messages = new Map<string, Parameters<typeof repaint>[1]>();
    for (const { run, words } of read) {
      await recordLastWords(tx, run, words);
      await updateRun(tx, run.id, { lastWordsDue: false });
      const now = (await findRun(tx, run.id)) ?? run;
      await markFinals(tx, [now]);
      const incident = incidents.get(run.id);
      if (!incident) continue;
      const kept = await keptBy(tx, incident.cause, now);
      const [told] = await changeIncidents(tx, [incident.id], factsNow(incident.facts as IncidentFacts, now, kept));
      if (told && told.messageId !== null) messages.set(told.leaderId ?? told.id, told);
    }
    for (const told of messages.values()) await repaint(tx, told);
  });
  deps.onNews();
}
async function markFinals(tx: Tx, runs: readonly Run[]): Promise<void> {
  await markCheckpointsVanished(
    tx,
    runs.filter((run) => checkpointsAfter(run) === 'gone').map((run) => run.id),
  );
  await markNewestFinal(
    tx,
    runs.filter((run) => run.state !== 'FINISHED').map((run) => run.id),
  );
}
/** Of ends whose message says nothing but what was kept. */
async function keptBy(tx: Tx, cause: string, run: Run): Promise<IncidentFacts> {
  if (cause === 'canceled-elsewhere') return canceledFacts(tx, run);
  return cause === 'failed' && run.lastCheckpoint ? keptFacts(tx, run) : {};
}
function factsNow({ causeUnread, checkpoint, noCheckpoint, beganFrom, ...facts }: IncidentFacts, run: Run, kept: IncidentFacts) {
  const cause = causeUnread ? run.rootException : null;
  const exception = cause ? `${cause.name}: ${cause.message}` : undefined;
  return {
    facts: {
      ...facts,
      ...(exception ? { exception } : {}),
      ...(cause?.task ? { task: cause.task } : {}),
      ...(kept.noCheckpoint
        ? {}
        : run.lastCheckpoint
          ? checkpointFacts(run)
          : { checkpoint, noCheckpoint, ...(beganFrom ? { beganFrom } : {}) }),
      ...kept,
    },
    fingerprint: exception ? fingerprint(exception, run.job) : null,
  };
}
