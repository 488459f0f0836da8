import { type Html, html } from '../src/core/html.ts';
import { redact, withoutLogin } from '../src/core/redact.ts';
import { formatDuration } from '../src/core/time.ts';
import type { ClusterView } from '../src/deploy/cluster-views.store.ts';
import type { Cluster } from '../src/deploy/clusters.store.ts';
import { ago, badge, empty, facts, section, table } from './parts.ts';

export interface ClusterRow {
  cluster: Cluster;
  view: ClusterView | undefined;
  /** Two polls in a row without an answer. */
  unreachable: boolean;
  /** Jobs of the person's teams that run there. */
  jobs: readonly string[];
  unread?: UnreadView | undefined;
}
/** Running jobs that make checkpoints, and those whose checkpoints were not read for `afterMs`. */
export interface UnreadView {
  runs: number;
  unread: number;
  afterMs: number;
}

/** How the watcher itself is: ages in ms; undefined: never, or nothing waits. */
export interface WatcherView {
  lastTriedAgeMs: number | undefined;
  lastPostAgeMs: number | undefined;
  oldestUnsentAgeMs: number | undefined;
}
/** A message that waits so long is worth a colour. */
const lateMs = 60_000;

/** Every cluster: whether it answers, its slots, what runs there. */
export function clustersPage(rows: readonly ClusterRow[], now: Date, watcher?: WatcherView): Html {
  return html`<h1>Clusters</h1>
${rows.flatMap(({ cluster, view }) => (view && view.flowLate > 0 ? [lateNotice(cluster.name, view)] : []))}
${rows.flatMap(({ cluster, unread }) => (unread && unread.unread > 0 ? [unreadNotice(cluster.name, unread)] : []))}
${
  rows.length === 0
    ? empty(
        'No cluster is registered.',
        html`An admin registers clusters from a folder of YAML files: <code>npm run apply -- folder</code>`,
      )
    : table(
        'Clusters',
        [
          { label: 'Cluster', kind: 'main' },
          { label: 'State' },
          { label: 'Flink' },
          { label: 'Free slots', kind: 'num' },
          { label: 'TaskManagers', kind: 'num' },
          { label: 'Last answered' },
          { label: 'Runs', kind: 'wide' },
        ],
        rows.map(({ cluster, view, unreachable, jobs }) => ({
          mark: unreachable ? ('warn' as const) : undefined,
          cells: [
            html`<b>${cluster.name}</b> <span class="tag">${cluster.kind}</span> ${flinkLink(cluster)}`,
            html`${view?.lastOkAt ? (unreachable ? badge('warn', 'does not answer') : badge('good', 'answers')) : unreachable ? badge('warn', 'never answered') : badge('quiet', 'not asked yet')}${errorWords(view, unreachable)}`,
            view?.flinkVersion ?? '–',
            view?.slotsTotal == null ? '–' : `${view.slotsAvailable ?? 0} of ${view.slotsTotal}`,
            view?.taskManagers ?? '–',
            ago(view?.lastOkAt, now),
            jobs.length === 0
              ? 'nothing of yours'
              : html`${jobs.map((name, i) => html`${i > 0 ? ', ' : ''}<a href="/jobs/${name}">${name}</a>`)}`,
          ],
        })),
      )
}
${watcher ? section('Sluice itself', watcherFacts(watcher)) : ''}`;
}
function lateNotice(cluster: string, { flowLate, flowRuns }: ClusterView): Html {
  return html`<p class="notice warn"><strong>${cluster}</strong>: the data of ${flowLate} of ${flowRuns} running jobs are looked at too rarely to be judged, so missing data, a standing watermark or backpressure are not told of them. An admin raises <code>watch.flowEvery</code>.</p>`;
}
function unreadNotice(cluster: string, { unread, runs, afterMs }: UnreadView): Html {
  return html`<p class="notice warn"><strong>${cluster}</strong>: the checkpoints of ${unread} of ${runs} running jobs could not be read for over ${formatDuration(afterMs)}, so nobody is told when a crash would set them back too far. The log of Sluice names those that Flink does not tell; where Flink is only slow, an admin raises <code>watch.checkpointsEvery</code>.</p>`;
}
/** Of a cluster that answers: what it does not tell beside the states of its jobs. */
function errorWords(view: ClusterView | undefined, unreachable: boolean): Html | '' {
  if (!view?.lastError || (!unreachable && view.failures > 0)) return '';
  const error = redact(view.lastError);
  return html` <span class="words">${unreachable ? error : `not its overview, so tasks and new jobs are not seen: ${error}`}</span>`;
}
function watcherFacts({ lastTriedAgeMs, lastPostAgeMs, oldestUnsentAgeMs }: WatcherView): Html {
  const since = (ms: number | undefined) => (ms === undefined ? 'never' : `${formatDuration(Math.round(ms / 1000) * 1000)} ago`);
  const waits = oldestUnsentAgeMs ?? 0;
  return facts([
    ['Last looked', since(lastTriedAgeMs)],
    ['A channel last took a message', since(lastPostAgeMs)],
    [
      'Oldest message that waits',
      oldestUnsentAgeMs === undefined
        ? 'none waits'
        : html`${waits > lateMs ? badge('warn', 'late') : ''} ${formatDuration(Math.round(waits / 1000) * 1000)}`,
    ],
  ]);
}
function flinkLink(cluster: Cluster): Html | '' {
  const url = withoutLogin(cluster.webUrl ?? cluster.url);
  return /^https?:\/\//i.test(url) ? html`<a href="${url}">${cluster.kind === 'yarn' ? "YARN's page" : "Flink's page"}</a>` : '';
}
