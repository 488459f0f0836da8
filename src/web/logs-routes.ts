import type { FastifyInstance } from 'fastify';
import { type LogsPage, logsView } from '../../views/logs.ts';
import { AppError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { latestRun } from '../jobs/runs.store.ts';
import { text } from './fields.ts';
import { type JobRead, readJob, sendTab } from './job-page.ts';
import type { WebOptions } from './web.ts';

/** The ends of a job's logs, read from its cluster at this moment. */
export function logsRoutes(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/jobs/:name/logs', async (request, reply) => {
      const read = await readJob(web, request);
      const page = await readLogs(web, read, text(request.query, 'grep').slice(0, 200));
      return sendTab(web, request, reply, read, 'logs', logsView(page));
    });
  };
}

async function readLogs(web: WebOptions, { view, now }: JobRead, grep: string): Promise<LogsPage> {
  const { job } = view;
  const run = await latestRun(web.database.db, job.name);
  const cluster = run?.cluster ?? job.current.definition.cluster;
  const stored = run?.rootException;
  const page: LogsPage = { job: job.name, grep, now, cluster, cause: undefined, tails: [], problem: undefined };
  if (stored) page.cause = { title: `${stored.name}: ${stored.message}`, stack: '', at: new Date(stored.at), task: stored.task };
  try {
    const { deployer } = await web.deployers.of(cluster);
    const timeoutMs = 5000;
    const [cause, tails] = await Promise.all([
      run ? deployer.rootCause(run.flinkJobId, { timeoutMs }).catch(() => undefined) : undefined,
      deployer.logTails(256 * 1024, { timeoutMs }, run),
    ]);
    if (cause) page.cause = { title: `${cause.name}: ${cause.message}`, stack: cause.stack, at: new Date(cause.at), task: cause.task };
    const wanted = grep.toLowerCase();
    page.tails = tails.map((tail) => ({
      from: tail.from,
      lines: redact(tail.text)
        .split('\n')
        .filter((line) => line !== '' && line.toLowerCase().includes(wanted)),
    }));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    page.problem = `${error.message} Its logs cannot be read now.`;
  }
  return page;
}
