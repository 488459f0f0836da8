import type { FastifyInstance } from 'fastify';
import { layout } from '../../views/layout.ts';
import { signedOutNow, signInPage, staleLinkPage } from '../../views/sign-in.ts';
import { endSession, isSignInLinkValid, redeemSignInLink } from '../access/sign-in.store.ts';
import { clearSession, sessionToken, setSession, takeNext } from './cookies.ts';
import { refuseForeign, requireToken } from './csrf.ts';
import { text } from './fields.ts';
import { sameSitePath } from './next.ts';
import { sendHtml } from './send.ts';
import { viewerOf } from './viewer.ts';
import type { WebOptions } from './web.ts';

/** Sign-in by a one-time link from Slack, and sign-out. Looking at a link does not use it up: its button does. */
export function signInRoutes(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/sign-in', async (request, reply) => {
      const token = text(request.query, 'code');
      const next = sameSitePath(text(request.query, 'next'));
      if (token && (await isSignInLinkValid(web.database.db, token)))
        return sendHtml(reply, layout({ title: 'Sign in' }, signInPage(token, next)));
      const viewer = await viewerOf(web, request);
      return sendHtml(reply, layout({ title: 'Sign in' }, staleLinkPage(viewer !== undefined, next)), viewer ? 200 : 410);
    });
    app.post('/sign-in', async (request, reply) => {
      refuseForeign(web, request);
      const next = sameSitePath(text(request.body, 'next'));
      const session = await redeemSignInLink(web.database, text(request.body, 'code'));
      if (!session) {
        // The second of two clicks: the first one has signed in.
        const viewer = await viewerOf(web, request);
        return viewer ? reply.redirect(next, 303) : sendHtml(reply, layout({ title: 'Sign in' }, staleLinkPage(false, next)), 410);
      }
      const before = sessionToken(web, request);
      if (before) await endSession(web.database.db, before);
      setSession(web, reply, session);
      const remembered = takeNext(web, request, reply);
      return reply.redirect(next === '/' ? remembered : next, 303);
    });
    app.post('/sign-out', async (request, reply) => {
      refuseForeign(web, request);
      const viewer = await viewerOf(web, request);
      if (viewer) {
        requireToken(viewer, request, text(request.body, '_csrf'));
        await endSession(web.database.db, viewer.token);
      }
      clearSession(web, reply);
      return sendHtml(reply, layout({ title: 'Signed out' }, signedOutNow()));
    });
  };
}
