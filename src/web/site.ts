import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { NotFoundError } from '../core/errors.ts';
import { checkpointsRoutes } from './checkpoints-routes.ts';
import { commandRoutes } from './command-routes.ts';
import { refuseForeign, requireToken } from './csrf.ts';
import { useErrorPages } from './errors.ts';
import { text } from './fields.ts';
import { fleetRoutes } from './fleet-routes.ts';
import { incidentsRoutes } from './incidents-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { jobsRoutes } from './jobs-routes.ts';
import { logsRoutes } from './logs-routes.ts';
import { operationsRoutes } from './operations-routes.ts';
import { parametersRoutes } from './parameters-routes.ts';
import { rulesRoutes } from './rules-routes.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { uploadRoutes } from './upload-routes.ts';
import { versionsRoutes } from './versions-routes.ts';
import { requireViewer } from './viewer.ts';
import type { WebOptions } from './web.ts';

/** Every page behind the sign-in. */
const pages = [
  jobsRoutes,
  jobRoutes,
  checkpointsRoutes,
  parametersRoutes,
  versionsRoutes,
  uploadRoutes,
  logsRoutes,
  incidentsRoutes,
  rulesRoutes,
  operationsRoutes,
  fleetRoutes,
  commandRoutes,
];

/** All that people see; what is behind the sign-in is told to nobody else. */
export function site(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    await app.register(cookie);
    await app.register(formbody);
    app.decorateRequest('viewer', null as never);
    useErrorPages(app, web);
    await app.register(signInRoutes(web));
    await app.register(inside(web));
  };
}
function inside(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    await app.register(multipart, { limits: { files: 1, fields: 10, fieldSize: 10_000, fileSize: 1024 ** 3 } });
    app.addHook('onRequest', requireViewer(web));
    app.addHook('preHandler', async (request) => guardChange(web, request));
    for (const routes of pages) await app.register(routes(web));
    // Behind the sign-in too: a stranger is told the same of every address.
    app.route({
      method: ['GET', 'POST'],
      url: '/*',
      handler: async () => {
        throw new NotFoundError('There is no such page.', { hint: 'The jobs are on the first page.' });
      },
    });
  };
}

/** What changes anything comes from this page itself: from this site, with the session's token. */
async function guardChange(web: WebOptions, request: FastifyRequest): Promise<void> {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  refuseForeign(web, request);
  // An upload is read as it comes; its route checks the token before it takes the file.
  const { tokenInBody } = request.routeOptions.config as { tokenInBody?: boolean };
  if (!tokenInBody || !request.isMultipart()) requireToken(request.viewer, request, text(request.body, '_csrf'));
}
