import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { type RulesPage, rulesPage, runbookPage } from '../../views/rules.ts';
import { findTeam } from '../access/people.store.ts';
import { NotFoundError } from '../core/errors.ts';
import { nearest } from '../core/text.ts';
import { type Cause, causeRules } from '../incidents/causes.ts';
import { runbookPath } from '../incidents/runbook.ts';
import { type InForce, type ThresholdName, type ThresholdSources, thresholdInForce, thresholdNames } from '../incidents/thresholds.ts';
import { listJobs } from '../jobs/jobs.store.ts';
import { latestRun } from '../jobs/runs.store.ts';
import { text } from './fields.ts';
import { sendPage } from './send.ts';
import { may } from './viewer.ts';
import type { WebOptions } from './web.ts';

const causes = Object.keys(causeRules) as Cause[];
const runbooks = new URL('../../docs/runbooks/', import.meta.url);

/** Commands of a runbook with the names of what the reader has in front of them. */
function named(markdown: string, names: Readonly<Record<string, string>>): string {
  return Object.entries(names).reduce((out, [example, name]) => (isName.test(name) ? out.replaceAll(example, name) : out), markdown);
}
const isName = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The rules of incidents with the thresholds in force, and what to do about each: docs/runbooks. */
export function rulesRoutes(web: WebOptions) {
  const { db } = web.database;
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/rules', async (request, reply) => {
      const typed = text(request.query, 'for').trim().slice(0, 200);
      const jobs = (await listJobs(db)).filter((job) => may(request.viewer, 'see', job));
      const teams = [...new Set(jobs.map((job) => job.team))].sort();
      const choices = [...teams.map((team) => `team:${team}`), ...jobs.map((job) => job.name)];
      const job = jobs.find((one) => one.name === typed);
      const team = job?.team ?? teams.find((one) => `team:${one}` === typed);
      const sources: ThresholdSources = {
        job: job?.current.definition,
        team: team === undefined ? undefined : (await findTeam(db, team))?.thresholds,
        installation: web.thresholds ?? {},
        checkpointIntervalMs: job && (await latestRun(db, job.name))?.checkpointIntervalMs,
      };
      const near = nearest(typed, choices, 1)[0];
      const page: RulesPage = {
        causes,
        inForce: Object.fromEntries(thresholdNames.map((name) => [name, thresholdInForce(name, sources)])) as Record<
          ThresholdName,
          InForce
        >,
        of: team === undefined ? undefined : { ...(job ? { job: job.name } : {}), team },
        typed,
        choices,
        problem: typed && team === undefined ? `There is no job or team ${typed}.${near ? ` Did you mean ${near}?` : ''}` : undefined,
      };
      return sendPage(request, reply, { title: 'Rules', section: 'incidents' }, rulesPage(page));
    });

    app.get('/runbooks/:cause', async (request, reply) => {
      const { cause } = request.params as { cause: string };
      const known = causes.find((one) => one === cause);
      if (!known)
        throw new NotFoundError(`There is no runbook ${cause}.`, {
          hint: `There are: ${causes.map((one) => runbookPath(one)).join(', ')}.`,
        });
      const markdown = named(await readFile(new URL(`${known}.md`, runbooks), 'utf8'), {
        'etl-orders': text(request.query, 'job'),
        standalone: text(request.query, 'cluster'),
      });
      return sendPage(
        request,
        reply,
        { title: `Runbook: ${causeRules[known].name}`, section: 'incidents' },
        runbookPage(known, markdown, text(request.query, 'job')),
      );
    });
  };
}
