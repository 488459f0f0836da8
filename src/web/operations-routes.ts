import type { FastifyInstance } from 'fastify';
import { buildPage, buildPart } from '../../views/builds.ts';
import { type OperationPage, operationPage, operationPart } from '../../views/operation.ts';
import { operationsPage, operationsPart } from '../../views/operations.ts';
import { findErrorReport } from '../access/error-reports.store.ts';
import { cancelForecast } from '../commands/views/cancel-words.ts';
import { errorReference, isOver, operationViews } from '../commands/views/operation-view.ts';
import { changedSince, retryOffer } from '../commands/views/retry-offer.ts';
import { NotFoundError } from '../core/errors.ts';
import { dbNow } from '../db/clock.ts';
import { listJobs } from '../jobs/jobs.store.ts';
import { findApproval } from '../operations/approvals.store.ts';
import { operationKinds } from '../operations/kinds/index.ts';
import { activeOperations, findOperation, listOperations, listSteps } from '../operations/operations.store.ts';
import { buildIdOf } from '../operations/steps/build-sources.ts';
import type { Operation } from '../operations/types.ts';
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
      const mine = new Map((await listJobs(db)).filter((job) => may(request.viewer, 'see', job)).map((job) => [job.name, job]));
      const isMine = (op: Operation) => mine.has(op.job);
      const views = await operationViews(db, (await activeOperations(db)).filter(isMine).slice(0, 100));
      const open = views.map((view) => ({ ...view, form: formContext(request, mine.get(view.op.job)) }));
      const ended = (await listOperations(db, undefined, 300)).filter((op) => isOver(op) && isMine(op)).slice(0, 100);
      const page = { open, ended, now: await dbNow(db) };
      return sendLive(request, reply, operationsPart(page), () =>
        sendPage(request, reply, { title: 'Operations', section: 'operations' }, operationsPage(page)),
      );
    });

    app.get('/operations/:id', async (request, reply) => {
      const { id } = request.params as { id: string };
      const operation = await findOperation(db, id);
      if (!operation) throw new NotFoundError(`There is no operation ${id}.`, { hint: 'All of them are listed under Operations.' });
      const job = await jobFor(web, request.viewer, operation.job);
      const page = { ...(await readOperation(web, operation)), form: formContext(request, job) };
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

/** All that the page of one operation shows, read at one moment. */
async function readOperation(web: WebOptions, operation: Operation): Promise<Omit<OperationPage, 'form'>> {
  const { db } = web.database;
  const reference = errorReference(operation) ?? operation.id;
  const [steps, approval, row, build, report, newest, now] = await Promise.all([
    listSteps(db, operation.id),
    findApproval(db, operation.id),
    findMessage(db, operation.messageId),
    findBuild(db, buildIdOf(operation.id)),
    findErrorReport(db, reference),
    listOperations(db, operation.job, 50),
    dbNow(db),
  ]);
  const kind = operationKinds.find((k) => k.kind === operation.kind);
  const underWay = operation.state === 'running' || operation.state === 'queued';
  return {
    operation,
    steps,
    approval,
    message: row?.desired,
    permalink: row?.permalink ?? undefined,
    build,
    error: report && { reference, text: report.text },
    retry: retryOffer(operation, steps, approval, changedSince(operation, newest)),
    cancel: underWay && !operation.cancelRequestedAt ? cancelForecast(operation, kind, steps).words : undefined,
    now,
  };
}
