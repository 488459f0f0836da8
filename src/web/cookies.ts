import type { FastifyReply, FastifyRequest } from 'fastify';
import { sameSitePath } from './next.ts';
import type { WebOptions } from './web.ts';

type Site = Pick<WebOptions, 'publicUrl'>;
const isSecure = (site: Site) => site.publicUrl.startsWith('https:');
const sessionName = (site: Site) => (isSecure(site) ? '__Host-sluice' : 'sluice_session');
const nextName = (site: Site) => (isSecure(site) ? '__Host-sluice-next' : 'sluice_next');
const attributes = (site: Site) => ({ path: '/', httpOnly: true, sameSite: 'lax' as const, secure: isSecure(site) });

/** A working day, as long as the session itself. */
const sessionSeconds = 10 * 3600;
const nextSeconds = 15 * 60;

/** The session's token of a request, undefined without one. */
export function sessionToken(site: Site, request: FastifyRequest): string | undefined {
  return request.cookies[sessionName(site)] || undefined;
}
export function setSession(site: Site, reply: FastifyReply, token: string): void {
  reply.setCookie(sessionName(site), token, { ...attributes(site), maxAge: sessionSeconds });
}
export function clearSession(site: Site, reply: FastifyReply): void {
  reply.clearCookie(sessionName(site), attributes(site));
}

/** Keeps the page that a signed-out person wanted, so that a link from a message survives the sign-in. */
export function rememberNext(site: Site, reply: FastifyReply, path: string): void {
  const safe = sameSitePath(path);
  if (safe !== '/') reply.setCookie(nextName(site), safe, { ...attributes(site), maxAge: nextSeconds });
}
/** The remembered page, `/` without one; it is forgotten. */
export function takeNext(site: Site, request: FastifyRequest, reply: FastifyReply): string {
  const path = request.cookies[nextName(site)];
  if (path) reply.clearCookie(nextName(site), attributes(site));
  return sameSitePath(path);
}
