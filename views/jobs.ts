import type { JobState, JobView } from '../src/commands/views/job-view.ts';
import { type Html, html } from '../src/core/html.ts';
import { plural } from '../src/core/text.ts';
import { formatBytes, formatDuration } from '../src/core/time.ts';
import type { Job } from '../src/jobs/jobs.store.ts';
import { tagsOf } from '../src/jobs/tags.ts';
import { live } from './live.ts';
import { ago, badge, empty, type Mark, shownValue, table } from './parts.ts';

export const jobStates = ['trouble', 'running', 'busy', 'stopped', 'unknown'] as const;
export interface JobsPage {
  jobs: readonly JobView[];
  /** Of all jobs the person may see. */
  counts: Record<(typeof jobStates)[number] | 'all', number>;
  text: string;
  state: string;
  now: Date;
  slots: { available: number; total: number } | undefined;
  unreachable: readonly string[];
  undelivered: number;
  /** Channels beside Slack that do not reach all of their recipients, with what was said of each. */
  leftOut: readonly { channel: string; at: string; recipients: readonly { who: string; words: string }[] }[];
  /** What is wrong with Slack, and what to do. */
  slackProblem: string | undefined;
  mayRegister: boolean;
}

const marks: Record<JobState, Mark> = {
  running: 'good',
  starting: 'busy',
  restarting: 'warn',
  failed: 'bad',
  lost: 'bad',
  stopped: 'quiet',
  finished: 'quiet',
  unknown: 'warn',
  new: 'quiet',
  busy: 'busy',
};
/** The state of a job as one word with its colour. */
export function stateBadge(view: JobView): Html {
  return badge(marks[view.state], view.state === 'new' ? 'never ran' : view.state);
}

/** The first page: every job the person may see, what is wrong first. */
export function jobsPage(page: JobsPage): Html {
  return html`<h1 class="unseen">Jobs</h1>
<form class="filter" method="get" action="/" role="search" hx-get="/" hx-trigger="input delay:300ms, submit" hx-target="#jobs" hx-swap="outerHTML" hx-replace-url="true">
<label><span class="unseen">Part of a name, or tag:name</span><input type="search" name="q" value="${page.text}" placeholder="Find a job" autocomplete="off"></label>
<label><span class="unseen">State</span><select name="state">
<option value="">Every state</option>${jobStates.map((s) => html`<option value="${s}"${page.state === s ? html` selected` : ''}>${s === 'trouble' ? 'in trouble' : s}</option>`)}
</select></label>
<button class="button quiet unscripted" type="submit">Filter</button>
</form>
${jobsPart(page)}`;
}

/** The part of the first page that lives. */
export function jobsPart(page: JobsPage): Html {
  const query = new URLSearchParams({ ...(page.text ? { q: page.text } : {}), ...(page.state ? { state: page.state } : {}) }).toString();
  return live('jobs', `/${query ? `?${query}` : ''}`, html`${strip(page)}${list(page)}`);
}

function strip(page: JobsPage): Html {
  const { counts } = page;
  const cell = (label: string, n: number, state: string, mark: string) =>
    html`<a class="stat ${n > 0 ? mark : ''}" href="${state ? `/?state=${state}` : '/'}"><b>${n}</b> <span>${label}</span></a>`;
  return html`<div class="strip">
${cell(counts.all === 1 ? 'job' : 'jobs', counts.all, '', '')}
${cell('in trouble', counts.trouble, 'trouble', 'bad')}
${cell('running', counts.running, 'running', 'good')}
${cell('in progress', counts.busy, 'busy', 'busy')}
${page.slots ? html`<a class="stat" href="/clusters"><b>${page.slots.available}</b> <span>of ${page.slots.total} slots free</span></a>` : ''}
</div>
${page.unreachable.length > 0 ? html`<p class="notice warn">${plural(page.unreachable.length, 'cluster')} ${page.unreachable.length === 1 ? 'does' : 'do'} not answer: ${page.unreachable.join(', ')}. What runs there is unknown, not down. <a href="/clusters">Clusters</a></p>` : ''}
${page.slackProblem ? html`<p class="notice warn">${page.slackProblem}</p>` : ''}
${page.undelivered > 0 ? html`<p class="notice warn">${plural(page.undelivered, 'message')} could not be delivered to Slack: the channel refuses them. Invite the app there, or set another channel.</p>` : ''}
${page.leftOut.map((one) => html`<p class="notice warn">The channel ${one.channel} does not reach everybody, ${ago(new Date(one.at), page.now)}: ${one.recipients.map(({ who, words }) => shownValue('refused', `${who}: ${words}`)).join('; ')}</p>`)}`;
}

function list(page: JobsPage): Html {
  if (page.counts.all === 0)
    return page.mayRegister
      ? empty('There are no jobs yet.', html`An admin adds them from a folder of YAML files: <code>npm run apply -- folder</code>`)
      : empty('There are no jobs of your teams yet.', 'Ask an admin of Sluice for a role in the team whose jobs you want to see.');
  if (page.jobs.length === 0) return empty('No job matches.', html`<a href="/">Show all ${page.counts.all}</a>`);
  return table(
    'Jobs, what is wrong first',
    [
      { label: 'Job', kind: 'main' },
      { label: 'State' },
      { label: 'Version' },
      { label: 'Up' },
      { label: 'Last checkpoint' },
      { label: 'Where' },
    ],
    page.jobs.map((view) => ({ mark: view.incidents.length > 0 ? ('bad' as const) : undefined, cells: row(view, page.now) })),
  );
}

function row(view: JobView, now: Date): (Html | string)[] {
  const { job, run } = view;
  const alive = run !== undefined && !run.ended;
  const incident = view.incidents[0];
  return [
    html`<a class="job-name" href="/jobs/${job.name}">${job.name}</a>${tagLinks(job)}`,
    html`${stateBadge(view)}${view.holder && view.state !== 'busy' ? badge('busy', view.holder.kind) : ''}
<span class="words">${incident ? incident.title : view.words}</span>`,
    versionWords(view),
    alive && run.runningAt ? formatDuration(now.getTime() - run.runningAt.getTime()) : '–',
    checkpointWords(view, now),
    html`${alive ? run.cluster : job.current.definition.cluster} <span class="tag">${job.team}</span>${job.current.definition.environment === 'development' ? html` <span class="tag">development</span>` : ''}`,
  ];
}

/** The tags of a job; each leads to the jobs that have it. */
export function tagLinks(job: Job): Html {
  return html`${tagsOf(job.current.definition).map((tag) => html` <a class="tag" href="/?q=tag%3A${tag}">${tag}</a>`)}`;
}
/** `v7`, and what is current when that is something else. */
export function versionWords(view: JobView): string {
  if (view.observed) return 'observed';
  const { currentVersion } = view.job;
  const ran = view.run?.version;
  return ran === undefined || ran === currentVersion ? `v${currentVersion}` : `v${ran} (v${currentVersion} is current)`;
}
/** When the last checkpoint was and how large. */
export function checkpointWords(view: JobView, now: Date): Html | string {
  const { run } = view;
  if (!run) return '–';
  const { lastCheckpoint: c } = run;
  if (c) return html`${ago(new Date(c.at), now)}${c.size === undefined ? '' : `, ${formatBytes(c.size)}`}`;
  if (run.ended) return 'none';
  return run.checkpointIntervalMs === 0 ? 'off: a crash loses all state' : 'none yet';
}
