import type { JobView } from '../src/commands/views/job-view.ts';
import { type Html, html } from '../src/core/html.ts';
import type { Message } from '../src/core/message.ts';
import { formatDuration } from '../src/core/time.ts';
import type { Operation } from '../src/operations/types.ts';
import type { RestorePoint } from '../src/restore-points/restore-points.store.ts';
import { actionView, type FormContext } from './form.ts';
import { checkpointWords, stateBadge, tagLinks, versionWords } from './jobs.ts';
import { live } from './live.ts';
import { linked, messageView, spansView } from './message.ts';
import { operationsTable } from './operations.ts';
import { ago, facts, moment, personName, section, shownValue } from './parts.ts';
import { restorePointsTable } from './restore-points.ts';

export const jobTabs = [
  ['overview', '', 'Overview'],
  ['parameters', '/parameters', 'Parameters'],
  ['versions', '/versions', 'Versions'],
  ['runs', '/runs', 'Runs'],
  ['checkpoints', '/checkpoints', 'Checkpoints'],
  ['restore-points', '/restore-points', 'Restore points'],
  ['builds', '/builds', 'Builds'],
  ['operations', '/operations', 'Operations'],
  ['incidents', '/incidents', 'Incidents'],
  ['logs', '/logs', 'Logs'],
] as const;
export type JobTab = (typeof jobTabs)[number][0];

export interface JobHead {
  view: JobView;
  now: Date;
  form: FormContext;
  /** What holds the job, with the message that tells of it. */
  busy: { operation: Operation; message: Message | undefined } | undefined;
  /** Plans that wait for a lead. */
  waiting: readonly Operation[];
}

/** A job's page: its head lives on every tab. */
export function jobPage(head: JobHead, tab: JobTab, content: Html): Html {
  const { name } = head.view.job;
  return html`${jobHead(head, tab)}
<nav class="tabs" aria-label="About ${name}">${jobTabs.map(([id, path, label]) => html`<a href="/jobs/${name}${path}"${id === tab ? html` aria-current="page"` : ''}>${label}</a>`)}</nav>
<div id="content">${content}</div>`;
}

/** Name, state, what is wrong, what is in progress, and what can be done. */
export function jobHead(head: JobHead, tab: JobTab): Html {
  const { view, form, busy } = head;
  const { job } = view;
  const definition = job.current.definition;
  return live(
    'job-head',
    `/jobs/${job.name}/head?tab=${tab}`,
    html`<header class="job-head">
<div class="job-id"><div class="job-title"><h1>${job.name}</h1>${stateBadge(view)}<span class="tag">${job.team}</span><span class="tag">${definition.environment}</span>${tagLinks(view.job)}</div>
<p class="words">${view.words}</p></div>
<div class="actions">${headActions(view).map((action) => actionView(form, action))}</div>
</header>
${view.incidents.map((i) => html`<p class="notice bad"><strong>${i.title}</strong>, since ${moment(i.firstSeen)}. ${i.ackedBy ? `${personName(i.ackedBy)} looks after it.` : ''} <a href="/jobs/${job.name}/incidents">Incident</a></p>`)}
${head.waiting.map((op) => html`<p class="notice warn">${personName(op.actor)} asked for a ${op.kind}; it waits for a lead. <a href="/operations/${op.id}">See the plan</a></p>`)}
${busy ? busyView(busy, form) : ''}`,
  );
}
function busyView(busy: NonNullable<JobHead['busy']>, form: FormContext): Html {
  const { operation, message } = busy;
  return html`<div class="in-progress">${message ? messageView(message, form) : html`<p>${operation.kind} in progress</p>`}<p class="context"><a href="/operations/${operation.id}">Every step</a></p></div>`;
}

