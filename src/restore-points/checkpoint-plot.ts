import type { Checkpoint } from './checkpoints.store.ts';

/** One mark of the plot: the slowest and the largest of what lies under it. */
export interface PlotMark {
  at: Date;
  count: number;
  durationMs: number;
  size: number;
  /** What a single one is; of several the first and the last. */
  words: string;
}
export interface PlotFailure {
  at: Date;
  count: number;
  words: string;
}
export interface CheckpointPlot {
  from: Date;
  to: Date;
  marks: PlotMark[];
  failures: PlotFailure[];
}
/** More marks than this cannot be told apart. */
const columns = 160;

/** Many checkpoints as few marks: of those that fall together the slowest and the largest count, and each failure is kept. Pure. */
export function plotOf(rows: readonly Checkpoint[], from: Date, to: Date): CheckpointPlot {
  const span = Math.max(1, to.getTime() - from.getTime());
  const column = (row: Checkpoint) => Math.min(columns - 1, Math.floor(((row.endedAt.getTime() - from.getTime()) / span) * columns));
  const inside = rows
    .filter((row) => row.endedAt >= from && row.endedAt <= to)
    .sort((a, b) => a.endedAt.getTime() - b.endedAt.getTime() || a.id - b.id);
  const named = (group: readonly Checkpoint[]) => {
    const [first, last] = [group[0], group.at(-1)];
    return !first || !last
      ? ''
      : group.length === 1
        ? `${first.kind} ${first.id}`
        : `${group.length} checkpoints, ${first.id} to ${last.id}`;
  };
  const groups = (state: Checkpoint['state']) => [
    ...Map.groupBy(
      inside.filter((row) => row.state === state),
      column,
    ).values(),
  ];
  return {
    from,
    to,
    marks: groups('completed').map((group) => ({
      at: group.at(-1)?.endedAt ?? to,
      count: group.length,
      durationMs: Math.max(...group.map((row) => row.durationMs)),
      size: Math.max(...group.map((row) => row.size ?? 0)),
      words: named(group),
    })),
    failures: groups('failed').map((group) => ({
      at: group.at(-1)?.endedAt ?? to,
      count: group.length,
      words: `${named(group)}: ${group.at(-1)?.failure ?? ''}`,
    })),
  };
}
