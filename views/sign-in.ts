import { type Html, html } from '../src/core/html.ts';

/** What a signed-out visitor is told. */
export function signedOutPage(comesBack: boolean): Html {
  return html`<div class="door"><h1>Sign in from Slack</h1>
<p>Type <code>/flink web</code> in Slack for a sign-in link. It works once, for 5 minutes, for you alone.</p>
${comesBack ? html`<p class="hint">The link brings you back to the page you asked for.</p>` : ''}</div>`;
}
/** The button that redeems a link: opening the link alone does not use it up, so previews cannot burn it. */
export function signInPage(token: string, next: string): Html {
  return html`<div class="door"><h1>Sign in to Sluice</h1>
<form method="post" action="/sign-in"><input type="hidden" name="code" value="${token}"><input type="hidden" name="next" value="${next}"><button class="button primary large" type="submit">Sign in</button></form>
<p class="hint">The session lasts a working day.</p></div>`;
}
/** A link that was used, or is too old. */
export function staleLinkPage(signedIn: boolean, next: string): Html {
  return html`<div class="door"><h1>This link is used up or too old</h1>
${signedIn ? html`<p>You are signed in already. <a class="button primary" href="${next}">Go on</a></p>` : html`<p>Type <code>/flink web</code> in Slack for a new one; links work once, for 5 minutes.</p>`}</div>`;
}
export function signedOutNow(): Html {
  return html`<div class="door"><h1>You are signed out</h1><p>Type <code>/flink web</code> in Slack to come back.</p></div>`;
}