function headActions(view: JobView) {
  const { name, project } = view.job;
  const alive = view.run !== undefined && !view.run.ended;
  const behind = alive && view.run?.version !== view.job.currentVersion;
  // What is only observed is started and stopped elsewhere.
  if (view.holder || view.observed) return [];
  const build = project ? [{ label: 'Build', command: `build ${name}` }] : [];
  const restore = { label: 'Restore…', command: `restore ${name}` };
  if (!alive)
    return [
      { label: view.run ? 'Resume' : 'Start', command: `start ${name}`, style: 'primary' as const },
      ...build,
      ...(view.newest ? [restore] : []),
    ];
  return [
    { label: 'Savepoint', command: `savepoint ${name}` },
    {
      label: 'Restart',
      command: `restart ${name}`,
      confirm: {
        title: `Restart ${name}?`,
        text: `It is stopped with a savepoint, and v${view.run?.version} starts from it.`,
        yes: 'Restart it',
      },
    },
    ...(behind
      ? [{ label: `Restart with v${view.job.currentVersion}`, command: `restart ${name} --version v${view.job.currentVersion}` }]
      : []),
    ...build,
    restore,
    {
      label: 'Stop',
      command: `stop ${name}`,
      style: 'danger' as const,
      confirm: { title: `Stop ${name}?`, text: 'It is stopped with a savepoint; nothing is lost.', yes: 'Stop it' },
    },
  ];
}

export interface JobOverview {
  view: JobView;
  now: Date;
  flinkUrl: string | undefined;
  operations: readonly Operation[];
  points: readonly RestorePoint[];
  form: FormContext;
}
/** Facts of the newest run, the newest operations and restore points. */
export function jobOverview(o: JobOverview): Html {
  const { view, now } = o;
  const { job, run } = view;
  const alive = run !== undefined && !run.ended;
  const error = run?.rootException;
  const links = job.current.definition.links;
  return html`${section(
    alive ? 'The run' : run ? 'The last run' : 'Not run yet',
    html`${facts([
      ['Version', versionWords(view)],
      [
        'Flink job',
        run
          ? html`<code>${run.flinkJobId}</code>${o.flinkUrl ? html` <a href="${o.flinkUrl}">Flink's page</a>` : ''}`
          : 'The first start makes one.',
      ],
      ['Tasks', alive ? `${run.tasksRunning} of ${run.tasksTotal} run` : undefined],
      ['Up', alive && run.runningAt ? formatDuration(now.getTime() - run.runningAt.getTime()) : undefined],
      ['Ended', run?.ended ? html`${moment(run.endedAt)}, ${run.endReason ?? ''}` : undefined],
      ['Last checkpoint', run ? checkpointWords(view, now) : undefined],
      [
        'Failed checkpoints',
        run && run.failedCheckpoints > 0 ? html`<a href="/jobs/${job.name}/checkpoints">${run.failedCheckpoints}</a>` : undefined,
      ],
      ['Began', run ? html`${run.beginning}, ${moment(run.startedAt)}, by ${personName(run.startedBy)}` : undefined],
      [
        'Restored from',
        run?.restoredFrom
          ? html`<code class="path" title="${run.restoredFrom}">${run.restoredFrom.split('/').pop() ?? ''}</code>`
          : undefined,
      ],
      ['Cluster', run?.cluster ?? job.current.definition.cluster],
      ['Flink', run?.flinkVersion ?? view.cluster?.flinkVersion],
      ['Restarts by Flink', run && run.restarts > 0 ? String(run.restarts) : undefined],
      ['Project', job.project],
      [
        'Links',
        links.length > 0 ? html`${spansView(links.flatMap((l, i) => [i > 0 ? ' · ' : '', { link: l.label, url: l.url }]))}` : undefined,
      ],
    ])}
${error && view.state !== 'running' ? html`<p class="code-label">Root exception, ${ago(new Date(error.at), now)}${error.task ? `, in ${error.task}` : ''}</p><pre class="code">${linked(shownValue('exception', `${error.name}: ${error.message}`))}</pre>` : ''}`,
  )}
<div class="pair">
${section('Newest restore points', restorePointsTable(o.points, job.name, now, o.form, true), html`<a href="/jobs/${job.name}/restore-points">All</a>`)}
${section('Newest operations', operationsTable(o.operations, now, 'job'), html`<a href="/jobs/${job.name}/operations">All</a>`)}
</div>`;
}
