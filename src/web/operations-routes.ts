import type { FastifyInstance } from 'fastify';
import { buildPage, buildPart } from '../../views/builds.ts';
import { operationPage, operationPart } from '../../views/operation.ts';
import { operationsPage, operationsPart } from '../../views/operations.ts';
import { NotFoundError } from '../core/errors.ts';
import { dbNow } from '../db/clock.ts';
import { listJobs } from '../jobs/jobs.store.ts';
import { findApproval } from '../operations/approvals.store.ts';
import { findOperation, listOperations, listSteps } from '../operations/operations.store.ts';
import { buildIdOf } from '../operations/steps/build.ts';
import { findMessage } from '../outbox/outbox.store.ts';
import { findBuild } from '../projects/builds.store.ts';
import { formContext } from './form-context.ts';
import { sendLive, sendPage } from './send.ts';
import { jobFor, may } from './viewer.ts';
import type { WebOptions } from './web.ts';

/** The operation log, one operation with its steps, and one build with its log. */
export function operationsRoutes(web: WebOptions) {
  const { db } = web.database;
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/operations', async (request, reply) => {
      const seen = new Set((await listJobs(db)).filter((job) => may(request.viewer, 'see', job)).map((job) => job.name));
      const operations = (await listOperations(db, undefined, 300)).filter((op) => seen.has(op.job)).slice(0, 100);
      const now = await dbNow(db);
      return sendLive(request, reply, operationsPart(operations, now), () =>
        sendPage(request, reply, { title: 'Operations', section: 'operations' }, operationsPage(operations, now)),
      );
    });

    app.get('/operations/:id', async (request, reply) => {
      const { id } = request.params as { id: string };
      const operation = await findOperation(db, id);
      if (!operation) throw new NotFoundError(`There is no operation ${id}.`, { hint: 'All of them are listed under Operations.' });
      const job = await jobFor(web, request.viewer, operation.job);
      const [steps, approval, row, build, now] = await Promise.all([
        listSteps(db, id),
        findApproval(db, id),
        findMessage(db, operation.messageId),
        findBuild(db, buildIdOf(id)),
        dbNow(db),
      ]);
      const page = {
        operation,
        steps,
        approval,
        message: row?.desired,
        permalink: row?.permalink ?? undefined,
        build,
        now,
        form: formContext(request, job),
      };
      return sendLive(request, reply, operationPart(page), () =>
        sendPage(request, reply, { title: `${operation.kind} of ${operation.job}`, section: 'operations' }, operationPage(page)),
      );
    });

    app.get('/builds/:id', async (request, reply) => {
      const { id } = request.params as { id: string };
      const build = await findBuild(db, id);
      if (!build?.job) throw new NotFoundError(`There is no build ${id}.`, { hint: 'The builds of a job are listed on its page.' });
      await jobFor(web, request.viewer, build.job);
      return sendLive(request, reply, buildPart(build), () =>
        sendPage(request, reply, { title: `Build of ${build.job}`, section: 'jobs' }, buildPage(build)),
      );
    });
  };
}
