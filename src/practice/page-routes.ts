import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { html } from '../core/html.ts';
import type { Context } from './context.ts';

const files: Record<string, string> = {
  'app.js': 'text/javascript',
  'blocks.js': 'text/javascript',
  'composer.js': 'text/javascript',
  'connection.js': 'text/javascript',
  'dom.js': 'text/javascript',
  'external-select.js': 'text/javascript',
  'head.js': 'text/javascript',
  'home.js': 'text/javascript',
  'hints.js': 'text/javascript',
  'inspector.js': 'text/javascript',
  'log.js': 'text/javascript',
  'message.js': 'text/javascript',
  'modal.js': 'text/javascript',
  'mrkdwn.js': 'text/javascript',
  'mrkdwn-view.js': 'text/javascript',
  'names.js': 'text/javascript',
  'places.js': 'text/javascript',
  'sidebar.js': 'text/javascript',
  'switches.js': 'text/javascript',
  'thread.js': 'text/javascript',
  'base.css': 'text/css',
  'blocks.css': 'text/css',
  'inspector.css': 'text/css',
  'message.css': 'text/css',
  'narrow.css': 'text/css',
  'overlays.css': 'text/css',
  'sidebar.css': 'text/css',
};
/** In the order in which they override each other. */
const sheets = ['base', 'sidebar', 'message', 'blocks', 'overlays', 'inspector', 'narrow'];
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' http: https: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The chat client: one page and its static files, read from this folder. */
export function pageRoutes(app: FastifyInstance, ctx: Context): void {
  const first = ctx.ws.state.people.find((p) => !p.bot && !p.deleted)?.id ?? '';
  const shell = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${ctx.ws.state.team.name} (practice workspace)</title>
<link rel="icon" href="data:,">
${sheets.map((name) => html`<link rel="stylesheet" href="/page/${name}.css">`)}
<script type="module" src="/page/app.js"></script>
</head>
<body data-first="${first}"><noscript>The practice workspace needs JavaScript.</noscript></body>
</html>`.toString();
  const sendShell = async (_request: unknown, reply: { type(t: string): { header(k: string, v: string): { send(b: string): unknown } } }) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(shell);
  app.get('/', sendShell);
  app.get('/archives/:channel/:message', sendShell);
  app.get<{ Params: { file: string } }>('/page/:file', async (request, reply) => {
    const type = Object.hasOwn(files, request.params.file) ? files[request.params.file] : undefined;
    if (type === undefined) return reply.code(404).type('text/plain').send('There is no such file.');
    const content = await readFile(new URL(`./page/${request.params.file}`, import.meta.url));
    return reply
      .type(`${type}; charset=utf-8`)
      .header('cache-control', 'no-cache')
      .header('x-content-type-options', 'nosniff')
      .send(content);
  });
}
