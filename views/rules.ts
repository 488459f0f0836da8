import { type Html, html } from '../src/core/html.ts';
import { formatDuration } from '../src/core/time.ts';
import { type Cause, ruleOf } from '../src/incidents/causes.ts';
import { runbookPath } from '../src/incidents/runbook.ts';
import { type InForce, type ThresholdName, type ThresholdRule, thresholds } from '../src/incidents/thresholds.ts';
import { markdownView } from './markdown.ts';
import { badge, facts, table } from './parts.ts';

export interface RulesPage {
  causes: readonly Cause[];
  inForce: Readonly<Record<ThresholdName, InForce>>;
  /** Whose thresholds are shown; undefined: those of whoever sets none. */
  of: { job: string; team: string } | { team: string } | undefined;
  /** What was typed, and what it can be. */
  typed: string;
  choices: readonly string[];
  problem: string | undefined;
}

/** Every rule in words: when it is an incident, how bad it is, what is too much and who says so, what ends it. */
export function rulesPage(page: RulesPage): Html {
  return html`<h1>Rules</h1>
<p class="context">What becomes an incident${page.of ? html`, with the thresholds of ${'job' in page.of ? html`<a href="/jobs/${page.of.job}">${page.of.job}</a>` : `team ${page.of.team}`}` : ''}. A job's own threshold counts before its team's, and that before the installation's.</p>
<form class="filter" method="get" action="/rules" role="search"><label><span class="unseen">Thresholds of a job or a team</span><input type="search" name="for" value="${page.typed}" list="rules-of" size="26" placeholder="A job, or team:name" autocomplete="off"></label><datalist id="rules-of">${page.choices.map((one) => html`<option value="${one}"></option>`)}</datalist><button class="button" type="submit">Show</button>${page.of ? html` <a class="button quiet" href="/rules">All</a>` : ''}</form>
${page.problem ? html`<p class="notice warn">${page.problem}</p>` : ''}
${table(
  'Rules of incidents',
  [
    { label: 'Incident', kind: 'main' },
    { label: 'When', kind: 'wide' },
    { label: 'Severity' },
    { label: 'Threshold', kind: 'wide' },
    { label: 'Closes', kind: 'wide' },
    { label: 'Runbook' },
  ],
  page.causes.map((cause) => {
    const rule = ruleOf(cause);
    return {
      cells: [
        html`<b>${rule.name}</b>`,
        html`<span>${rule.text}</span>`,
        severity(rule.severity),
        rule.threshold ? thresholdView(rule.threshold, page) : '–',
        html`<span>${rule.closes}</span>`,
        html`<a href="${runbookPath(cause)}">Runbook<span class="unseen"> of ${rule.name}</span></a>`,
      ],
    };
  }),
)}
<p class="context">To change one: <code>/flink set JOB recoverable-within=15min</code>, <code>thresholds</code> in the file of a team, or <code>incidents</code> in <code>sluice.yaml</code>.</p>`;
}
const severity = (value: 'critical' | 'warning') => badge(value === 'critical' ? 'bad' : 'warn', value);

function thresholdView(name: ThresholdName, { inForce, of }: Pick<RulesPage, 'inForce' | 'of'>): Html {
  const rule: ThresholdRule = thresholds[name];
  const { value, from } = inForce[name];
  const who = {
    job: 'set by the job',
    team: `set by team ${of?.team}`,
    installation: html`set by <code>${rule.setting}</code>`,
    default: 'the default',
    interval: `${rule.intervals} of its checkpoint intervals`,
  }[from];
  const otherwise = from === 'default' ? '' : html`; the default is ${shown(rule, rule.standard)}`;
  return html`<span><b>${shown(rule, value)}</b> <span class="words">${rule.text} (<code>${name}</code>): ${who}${otherwise}</span></span>`;
}

function shown(rule: ThresholdRule, value: number): string {
  if (value === Number.POSITIVE_INFINITY) return 'off';
  if (rule.unit === 'count') return String(value);
  return rule.unit === 'times' ? `${value} ×` : formatDuration(value);
}

/** A runbook with what its rule says. @param job the reader's; empty: none. */
export function runbookPage(cause: Cause, markdown: string, job: string): Html {
  const rule = ruleOf(cause);
  return html`<div class="prose">${markdownView(markdown, (href) => {
    const other = /^([a-z-]+)\.md$/.exec(href)?.[1];
    if (other) return runbookPath(other);
    return /^(https?:\/\/|#|\/)/.test(href) ? href : undefined;
  })}</div>
${facts([
  ['Severity', severity(rule.severity)],
  ['Its rule', html`<a href="/rules${job ? `?for=${encodeURIComponent(job)}` : ''}">${rule.name}</a>`],
])}`;
}
