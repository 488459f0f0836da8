import type { FastifyInstance } from 'fastify';
import { buildsTable } from '../../views/builds.ts';
import { incidentsView } from '../../views/incidents.ts';
import { type JobTab, jobHead, jobOverview, jobTabs } from '../../views/job.ts';
import { live } from '../../views/live.ts';
import { operationsTable } from '../../views/operations.ts';
import { section } from '../../views/parts.ts';
import { restorePointsTable } from '../../views/restore-points.ts';
import { runsTable } from '../../views/runs.ts';
import { policyWords } from '../commands/views/savepoint-list.ts';
import { type Html, html } from '../core/html.ts';
import { listEvents, listIncidents } from '../incidents/incidents.store.ts';
import { listRuns, type Run } from '../jobs/runs.store.ts';
import { listOperations } from '../operations/operations.store.ts';
import { judgedSavepoints, policyOf } from '../operations/retention.fetch.ts';
import { listBuilds } from '../projects/builds.store.ts';
import { listRestorePoints } from '../restore-points/restore-points.store.ts';
import { text } from './fields.ts';
import { type JobRead, readHead, readJob, sendTab } from './job-page.ts';
import { sendLive } from './send.ts';
import type { WebOptions } from './web.ts';

/** A job's page: its head, and what has happened to it. */
export function jobRoutes(web: WebOptions) {
  const { db } = web.database;
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/jobs', async (_request, reply) => reply.redirect('/', 303));
    app.get('/jobs/:name', async (request, reply) => {
      const read = await readJob(web, request);
      const part = live('overview', `/jobs/${read.view.job.name}`, await overview(web, read));
      return sendLive(request, reply, part, () => sendTab(web, request, reply, read, 'overview', part));
    });
    app.get('/jobs/:name/head', async (request, reply) => {
      const read = await readJob(web, request);
      const tab = jobTabs.find(([id]) => id === text(request.query, 'tab'))?.[0] ?? 'overview';
      return sendLive(request, reply, jobHead(await readHead(web, read), tab), () => reply.redirect(`/jobs/${read.view.job.name}`, 303));
    });
    tab('runs', async ({ view, now }) => section('Runs', runsTable(await listRuns(db, view.job.name, 50), now)));
    tab('restore-points', async ({ view, now, form }) => {
      const { job } = view;
      const judged = (await judgedSavepoints(db, [job], now, web.keep)).get(job.name) ?? [];
      return section(
        'Restore points',
        html`<p class="context">${policyWords(policyOf(job.current.definition, web.keep))}</p>${restorePointsTable(await listRestorePoints(db, job.name, 100), job.name, now, form, false, judged)}`,
      );
    });
    tab('builds', async ({ view, now }) =>
      section('Builds', buildsTable(await listBuilds(db, view.job.name, 50), view.job.name, view.job.project !== null, now)),
    );
    tab('operations', async ({ view, now }) =>
      section('Operations', operationsTable(await listOperations(db, view.job.name, 100), now, 'job')),
    );
    app.get('/jobs/:name/incidents', async (request, reply) => {
      const read = await readJob(web, request);
      const incidents = await listIncidents(db, read.view.job.name, 50);
      const views = await Promise.all(
        incidents.map(async (incident) => ({ incident, events: incident.state !== 'resolved' ? await listEvents(db, incident.id) : [] })),
      );
      const part = live('incidents', `/jobs/${read.view.job.name}/incidents`, incidentsView(views, read.form));
      return sendLive(request, reply, part, () => sendTab(web, request, reply, read, 'incidents', part));
    });

    /** A tab whose table lives. */
    function tab(id: Exclude<JobTab, 'overview' | 'checkpoints'>, content: (read: JobRead) => Promise<Html>): void {
      app.get(`/jobs/:name/${id}`, async (request, reply) => {
        const read = await readJob(web, request);
        const part = live(id, `/jobs/${read.view.job.name}/${id}`, await content(read));
        return sendLive(request, reply, part, () => sendTab(web, request, reply, read, id, part));
      });
    }
  };
}

async function overview(web: WebOptions, { view, now, form }: JobRead): Promise<Html> {
  const { db } = web.database;
  const { name } = view.job;
  const [operations, points] = await Promise.all([listOperations(db, name, 5), listRestorePoints(db, name, 5)]);
  return jobOverview({ view, now, form, operations, points, flinkUrl: await flinkUrl(web, view.run) });
}
/** Flink's own page of a run; undefined when its cluster is gone. */
async function flinkUrl(web: WebOptions, run: Run | undefined): Promise<string | undefined> {
  if (!run) return undefined;
  const open = await web.deployers.of(run.cluster).catch(() => undefined);
  const url = open?.deployer.runUrl(run.flinkJobId, run.application);
  return url && /^https?:\/\//i.test(url) ? url : undefined;
}
