import { type Html, html } from '../src/core/html.ts';
import { formatBytes, formatDuration } from '../src/core/time.ts';
import type { Run } from '../src/jobs/runs.store.ts';
import { ago, badge, empty, type Mark, moment, personName, table } from './parts.ts';

const ends: Record<string, Mark> = {
  failed: 'bad',
  lost: 'bad',
  'never-started': 'bad',
  canceled: 'warn',
  stopped: 'quiet',
  finished: 'quiet',
};

/** Runs of a job, newest first. */
export function runsTable(runs: readonly Run[], now: Date): Html {
  if (runs.length === 0) return empty('It has never run.', 'Start it with the button above, or in Slack.');
  return table(
    'Runs, newest first',
    [
      { label: 'Started', kind: 'main' },
      { label: 'State' },
      { label: 'Version' },
      { label: 'Began as' },
      { label: 'By' },
      { label: 'Ran', kind: 'num' },
      { label: 'Last checkpoint' },
      { label: 'Cluster' },
      { label: 'Flink job', kind: 'wide' },
    ],
    runs.map((run) => ({
      cells: [
        moment(run.startedAt),
        run.ended
          ? badge(ends[run.endReason ?? ''] ?? 'quiet', run.endReason ?? 'ended')
          : badge(run.state === 'RUNNING' ? 'good' : 'busy', run.state.toLowerCase()),
        `v${run.version}`,
        html`${run.beginning}${run.restoredFrom ? html`<br><code class="path">${run.restoredFrom}</code>` : ''}`,
        personName(run.startedBy),
        run.runningAt ? formatDuration((run.endedAt ?? now).getTime() - run.runningAt.getTime()) : '–',
        run.lastCheckpoint
          ? html`${run.lastCheckpoint.id}${run.lastCheckpoint.size === undefined ? '' : `, ${formatBytes(run.lastCheckpoint.size)}`}, ${ago(new Date(run.lastCheckpoint.at), now)}`
          : '–',
        html`${run.cluster}${run.flinkVersion ? ` (${run.flinkVersion})` : ''}`,
        html`<code>${run.flinkJobId.slice(0, 8)}</code>${run.operationId === '' ? '' : html` <a href="/operations/${run.operationId}">operation</a>`}`,
      ],
    })),
  );
}
