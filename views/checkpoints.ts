import { type Html, html } from '../src/core/html.ts';
import { plural, truncate } from '../src/core/text.ts';
import { formatBytes, formatDuration } from '../src/core/time.ts';
import type { CheckpointPlot } from '../src/restore-points/checkpoint-plot.ts';
import type { Checkpoint } from '../src/restore-points/checkpoints.store.ts';
import { badge, empty, facts, moment, section, table } from './parts.ts';

/** Spans that the plot can show, by their name in the address. */
export const plotSpans = [
  ['6h', '6 hours'],
  ['day', 'a day'],
  ['week', 'a week'],
  ['month', '30 days'],
] as const;
export type PlotSpan = (typeof plotSpans)[number][0];

export interface CheckpointsPage {
  job: string;
  span: PlotSpan;
  plot: CheckpointPlot;
  /** Starts of runs, and incidents. */
  flags: readonly { at: Date; words: string; bad: boolean }[];
  /** Newest first. */
  newest: readonly Checkpoint[];
  failed: readonly Checkpoint[];
  usual: { durationMs: number; size: number } | undefined;
  failedOfRun: number;
}

/** A job's checkpoints over all its runs: how long they took and what they held, which failed, the newest as a list. */
export function checkpointsView(page: CheckpointsPage): Html {
  const { newest, failed, usual } = page;
  if (newest.length === 0)
    return empty('There is no checkpoint yet.', 'Each one that completes or fails is listed here, for 30 days, over all runs of the job.');
  const links = plotSpans.map(
    ([id, label], i) =>
      html`${i > 0 ? ' · ' : ''}${id === page.span ? html`<b>${label}</b>` : html`<a href="/jobs/${page.job}/checkpoints?span=${id}">${label}</a>`}`,
  );
  return html`${section(
    'Duration and size',
    html`${facts([
      [
        'Usual',
        usual
          ? `${formatDuration(usual.durationMs)}${usual.size > 0 ? `, ${formatBytes(usual.size)}` : ''} (the middle of the last 7 days)`
          : undefined,
      ],
      ['Failed', `${page.failedOfRun} in the last run`],
    ])}${page.plot.marks.length + page.plot.failures.length === 0 ? empty('None in this time.') : checkpointPicture(page)}`,
    links,
  )}
${failed.length === 0 ? '' : section('Failed', checkpointTable('Failed checkpoints, newest first', failed))}
${section('Newest', checkpointTable('Checkpoints, newest first', newest))}`;
}

/** Below this the data on their way between tasks neither slow a checkpoint down nor make it large. */
const flightFloor = 1024 * 1024;
/** Bytes that were on their way between tasks while a checkpoint was made: worked off before it was complete, or stored with it. */
const flightOf = (c: Checkpoint) => Math.max(c.processed ?? 0, c.persisted ?? 0);
function flightWords(c: Checkpoint): string {
  if (c.processed === null && c.persisted === null) return '–';
  const stored = c.persisted ? `${formatBytes(c.persisted)} stored` : '';
  return stored && c.processed ? `${formatBytes(c.processed)}, ${stored}` : stored || formatBytes(c.processed ?? 0);
}

function checkpointTable(caption: string, rows: readonly Checkpoint[]): Html {
  const inFlight = rows.some((c) => flightOf(c) >= flightFloor);
  return table(
    caption,
    [
      { label: 'Checkpoint', kind: 'main' },
      { label: 'Result' },
      { label: 'Ended' },
      { label: 'Took', kind: 'num' },
      { label: 'Size', kind: 'num' },
      { label: 'Written', kind: 'num' },
      // Most jobs have hardly any: then the column would say nothing.
      ...(inFlight ? [{ label: 'In flight', kind: 'num' as const }] : []),
      { label: 'Why it failed, or where it is', kind: 'wide' },
    ],
    rows.map((c) => ({
      mark: c.state === 'failed' ? ('bad' as const) : undefined,
      cells: [
        html`${c.kind} ${c.id}${c.unaligned ? html` <span class="tag">unaligned</span>` : ''}`,
        c.state === 'failed' ? badge('bad', 'failed') : badge('good', 'complete'),
        moment(c.endedAt),
        formatDuration(c.durationMs),
        c.size === null ? '–' : formatBytes(c.size),
        c.written === null ? '–' : formatBytes(c.written),
        ...(inFlight ? [flightWords(c)] : []),
        c.failure ?? (c.path === null ? 'in the memory of the JobManager' : html`<code class="path">${c.path}</code>`),
      ],
    })),
    'dense',
  );
}

