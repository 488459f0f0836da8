import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { PermissionError } from '../core/errors.ts';
import type { WebOptions } from './web.ts';

/** Whether a browser says that another site made this request (Sec-Fetch-Site, Origin). */
export function isForeign(site: Pick<WebOptions, 'publicUrl'>, request: FastifyRequest): boolean {
  const fetchSite = request.headers['sec-fetch-site'];
  if (typeof fetchSite === 'string' && fetchSite !== 'same-origin' && fetchSite !== 'none') return true;
  const { origin, host } = request.headers;
  // By some referrer policies the Origin of our own forms is `null`; the browser's other word tells them from strangers.
  if (origin === undefined || (origin === 'null' && fetchSite === 'same-origin')) return false;
  return origin !== new URL(site.publicUrl).origin && origin !== `http://${host}` && origin !== `https://${host}`;
}

/** @throws PermissionError for a request that another site made. */
export function refuseForeign(site: Pick<WebOptions, 'publicUrl'>, request: FastifyRequest): void {
  if (isForeign(site, request))
    throw new PermissionError('This request came from another site and was refused.', { hint: 'Open the page itself and try again.' });
}
/** The session's own token, from the header that htmx sends or the form's hidden field. @throws PermissionError */
export function requireToken(viewer: { csrf: string }, request: FastifyRequest, field: unknown): void {
  const header = request.headers['x-csrf-token'];
  const given = typeof header === 'string' ? header : typeof field === 'string' ? field : '';
  if (!timingSafeEqual(hash(given), hash(viewer.csrf)))
    throw new PermissionError('This form is too old, or was not made by this page. Nothing was done.', {
      hint: 'Load the page again, then repeat.',
    });
}
const hash = (value: string) => createHash('sha256').update(value).digest();
