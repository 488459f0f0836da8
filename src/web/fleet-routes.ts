import type { FastifyInstance } from 'fastify';
import { clustersPage } from '../../views/clusters.ts';
import { errorReportPage } from '../../views/error.ts';
import { live } from '../../views/live.ts';
import { peoplePage } from '../../views/people.ts';
import { findErrorReport } from '../access/error-reports.store.ts';
import { listPeople } from '../access/people.store.ts';
import { unreachableAfter } from '../commands/views/job-view.ts';
import { NotFoundError } from '../core/errors.ts';
import { html } from '../core/html.ts';
import { dbNow } from '../db/clock.ts';
import { listClusterViews } from '../deploy/cluster-views.store.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import { findJob, listJobs } from '../jobs/jobs.store.ts';
import { latestRuns } from '../jobs/runs.store.ts';
import { findOperation } from '../operations/operations.store.ts';
import { sendLive, sendPage } from './send.ts';
import { may } from './viewer.ts';
import type { WebOptions } from './web.ts';

/** Clusters, people, and errors by their reference. */
export function fleetRoutes(web: WebOptions) {
  const { db } = web.database;
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/clusters', async (request, reply) => {
      const [now, clusters, views, runs, jobs] = [
        await dbNow(db),
        await listClusters(db),
        await listClusterViews(db),
        await latestRuns(db),
        await listJobs(db),
      ];
      const mine = jobs.filter((job) => may(request.viewer, 'see', job));
      const unread = await web.unread?.();
      const rows = clusters.map((cluster) => {
        const view = views.get(cluster.name);
        const here = mine
          .filter((job) => runs.get(job.name)?.cluster === cluster.name && !runs.get(job.name)?.ended)
          .map((job) => job.name);
        return { cluster, view, unreachable: (view?.failures ?? 0) >= unreachableAfter, jobs: here, unread: unread?.get(cluster.name) };
      });
      const part = live('clusters', '/clusters', clustersPage(rows, now, await web.watcher?.()));
      return sendLive(request, reply, part, () => sendPage(request, reply, { title: 'Clusters', section: 'clusters' }, part));
    });
    app.get('/people', async (request, reply) =>
      sendPage(request, reply, { title: 'People', section: 'people' }, peoplePage(await listPeople(db))),
    );
    app.get('/errors/:reference', async (request, reply) => {
      const { reference } = request.params as { reference: string };
      // The report of an operation belongs to its job's team; other references are long random words that only the person who met the error has.
      const operation = await findOperation(db, reference);
      const job = operation && (await findJob(db, operation.job));
      const mayRead = operation === undefined || (job !== undefined && may(request.viewer, 'see', job));
      const report = mayRead ? await findErrorReport(db, reference) : undefined;
      if (!report)
        throw new NotFoundError(`There is no error ${reference}.`, {
          hint: 'The reference begins with err_ and stands in the message that told of the error.',
        });
      return sendPage(request, reply, { title: `Error ${reference}` }, html`${errorReportPage(reference, report)}`);
    });
  };
}
