import { type Html, html } from '../src/core/html.ts';
import type { Job } from '../src/jobs/jobs.store.ts';
import type { Parameter } from '../src/jobs/parameters.ts';
import { csrfHeader, type FormContext, guards } from './form.ts';
import { facts, section, shownValue } from './parts.ts';

export interface ParametersPage {
  job: Job;
  /** The version that the person began to edit. */
  base: number;
  parameters: readonly Parameter[];
  clusters: readonly string[];
  /** What the fields hold, by key; `flink` holds the free keys as lines. */
  values: Readonly<Record<string, string>>;
  /** Sentences by field; `form` is about the whole. */
  errors: Readonly<Record<string, string>>;
  form: FormContext;
}

/** The form for all parameters of a job; saving makes the next version. */
export function parametersForm(page: ParametersPage): Html {
  const { job, form } = page;
  const count = Object.keys(page.errors).length;
  return section(
    `Parameters of v${page.base}`,
    html`<form id="parameters" class="parameters" method="post" action="/jobs/${job.name}/parameters" hx-post="/jobs/${job.name}/parameters" hx-target="#content" hx-swap="innerHTML" novalidate${csrfHeader(form)}>${guards(form)}<input type="hidden" name="base" value="${page.base}">
${count > 0 ? html`<p class="notice bad" role="alert">${page.errors['form'] ?? (count === 1 ? 'Nothing was saved: one value cannot be used.' : `Nothing was saved: ${count} values cannot be used.`)}</p>` : ''}
<div class="grid">${page.parameters.map((p) => field(page, p))}
${flinkField(page)}</div>
<p class="actions sticky"><button class="button primary" type="submit">Save as the next version</button> <span class="hint">What runs stays until a restart.</span></p></form>`,
    html`artifact ${job.current.definition.artifact ? html`<code>${job.current.definition.artifact.slice(0, 8)}</code>` : 'none yet'}`,
  );
}

function field(page: ParametersPage, p: Parameter): Html {
  const error = page.errors[p.key];
  const id = `p-${p.key}`;
  const value = page.values[p.key] ?? '';
  const described = html` id="${id}" name="${p.key}" aria-describedby="${id}-hint${error ? ` ${id}-error` : ''}"${error ? html` aria-invalid="true"` : ''}`;
  const choices = p.key === 'cluster' ? page.clusters : p.choices;
  return html`<div class="field${error ? ' wrong' : ''}${p.multiline ? ' full' : ''}"><label for="${id}">${p.label} <code class="key">${p.key}</code></label>
${choices ? select(described, choices, value, p.key === 'state-backend') : p.multiline ? html`<textarea${described} rows="${Math.min(8, Math.max(2, value.split('\n').length))}" placeholder="${p.example}" spellcheck="false">\n${value}</textarea>` : html`<input${described} value="${value}" placeholder="${p.example}" autocomplete="off" spellcheck="false">`}
${error ? html`<p class="error" id="${id}-error">${error}</p>` : ''}<p class="hint" id="${id}-hint">${p.meaning}</p></div>`;
}
function select(described: Html, choices: readonly string[], value: string, optional: boolean): Html {
  const all = choices.includes(value) || value === '' ? choices : [value, ...choices];
  return html`<select${described}>${optional || value === '' ? html`<option value="">(not set)</option>` : ''}${all.map((c) => html`<option value="${c}"${c === value ? html` selected` : ''}>${c}</option>`)}</select>`;
}
function flinkField(page: ParametersPage): Html {
  const error = page.errors['flink'];
  const value = page.values['flink'] ?? '';
  return html`<div class="field full${error ? ' wrong' : ''}"><label for="p-flink">Flink keys</label>
<textarea id="p-flink" name="flink" rows="${Math.min(16, Math.max(4, value.split('\n').length + 1))}" placeholder="taskmanager.memory.process.size: 2g" spellcheck="false" aria-describedby="p-flink-hint${error ? ' p-flink-error' : ''}"${error ? html` aria-invalid="true"` : ''}>\n${value}</textarea>
${error ? html`<p class="error" id="p-flink-error">${error}</p>` : ''}<p class="hint" id="p-flink-hint">Any other Flink option, one "key: value" per line. They win over the fields above.</p></div>`;
}

/** The same for people who may look only. */
export function parametersList(job: Job, flat: ReadonlyMap<string, string>): Html {
  return section(
    `Parameters of v${job.currentVersion}`,
    html`${facts([...flat].map(([key, value]) => [key, html`<code class="path">${shownValue(key, value)}</code>`] as const))}<p class="context">To change them you need to be an engineer or a lead of team ${job.team}.</p>`,
  );
}
