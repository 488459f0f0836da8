import { type Html, html } from '../src/core/html.ts';
import { redact } from '../src/core/redact.ts';
import { ago, empty, section } from './parts.ts';

export interface LogsPage {
  job: string;
  grep: string;
  now: Date;
  cluster: string;
  cause: { title: string; at: Date; task: string | null; stack: string } | undefined;
  tails: readonly { from: string; lines: readonly string[] }[];
  /** Why the logs cannot be read now. */
  problem: string | undefined;
}

/** The root exception, then the ends of the cluster's logs. */
export function logsView(page: LogsPage): Html {
  const { cause } = page;
  return html`<form class="filter" method="get" action="/jobs/${page.job}/logs" role="search"><label><span class="unseen">Only lines that contain</span><input type="search" name="grep" value="${page.grep}" placeholder="Only lines that contain" autocomplete="off"></label><button class="button" type="submit">Show</button></form>
${cause ? section('Root exception', html`<p class="context">${ago(cause.at, page.now)}${cause.task ? `, in ${cause.task}` : ''}</p><pre class="code">${redact(cause.stack || cause.title)}</pre>`) : ''}
${page.problem ? html`<p class="notice warn">${page.problem}</p>` : ''}
${page.tails.map((tail) => section(tail.from, tail.lines.length === 0 ? empty(page.grep ? `No line contains ${page.grep}.` : 'It is empty.') : html`<div class="log" tabindex="0" role="region" aria-label="${tail.from}"><pre>${redact(tail.lines.join('\n'))}</pre></div>`))}
${page.tails.length === 0 && !page.problem ? empty('The cluster gave no log.', `It is read from ${page.cluster} at this moment; older lines are in the files of its machines.`) : ''}`;
}
