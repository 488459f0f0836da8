import { type Html, html } from '../src/core/html.ts';
import { formatBytes, formatDuration } from '../src/core/time.ts';
import type { RestorePoint } from '../src/restore-points/restore-points.store.ts';
import type { Judged } from '../src/restore-points/retention.rule.ts';
import { actionView, type FormContext } from './form.ts';
import { ago, badge, empty, moment, table } from './parts.ts';

/** Restore points of a job, newest first; the short form is for the overview. `judged`: what the retention says of the savepoints. */
export function restorePointsTable(
  points: readonly RestorePoint[],
  job: string,
  now: Date,
  form: FormContext,
  short = false,
  judged: readonly Judged[] = [],
): Html {
  const said = new Map(judged.map((one) => [one.point.id, one]));
  if (points.length === 0)
    return empty(
      'There is no restore point yet.',
      html`A savepoint makes one: <code>/flink savepoint ${job}</code>; a running job's checkpoints are listed too.`,
    );
  return table(
    'Restore points, newest first',
    [
      { label: 'Taken', kind: 'main' },
      { label: 'Kind' },
      { label: 'Version' },
      { label: 'Size', kind: 'num' },
      ...(short
        ? []
        : [
            { label: 'Took', kind: 'num' as const },
            { label: 'Flink' },
            { label: 'Kept', kind: 'wide' as const },
            { label: 'Path', kind: 'wide' as const },
            { label: '' },
          ]),
    ],
    points.map((p) => ({
      cells: [
        ago(p.takenAt, now),
        html`${p.kind === 'checkpoint' && p.checkpointId !== null ? `checkpoint ${p.checkpointId}` : p.kind} <span class="tag">${p.final ? 'final' : 'mid-run'}</span>`,
        `v${p.version}`,
        p.size === null ? '–' : formatBytes(p.size),
        ...(short
          ? []
          : [
              p.durationMs === null ? '–' : formatDuration(p.durationMs),
              p.flinkVersion ?? '–',
              keptWords(p, said.get(p.id)),
              html`<code class="path">${p.path}</code>`,
              html`<div class="actions">${actionView(form, { label: 'Restore…', command: `restore ${job} --from ${p.id}` })}${p.kind === 'savepoint' ? actionView(form, p.pinned ? { label: 'Unpin', command: `unpin ${job} ${p.id}` } : { label: 'Pin', command: `pin ${job} ${p.id}` }) : ''}</div>`,
            ]),
      ],
    })),
  );
}

/** Why one is kept, or when it is deleted and why. */
function keptWords(point: RestorePoint, judged: Judged | undefined): Html | string {
  if (!judged) return point.kind === 'checkpoint' ? 'as long as Flink keeps it' : '–';
  if (judged.keep) return judged.why;
  return html`${badge('warn', 'to be deleted')} ${point.goesAt ? html`after ${moment(point.goesAt)}, ` : ''}${judged.why}`;
}
