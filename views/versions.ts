import { type Html, html } from '../src/core/html.ts';
import { plural } from '../src/core/text.ts';
import { formatBytes } from '../src/core/time.ts';
import type { Job, JobVersion } from '../src/jobs/jobs.store.ts';
import type { Artifact } from '../src/projects/builds.store.ts';
import { actionView, csrfHeader, type FormContext, guards } from './form.ts';
import { ago, badge, empty, personName, section, shownValue, table } from './parts.ts';

export interface VersionsPage {
  job: Job;
  versions: readonly JobVersion[];
  artifacts: ReadonlyMap<string, Artifact>;
  /** The version that runs now. */
  runs: number | undefined;
  ran: ReadonlySet<number>;
  now: Date;
  form: FormContext;
  mayChange: boolean;
  upload?: { error?: string | undefined; note?: string | undefined };
}

/** Every version, a comparison of any two, and the upload of a jar. */
export function versionsView(page: VersionsPage): Html {
  const { job, form, now } = page;
  const [newest, before] = page.versions;
  return html`${section(
    plural(page.versions.length, 'version'),
    html`<form class="compare" method="get" action="/jobs/${job.name}/diff">
${table(
  'Versions, newest first',
  [
    { label: 'Version', kind: 'main' },
    { label: 'Made' },
    { label: 'By' },
    { label: 'How', kind: 'wide' },
    { label: 'Artifact' },
    { label: 'Compare' },
    { label: '' },
  ],
  page.versions.map((v) => ({
    cells: [
      html`<b>v${v.number}</b> ${v.number === job.currentVersion ? badge('busy', 'current') : ''}${v.number === page.runs ? badge('good', 'runs') : ''}${page.ran.has(v.number) ? '' : html`<span class="tag">never ran</span>`}`,
      ago(v.createdAt, now),
      personName(v.createdBy),
      html`${v.origin}${v.note ? html`: ${shownValue('note', v.note)}` : ''}`,
      artifactWords(v, page.artifacts),
      html`<span class="picks"><label><input type="radio" name="a" value="${v.number}"${v.number === before?.number ? html` checked` : ''}><span class="unseen">from v${v.number}</span></label><label><input type="radio" name="b" value="${v.number}"${v.number === newest?.number ? html` checked` : ''}><span class="unseen">to v${v.number}</span></label></span>`,
      v.number === job.currentVersion
        ? ''
        : html`<a class="button quiet small" href="/jobs/${job.name}/diff?a=${job.currentVersion}&amp;b=${v.number}">Compare, make current</a>`,
    ],
  })),
)}
<p class="actions gap"><button class="button" type="submit">Compare the two chosen</button></p></form>`,
  )}
${page.mayChange ? section('Upload a jar', uploadForm(page)) : ''}
${form.allowed(`use ${job.name}`) ? '' : html`<p class="context">To change versions you need to be an engineer or a lead of team ${job.team}.</p>`}`;
}
function artifactWords(v: JobVersion, artifacts: ReadonlyMap<string, Artifact>): Html | string {
  const sha = v.definition.artifact;
  if (!sha) return 'none yet';
  const known = artifacts.get(sha);
  return html`<code>${sha.slice(0, 8)}</code>${known ? html` <span class="words">${known.name}, ${formatBytes(known.size)}${known.commit ? `, commit ${known.commit.slice(0, 8)}` : ''}</span>` : ''}`;
}
function uploadForm({ job, form, upload }: VersionsPage): Html {
  const error = upload?.error;
  return html`<form id="upload" class="upload" method="post" action="/jobs/${job.name}/upload" enctype="multipart/form-data" hx-post="/jobs/${job.name}/upload" hx-encoding="multipart/form-data" hx-target="#content" hx-swap="innerHTML"${csrfHeader(form)}>${guards(form)}
<p class="hint">It becomes the next version and current; what runs stays until a restart.</p>
<label class="field"><span>Note</span><input name="note" maxlength="200" value="${upload?.note ?? ''}" autocomplete="off" placeholder="What is new in it"></label>
<label class="field${error ? ' wrong' : ''}"><span>Jar</span><input type="file" name="jar" accept=".jar,application/java-archive" required${error ? html` aria-invalid="true" aria-describedby="jar-error"` : ''}></label>
${error ? html`<p class="error" id="jar-error">${error}</p>` : ''}
<button class="button primary" type="submit">Upload</button></form>`;
}

export interface DiffPage {
  job: Job;
  a: number;
  b: number;
  versions: readonly JobVersion[];
  differences: readonly { key: string; before: string | undefined; after: string | undefined }[];
  same: ReadonlyMap<string, string>;
  form: FormContext;
}
/** Two versions side by side, one parameter a row. */
export function diffView(page: DiffPage): Html {
  const { job, a, b } = page;
  const pick = (name: string, chosen: number) =>
    html`<label><span class="unseen">${name === 'a' ? 'From' : 'To'}</span><select name="${name}">${page.versions.map((v) => html`<option value="${v.number}"${v.number === chosen ? html` selected` : ''}>v${v.number}</option>`)}</select></label>`;
  const make = [a, b]
    .filter((n) => n !== job.currentVersion)
    .map((n) =>
      actionView(page.form, {
        label: `Make v${n} current`,
        command: `use ${job.name} v${n}`,
        ...(n === b ? { style: 'primary' as const } : {}),
      }),
    );
  return section(
    a === b ? `v${a}` : `v${a} and v${b}`,
    html`<form class="filter" method="get" action="/jobs/${job.name}/diff">${pick('a', a)}<span aria-hidden="true">→</span>${pick('b', b)}<button class="button quiet" type="submit">Compare</button></form>
${page.differences.length === 0 ? empty('They say the same.', 'Choose two others to compare.') : diffTable(page)}
<div class="actions gap">${make}</div>
${
  page.same.size > 0
    ? html`<details class="gap"><summary>${plural(page.same.size, 'parameter')} ${page.same.size === 1 ? 'is' : 'are'} the same</summary>${table(
        'The same in both',
        [
          { label: 'Parameter', kind: 'main' },
          { label: 'Value', kind: 'wide' },
        ],
        [...page.same].map(([key, value]) => ({ cells: [key, html`<code>${shownValue(key, value)}</code>`] })),
      )}</details>`
    : ''
}`,
    html`<a href="/jobs/${job.name}/versions">All versions</a>`,
  );
}
function diffTable(page: DiffPage): Html {
  const side = (key: string, value: string | undefined, mark: string) =>
    value === undefined ? html`<span class="unset">not set</span>` : html`<code class="${mark}">${shownValue(key, value)}</code>`;
  return table(
    'What differs',
    [
      { label: 'Parameter', kind: 'main' },
      { label: `v${page.a}`, kind: 'wide' },
      { label: `v${page.b}`, kind: 'wide' },
    ],
    page.differences.map((d) => ({ cells: [d.key, side(d.key, d.before, 'removed'), side(d.key, d.after, 'added')] })),
  );
}
