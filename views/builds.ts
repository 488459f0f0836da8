import { type Html, html } from '../src/core/html.ts';
import { redact } from '../src/core/redact.ts';
import { formatBytes, formatDuration } from '../src/core/time.ts';
import type { Build } from '../src/projects/builds.store.ts';
import { live } from './live.ts';
import { ago, badge, empty, facts, type Mark, moment, personName, table } from './parts.ts';

const marks: Record<Build['state'], Mark> = { running: 'busy', succeeded: 'good', failed: 'bad', canceled: 'quiet' };

/** Builds of a job, newest first. */
export function buildsTable(builds: readonly Omit<Build, 'log'>[], job: string, hasProject: boolean, now: Date): Html {
  if (builds.length === 0)
    return hasProject
      ? empty('It has not been built yet.', html`Build it with the button above, or in Slack: <code>/flink build ${job}</code>`)
      : empty(
          'It is not built from a git project.',
          html`Upload a jar under <a href="/jobs/${job}/versions">Versions</a>, or let an admin give it a project.`,
        );
  return table(
    'Builds, newest first',
    [
      { label: 'Build', kind: 'main' },
      { label: 'State' },
      { label: 'Commit', kind: 'wide' },
      { label: 'By' },
      { label: 'When' },
      { label: 'Took', kind: 'num' },
      { label: 'Artifact' },
    ],
    builds.map((b) => ({
      cells: [
        html`<a href="/builds/${b.id}">log</a>`,
        badge(marks[b.state], b.state),
        html`${b.commit ? html`<code>${b.commit.slice(0, 8)}</code> ` : ''}${b.subject ?? ''}${b.branch ? html` <span class="tag">${b.branch}</span>` : ''}`,
        personName(b.actor),
        ago(b.startedAt, now),
        b.finishedAt ? formatDuration(b.finishedAt.getTime() - b.startedAt.getTime()) : '–',
        b.sha256 ? html`<code>${b.sha256.slice(0, 8)}</code>${b.size === null ? '' : `, ${formatBytes(b.size)}`}` : '–',
      ],
    })),
  );
}

/** One build with its log. */
export function buildPage(build: Build): Html {
  const job = build.job ?? '';
  return html`<p class="crumbs"><a href="/jobs/${job}">${job}</a> / <a href="/jobs/${job}/builds">builds</a></p>
<h1>Build of ${job || build.project}</h1>${buildPart(build)}`;
}

/** Shown while a build runs; the whole log is for its end. */
const runningTail = 64 * 1024;

export function buildPart(build: Build): Html {
  const running = build.state === 'running';
  const log = running ? build.log.slice(-runningTail) : build.log;
  return live(
    'build',
    running ? `/builds/${build.id}` : undefined,
    html`${facts([
      ['State', badge(marks[build.state], build.state)],
      ['Project', build.project],
      ['Commit', build.commit ? html`<code>${build.commit.slice(0, 12)}</code> ${build.subject ?? ''}` : undefined],
      ['Branch', build.branch],
      ['By', personName(build.actor)],
      ['Began', moment(build.startedAt)],
      ['Took', build.finishedAt ? formatDuration(build.finishedAt.getTime() - build.startedAt.getTime()) : undefined],
      [
        'Artifact',
        build.sha256
          ? html`<code>${build.sha256.slice(0, 12)}</code>${build.size === null ? '' : `, ${formatBytes(build.size)}`}`
          : undefined,
      ],
      ['Operation', html`<a href="/operations/${build.operationId}">${build.operationId}</a>`],
    ])}
${log ? html`<div class="log" tabindex="0" role="region" aria-label="Log, its end first in view"><pre>${redact(log)}</pre></div>` : empty(running ? 'No output yet.' : 'It left no log.', running ? 'It appears here as Maven writes it.' : html`What happened is told by <a href="/operations/${build.operationId}">its operation</a>.`)}`,
  );
}
