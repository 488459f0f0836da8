import type { FastifyInstance, FastifyRequest } from 'fastify';
import { incidentPage, incidentPart, incidentsPage, incidentsPart, timelineOf } from '../../views/incidents-page.ts';
import { NotFoundError } from '../core/errors.ts';
import { dbNow } from '../db/clock.ts';
import {
  findIncident,
  type Incident,
  incidentsOfGroup,
  listEvents,
  pastIncidents,
  unresolvedIncidents,
} from '../incidents/incidents.store.ts';
import { listSilences } from '../incidents/silences.store.ts';
import { incidentStory } from '../incidents/story.ts';
import { listJobs } from '../jobs/jobs.store.ts';
import { formContext } from './form-context.ts';
import { incidentExport } from './incident-export.ts';
import { sendLive, sendPage } from './send.ts';
import { jobFor, may } from './viewer.ts';
import type { WebOptions } from './web.ts';

const gone = (id: string) =>
  new NotFoundError(`There is no incident ${id}.`, {
    hint: 'Those that are kept are listed under Incidents: of what was over long ago nothing is kept.',
  });

/** All incidents of the jobs that a person may see, and one with its timeline. */
export function incidentsRoutes(web: WebOptions) {
  const { db } = web.database;
  const mine = async (request: FastifyRequest) => {
    const names = new Set((await listJobs(db)).filter((job) => may(request.viewer, 'see', job)).map((job) => job.name));
    return (one: Incident) => one.job === null || names.has(one.job);
  };
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/incidents', async (request, reply) => {
      const isMine = await mine(request);
      const page = {
        open: (await unresolvedIncidents(db)).filter(isMine).slice(0, 200),
        over: (await pastIncidents(db, 300)).filter(isMine).slice(0, 100),
        silences: await listSilences(db),
        now: await dbNow(db),
      };
      return sendLive(request, reply, incidentsPart(page), () =>
        sendPage(request, reply, { title: 'Incidents', section: 'incidents' }, incidentsPage(page)),
      );
    });

    app.get('/incidents/:id/export.md', async (request, reply) => {
      const { id } = request.params as { id: string };
      const incident = await findIncident(db, id);
      if (!incident) throw gone(id);
      if (incident.job !== null) await jobFor(web, request.viewer, incident.job);
      const lines = timelineOf(await listEvents(db, id), await incidentStory(db, incident, await dbNow(db)));
      return reply
        .type('text/markdown; charset=utf-8')
        .header('content-disposition', `attachment; filename="${id}.md"`)
        .send(incidentExport(incident, lines));
    });

    app.get('/incidents/:id', async (request, reply) => {
      const { id } = request.params as { id: string };
      const incident = await findIncident(db, id);
      if (!incident) throw gone(id);
      const job = incident.job === null ? undefined : await jobFor(web, request.viewer, incident.job);
      const isMine = await mine(request);
      const now = await dbNow(db);
      const group = await incidentsOfGroup(db, incident.leaderId ?? incident.id, 200);
      const page = {
        incident,
        events: await listEvents(db, id),
        story: await incidentStory(db, incident, now),
        others: group.rows.filter((one) => one.id !== id && isMine(one)),
        form: formContext(request, job),
        now,
      };
      return sendLive(request, reply, incidentPart(page), () =>
        sendPage(request, reply, { title: incident.title, section: 'incidents' }, incidentPage(page)),
      );
    });
  };
}
