import type { FastifyReply, FastifyRequest } from 'fastify';
import { layout, type Shell } from '../../views/layout.ts';
import { signedOutPage } from '../../views/sign-in.ts';
import type { Html } from '../core/html.ts';

/** Whether htmx wants a piece of a page rather than the whole. */
export function wantsPart(request: FastifyRequest): boolean {
  return request.headers['hx-request'] === 'true' && request.headers['hx-history-restore-request'] !== 'true';
}

/** Answers with markup; pages are never cached, for they hold the session's token. */
export function sendHtml(reply: FastifyReply, content: Html, status = 200): FastifyReply {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .header('vary', 'HX-Request')
    .type('text/html; charset=utf-8')
    .send(content.markup);
}
/** A whole page of the signed-in person. */
export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  shell: Omit<Shell, 'viewer'>,
  content: Html,
  status = 200,
): FastifyReply {
  const { viewer } = request;
  return sendHtml(
    reply,
    layout({ ...shell, viewer: viewer ? { name: viewer.person.ref.name, csrf: viewer.csrf } : undefined }, content),
    status,
  );
}
/**
 * A living piece of a page: the piece itself when htmx asks and it has changed, 204 when it is as `seen` says; the whole page otherwise.
 *.
 */
export function sendLive(
  request: FastifyRequest,
  reply: FastifyReply,
  part: Html,
  page: () => FastifyReply | Promise<FastifyReply>,
): FastifyReply | Promise<FastifyReply> {
  if (!wantsPart(request)) return page();
  const seen = (request.query as { seen?: unknown }).seen;
  if (typeof seen === 'string' && part.markup.includes(`seen=${seen}"`)) return reply.code(204).send();
  return sendHtml(reply, part);
}

/** How to sign in; htmx loads the page anew, so that the person sees it. */
export function sendSignedOut(request: FastifyRequest, reply: FastifyReply, comesBack: boolean): FastifyReply {
  if (request.headers['hx-request']) return reply.code(401).header('HX-Refresh', 'true').send('');
  return sendHtml(reply, layout({ title: 'Sign in' }, signedOutPage(comesBack)), 401);
}
