import { type Html, html } from '../src/core/html.ts';
import { formatBytes, formatDuration } from '../src/core/time.ts';
import type { RestorePoint } from '../src/restore-points/restore-points.store.ts';
import { actionView, type FormContext } from './form.ts';
import { ago, empty, table } from './parts.ts';

/** Restore points of a job, newest first; the short form is for the overview. */
export function restorePointsTable(points: readonly RestorePoint[], job: string, now: Date, form: FormContext, short = false): Html {
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
        : [{ label: 'Took', kind: 'num' as const }, { label: 'Flink' }, { label: 'Path', kind: 'wide' as const }, { label: '' }]),
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
              html`<code class="path">${p.path}</code>`,
              actionView(form, { label: 'Restore…', command: `restore ${job} --from ${p.id}` }),
            ]),
      ],
    })),
  );
}
