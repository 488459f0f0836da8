import { doneLately } from '../access/audit.store.ts';
import type { Db } from '../db/db.ts';
import { runsBetween } from '../jobs/runs.store.ts';
import { restorePointsBetween } from '../restore-points/restore-points.store.ts';
import { changeWords } from './changes.ts';
import type { Incident } from './incidents.store.ts';

/** What a job did around an incident: its runs, its checkpoints and savepoints, what people did. */
export interface Story {
  from: Date;
  to: Date;
  /** When the incident began and ended; without an end it lasts. */
  trouble: { from: Date; to: Date | undefined };
  runs: { from: Date; to: Date; lives: boolean; words: string }[];
  points: { at: Date; kind: 'checkpoint' | 'savepoint'; words: string }[];
  acts: { at: Date; words: string }[];
}
const hour = 3_600_000;

/** Reads what happened from an hour before an incident until now, or until a quarter of an hour after its end. */
export async function incidentStory(db: Db, incident: Incident, now: Date): Promise<Story> {
  const from = new Date(incident.firstSeen.getTime() - hour);
  const to = new Date(Math.min(now.getTime(), (incident.resolvedAt ?? now).getTime() + hour / 4));
  const { job } = incident;
  const [runs, points, done] = job
    ? await Promise.all([
        runsBetween(db, job, from, to),
        restorePointsBetween(db, job, from, to),
        doneLately(db, [`job:${job}`], now.getTime() - from.getTime(), 200),
      ])
    : [[], [], []];
  return {
    from,
    to,
    trouble: { from: incident.firstSeen, to: incident.resolvedAt ?? undefined },
    runs: runs.map((run) => ({
      from: run.startedAt,
      to: run.endedAt ?? to,
      lives: !run.ended,
      words: `v${run.version} ${run.ended ? (run.endReason ?? 'ended') : run.state.toLowerCase()}`,
    })),
    points: points.map((point) => ({ at: point.takenAt, kind: point.kind, words: `${point.kind} ${point.checkpointId ?? ''}`.trim() })),
    acts: done.flatMap((row) => {
      const words = row.at <= to ? changeWords(row) : undefined;
      return words ? [{ at: row.at, words }] : [];
    }),
  };
}
