import { type Html, html } from '../src/core/html.ts';
import { newId } from '../src/core/ids.ts';
import type { Action } from '../src/core/message.ts';

/** What a form needs to know of who looks at it. */
export interface FormContext {
  /** The session's token against forged requests. */
  csrf: string;
  /** Path of the page the form is on, for the way back without scripts. */
  back: string;
  /** Whether the person may run this command line: buttons they may not use are not shown. */
  allowed(line: string): boolean;
}

/** The hidden fields of every form: the session's token, and a number that makes a double submit one effect. */
export function guards(form: FormContext): Html {
  return html`<input type="hidden" name="_csrf" value="${form.csrf}"><input type="hidden" name="nonce" value="${newId('n')}">`;
}
/** The attribute that carries the session's token with an htmx request. */
export function csrfHeader(form: FormContext): Html {
  return html` hx-headers="${JSON.stringify({ 'x-csrf-token': form.csrf })}"`;
}

/** A button that runs a command line, or a link; asks first for what the action asks for. */
export function actionView(form: FormContext, action: Action): Html | '' {
  const style = action.style ?? '';
  if (action.command === undefined)
    return action.url && /^https?:\/\/|^\/(?!\/)/i.test(action.url)
      ? html`<a class="button ${style}" href="${action.url}">${action.label}</a>`
      : '';
  if (!form.allowed(action.command)) return '';
  return action.input || action.choice ? askForm(form, action, action.command) : buttonForm(form, action, action.command);
}

function buttonForm(form: FormContext, action: Action, line: string): Html {
  const confirm = action.confirm ? html` hx-confirm="${`${action.confirm.title}\n${action.confirm.text}`}"` : '';
  return html`<form class="inline" method="post" action="/command" hx-post="/command" hx-target="#reply" hx-swap="innerHTML"${csrfHeader(form)}${confirm}>${guards(form)}<input type="hidden" name="line" value="${line}"><input type="hidden" name="back" value="${form.back}"><button class="button ${action.style ?? ''}" type="submit">${action.label}</button></form>`;
}

/** A small form under its button. Its answer appears below it, so what was typed stays. */
function askForm(form: FormContext, action: Action, line: string): Html {
  const id = newId('ask');
  const { input, choice } = action;
  const title = input?.title ?? choice?.title ?? action.label;
  return html`<details class="ask"><summary class="button ${action.style ?? ''}">${action.label}</summary>
<div class="ask-body"><form method="post" action="/command" hx-post="/command" hx-target="#${id}" hx-swap="innerHTML"${csrfHeader(form)}>${guards(form)}<input type="hidden" name="line" value="${line}"><input type="hidden" name="back" value="${form.back}">
<p class="ask-title">${title}</p>
${choice ? html`<label class="field"><span>${choice.label}</span><select name="choice" required>${choice.options.map((o) => html`<option value="${o.value}">${o.description ? `${o.label} · ${o.description}` : o.label}</option>`)}</select></label>` : ''}
${input ? inputField(input) : ''}
<button class="button ${action.style ?? 'primary'}" type="submit">${action.label.endsWith('…') ? 'Go on' : action.label}</button></form>
<div id="${id}" class="answer" aria-live="polite"></div></div></details>`;
}
function inputField(input: NonNullable<Action['input']>): Html {
  const required = input.optional ? '' : html` required`;
  const placeholder = html` placeholder="${input.placeholder ?? ''}"`;
  const control = input.multiline
    ? html`<textarea name="input" rows="3" maxlength="1000"${placeholder}${required}></textarea><input type="hidden" name="multiline" value="1">`
    : html`<input name="input" maxlength="1000" autocomplete="off"${placeholder}${required}>`;
  return html`<label class="field"><span>${input.label}</span>${control}</label>${input.optional ? html`<input type="hidden" name="optional" value="1">` : ''}`;
}
