import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageView } from '../../views/message.ts';
import { parametersForm, parametersList } from '../../views/parameters.ts';
import { earlierReply } from '../access/deliveries.store.ts';
import { whoMay } from '../access/policy.ts';
import { NotFoundError, PermissionError } from '../core/errors.ts';
import { html } from '../core/html.ts';
import type { Message } from '../core/message.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import { findJob, findVersion, type JobVersion } from '../jobs/jobs.store.ts';
import { flatten, parameters } from '../jobs/parameters.ts';
import { ask } from './command-routes.ts';
import { whole } from './fields.ts';
import { deliveryKey } from './form-context.ts';
import { type JobRead, readJob, sendTab } from './job-page.ts';
import { clashes, type FormErrors, type FormValues, formValues, readChanges, setCommand, typedValues } from './parameters-form.ts';
import { sendHtml, wantsPart } from './send.ts';
import { may } from './viewer.ts';
import type { WebOptions } from './web.ts';

/** The form for a job's parameters. Saving runs `set` with what was changed, so it is the same command as in Slack. */
export function parametersRoutes(web: WebOptions) {
  const { db } = web.database;

  async function show(
    request: FastifyRequest,
    reply: FastifyReply,
    read: JobRead,
    state: { base: JobVersion; values: FormValues; errors?: FormErrors; answer?: Message },
  ): Promise<FastifyReply> {
    const { job } = read.view;
    const errors = state.errors ?? {};
    const clusters = (await listClusters(db)).map((c) => c.name);
    const form = parametersForm({ job, base: state.base.number, parameters, clusters, values: state.values, errors, form: read.form });
    const answer = state.answer ? messageView(state.answer, read.form) : undefined;
    const content = html`${answer ?? ''}${form}`;
    const status = Object.keys(errors).length > 0 || state.answer?.tone === 'bad' || state.answer?.tone === 'warn' ? 422 : 200;
    return wantsPart(request) ? sendHtml(reply, content, status) : sendTab(web, request, reply, read, 'parameters', content, { status });
  }

  return async (app: FastifyInstance): Promise<void> => {
    app.get('/jobs/:name/parameters', async (request, reply) => {
      const read = await readJob(web, request);
      const { job } = read.view;
      if (!may(request.viewer, 'change', job))
        return sendTab(web, request, reply, read, 'parameters', parametersList(job, flatten(job.current.definition)));
      return show(request, reply, read, { base: job.current, values: formValues(job.current.definition) });
    });

    app.post('/jobs/:name/parameters', async (request, reply) => {
      const read = await readJob(web, request);
      const { job } = read.view;
      const { body, viewer } = request;
      if (!may(viewer, 'change', job))
        throw new PermissionError(`You may not change ${job.name}: that needs ${whoMay('change')} of team ${job.team}.`);
      const key = deliveryKey(viewer, body);
      const base = await findVersion(db, job.name, whole(body, 'base') ?? job.currentVersion);
      if (!base) throw new NotFoundError('The version that this form was made from is not there.', { hint: 'Load the page again.' });
      const values = typedValues(base.definition, body);
      const again = { base, values };
      if (!(await earlierReply(db, key))) {
        const { changes, errors } = readChanges(base.definition, values);
        const clusters = await listClusters(db);
        const cluster = values['cluster']?.trim();
        if (!errors['cluster'] && cluster !== base.definition.cluster && !clusters.some((c) => c.name === cluster))
          errors['cluster'] = `There is no cluster ${cluster}.`;
        Object.assign(errors, clashes(base.definition, job.current.definition, changes));
        if (Object.keys(errors).length > 0) return show(request, reply, read, { ...again, errors });
        if (changes.length === 0)
          return show(request, reply, read, { ...again, errors: { form: `Nothing was changed, so there is nothing to save.` } });
        const command = setCommand(job.name, changes);
        if (Object.keys(command.errors).length > 0) return show(request, reply, read, { ...again, errors: command.errors });
        const answer = await ask(web, command.line, viewer.person.ref, key);
        if (answer.tone === 'bad' || answer.tone === 'warn') return show(request, reply, read, { ...again, answer });
      }
      const fresh = await readJob(web, request);
      const now = (await findJob(db, job.name)) ?? fresh.view.job;
      const saved = await earlierReply(db, key);
      return show(request, reply, fresh, {
        base: now.current,
        values: formValues(now.current.definition),
        ...(saved ? { answer: saved } : {}),
      });
    });
  };
}
