import { doneLately } from '../access/audit.store.ts';
import { redact } from '../core/redact.ts';
import { oneLine, truncate } from '../core/text.ts';
import type { Db } from '../db/db.ts';
import { findClusterView } from '../deploy/cluster-views.store.ts';
import { runsBetween } from '../jobs/runs.store.ts';
import { failuresBetween } from '../restore-points/checkpoints.store.ts';
import { restorePointsBetween } from '../restore-points/restore-points.store.ts';
import { changeWords, restartSince } from './changes.ts';
import { type Incident, listEvents, listIncidents } from './incidents.store.ts';

/** What a job did around an incident: its runs and when not all of their tasks ran, its checkpoints and savepoints, what was done to it and to its cluster. */
export interface Story {
  from: Date;
  to: Date;
  /** When the incident began and ended; without an end it lasts. */
  trouble: { from: Date; to: Date | undefined };
  runs: { from: Date; to: Date; lives: boolean; words: string; restarting: Stretch[] }[];
  points: { at: Date; kind: 'checkpoint' | 'savepoint' | 'failed'; words: string }[];
  acts: { at: Date; words: string }[];
}
export interface Stretch {
  from: Date;
  to: Date;
}
const hour = 3_600_000;
/** More failed checkpoints than that are no more to be told apart. */
const crossesAtMost = 200;

/** Reads what happened from an hour before an incident until now, or until a quarter of an hour after its end. */
export async function incidentStory(db: Db, incident: Incident, now: Date): Promise<Story> {
  const from = new Date(incident.firstSeen.getTime() - hour);
  const to = new Date(Math.min(now.getTime(), (incident.resolvedAt ?? now).getTime() + hour / 4));
  const { job, cluster } = incident;
  const [runs, points, failures, restarting] = job
    ? await Promise.all([
        runsBetween(db, job, from, to),
        restorePointsBetween(db, job, from, to),
        failuresBetween(db, job, from, to, crossesAtMost),
        restartingStretches(db, job, to),
      ])
    : [[], [], [], []];
  const subjects = [...(job ? [`job:${job}`] : []), ...(cluster ? [`cluster:${cluster}`] : []), 'installation'];
  const done = await doneLately(db, subjects, now.getTime() - from.getTime(), 200, to);
  const restart = cluster ? restartSince(await findClusterView(db, cluster), from) : undefined;
  return {
    from,
    to,
    trouble: { from: incident.firstSeen, to: incident.resolvedAt ?? undefined },
    runs: runs.map((run) => ({
      from: run.startedAt,
      to: run.endedAt ?? to,
      restarting: within(restarting, { from: run.startedAt, to: run.endedAt ?? to }),
      lives: !run.ended,
      words: `v${run.version} ${run.ended ? (run.endReason ?? 'ended') : run.state.toLowerCase()}`,
    })),
    points: [
      ...points.map((point) => ({ at: point.takenAt, kind: point.kind, words: `${point.kind} ${point.checkpointId ?? ''}`.trim() })),
      ...failures.map((one) => ({
        at: one.endedAt,
        kind: 'failed' as const,
        words: `${one.kind} ${one.id} failed: ${truncate(oneLine(redact(one.failure ?? 'Flink gives no reason')), 300)}`,
      })),
    ],
    acts: [
      ...done.flatMap((row) => {
        const words = changeWords(row);
        return words ? [{ at: row.at, words }] : [];
      }),
      ...(restart && restart.at <= to ? [{ at: restart.at, words: restart.what }] : []),
    ],
  };
}

/** When not every task of a job ran for long: its incidents of that cause, each time that they came. */
async function restartingStretches(db: Db, job: string, to: Date): Promise<Stretch[]> {
  const all = (await listIncidents(db, job, 100)).filter((one) => one.cause === 'restarting');
  const stretches = all.map(async (one) => stretchesOf(one, one.comebacks > 0 ? await listEvents(db, one.id) : [], to));
  return (await Promise.all(stretches)).flat();
}
/** One that came back was over in between: what its timeline says before each "Again" is how it was over. Pure. */
export function stretchesOf(
  incident: Pick<Incident, 'firstSeen' | 'resolvedAt'>,
  events: readonly { at: Date; text: string }[],
  to: Date,
): Stretch[] {
  const again = events.flatMap((event, i) =>
    i > 0 && event.text.startsWith('Again: ') ? [{ over: events[i - 1]?.at ?? event.at, at: event.at }] : [],
  );
  const starts = [incident.firstSeen, ...again.map((one) => one.at)];
  const ends = [...again.map((one) => one.over), incident.resolvedAt ?? to];
  return starts.map((from, i) => ({ from, to: ends[i] ?? to }));
}
function within(stretches: readonly Stretch[], run: Stretch): Stretch[] {
  return stretches
    .map(({ from, to }) => ({ from: new Date(Math.max(+from, +run.from)), to: new Date(Math.min(+to, +run.to)) }))
    .filter(({ from, to }) => from < to);
}