const width = 960;
/** The scales stand at the right, beside the newest: on a narrow screen that end is seen first. */
const right = 880;
const left = 8;
const lanes = { duration: { top: 36, bottom: 136 }, size: { top: 176, bottom: 248 } };
const axis = 258;
const height = 282;

/** Two lanes over one time: how long checkpoints took, what they held. All of it is in the tables too. */
function checkpointPicture({ plot, flags }: CheckpointsPage): Html {
  const span = Math.max(1, plot.to.getTime() - plot.from.getTime());
  const x = (at: Date) => Math.round(left + ((at.getTime() - plot.from.getTime()) / span) * (right - left));
  const most = {
    duration: top(Math.max(1, ...plot.marks.map((m) => m.durationMs)), 1000),
    size: top(Math.max(1, ...plot.marks.map((m) => m.size)), 1024),
  };
  const y = (lane: keyof typeof lanes, value: number) => {
    const { top: upper, bottom } = lanes[lane];
    return Math.round((bottom - (value / most[lane]) * (bottom - upper)) * 10) / 10;
  };
  const title = (m: CheckpointPlot['marks'][number]) =>
    html`<title>${m.words}, ${clock(m.at, true)} UTC: ${m.count > 1 ? 'at most ' : ''}${formatDuration(m.durationMs)}${m.size > 0 ? `, ${formatBytes(m.size)}` : ''}</title>`;
  const line = (lane: keyof typeof lanes, of: (m: CheckpointPlot['marks'][number]) => number) =>
    html`<polyline class="line ${lane}" points="${plot.marks.map((m) => `${x(m.at)},${y(lane, of(m))}`).join(' ')}"/>`;
  const scale = (lane: keyof typeof lanes, label: string, format: (value: number) => string) =>
    html`<text class="lane" x="${right + 8}" y="${lanes[lane].top - 14}">${label}</text>${[0, 0.5, 1].map(
      (part) =>
        html`<line class="grid" x1="${left}" y1="${y(lane, part * most[lane])}" x2="${right}" y2="${y(lane, part * most[lane])}"/><text class="scale" x="${right + 8}" y="${y(lane, part * most[lane]) + 4}">${part === 0 ? '0' : format(part * most[lane])}</text>`,
    )}`;
  return html`<figure class="picture newest"><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="Duration and size of the checkpoints over time">
${scale('duration', 'took', formatDuration)}
${scale('size', 'held', formatBytes)}
${flags.map((flag) => html`<g class="act ${flag.bad ? 'bad' : ''}"><line x1="${x(flag.at)}" y1="14" x2="${x(flag.at)}" y2="${axis}"/><path d="M${x(flag.at)} 14l10 -5l-10 -5z"/><title>${flag.words}, ${clock(flag.at, true)} UTC</title></g>`)}
${line('duration', (m) => m.durationMs)}
${line('size', (m) => m.size)}
${plot.marks.map((m) => html`<g class="mark">${title(m)}<circle class="checkpoint" cx="${x(m.at)}" cy="${y('duration', m.durationMs)}" r="3.5"/><circle class="savepoint" cx="${x(m.at)}" cy="${y('size', m.size)}" r="3"/></g>`)}
${plot.failures.map((f) => html`<g class="fault"><title>Failed, ${clock(f.at, true)} UTC: ${plural(f.count, 'checkpoint')}. ${truncate(f.words, 200)}</title><path d="M${x(f.at) - 5} ${lanes.duration.bottom - 5}l10 10m0 -10l-10 10"/><rect x="${x(f.at) - 8}" y="${lanes.duration.bottom - 8}" width="16" height="16"/></g>`)}
<line class="axis" x1="${left}" y1="${axis}" x2="${right}" y2="${axis}"/>
${[0, 0.25, 0.5, 0.75, 1].map((part) => html`<text class="tick ${part === 0 ? 'first' : part === 1 ? 'last' : ''}" x="${Math.round(left + part * (right - left))}" y="${axis + 18}">${clock(new Date(plot.from.getTime() + part * span), span > 36 * 3_600_000)}</text>`)}
</svg><figcaption>Above: how long each took; below: the state that it held; where many fall together, the slowest and the largest. Crosses failed. Flags are starts of the job, red ones incidents. Times are UTC.</figcaption></figure>`;
}
/** A number not below a value that is round in its unit, for the top of a scale. */
function top(value: number, base: 1000 | 1024): number {
  const unit = base ** Math.floor(Math.log(value) / Math.log(base));
  const power = 10 ** Math.floor(Math.log10(value / unit));
  return ([1, 2, 4, 6, 10].find((step) => step * power * unit >= value) ?? 10) * power * unit;
}
const clock = (at: Date, withDay: boolean) =>
  at
    .toISOString()
    .slice(withDay ? 5 : 11, 16)
    .replace('T', ' ');
