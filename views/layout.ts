import { type Html, html } from '../src/core/html.ts';

/** What every page of a signed-in person shows around its content. */
export interface Shell {
  title: string;
  section?: 'jobs' | 'incidents' | 'operations' | 'clusters' | 'people';
  /** Undefined: signed out. */
  viewer?: { name: string; csrf: string } | undefined;
  /** A reply to what the person just did, shown at the top. */
  reply?: Html | undefined;
}

/** htmx without eval, inline styles, script tags and history snapshots; answers 422 are shown, 204 changes nothing. */
const htmxConfig = JSON.stringify({
  allowEval: false,
  includeIndicatorStyles: false,
  selfRequestsOnly: true,
  allowScriptTags: false,
  historyCacheSize: 0,
  responseHandling: [
    { code: '204', swap: false },
    { code: '[23]..', swap: true },
    { code: '422', swap: true },
    { code: '[45]..', swap: true, error: true },
  ],
});

const sections = [
  ['jobs', '/', 'Jobs'],
  ['incidents', '/incidents', 'Incidents'],
  ['operations', '/operations', 'Operations'],
  ['clusters', '/clusters', 'Clusters'],
  ['people', '/people', 'People'],
] as const;

/** A whole page. */
export function layout(shell: Shell, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="htmx-config" content="${htmxConfig}">
<title>${shell.title} · Sluice</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/base.css">
<link rel="stylesheet" href="/static/components.css">
<link rel="stylesheet" href="/static/table.css">
<link rel="stylesheet" href="/static/message.css">
<link rel="stylesheet" href="/static/pages.css">
<script src="/static/htmx/htmx.min.js" defer></script>
<script src="/static/page.js" defer></script>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header class="top">
<a class="brand" href="/">${mark()}<span>Sluice</span></a>
${shell.viewer ? navigation(shell, shell.viewer) : ''}
</header>
<p id="lost" class="lost" role="status" hidden>No connection to Sluice; trying again.</p>
<main id="main">
<div class="reply"><div id="reply" aria-live="polite">${shell.reply ?? ''}</div><button type="button" class="close" aria-label="Close">×</button></div>
${content}
</main>
</body>
</html>`;
}

function navigation(shell: Shell, viewer: { name: string; csrf: string }): Html {
  return html`<nav class="sections" aria-label="Sections">
${sections.map(([id, href, label]) => html`<a href="${href}"${shell.section === id ? html` aria-current="page"` : ''}>${label}</a>`)}
</nav>
<form class="me" method="post" action="/sign-out"><input type="hidden" name="_csrf" value="${viewer.csrf}"><span class="who">${viewer.name}</span><button class="button quiet" type="submit">Sign out</button></form>`;
}

function mark(): Html {
  return html`<svg class="mark" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><rect x="2" y="3" width="4" height="18" rx="1.5"/><rect x="18" y="3" width="4" height="18" rx="1.5"/><path d="M6 11q3-3 6 0t6 0v5q-3 3-6 0t-6 0z"/></svg>`;
}
