import type { FastifyInstance } from 'fastify';
import { checkpointsView, type PlotSpan, plotSpans } from '../../views/checkpoints.ts';
import { live } from '../../views/live.ts';
import { causeWords } from '../incidents/causes.ts';
import { listIncidents } from '../incidents/incidents.store.ts';
import { runsBetween } from '../jobs/runs.store.ts';
import { plotOf } from '../restore-points/checkpoint-plot.ts';
import { listCheckpoints, listFailures, usualCheckpoint } from '../restore-points/checkpoints.store.ts';
import { text } from './fields.ts';
import { readJob, sendTab } from './job-page.ts';
import { sendLive } from './send.ts';
import type { WebOptions } from './web.ts';

const minute = 60_000;
const hour = 60 * minute;
const spanMs: Record<PlotSpan, number> = { '6h': 6 * hour, day: 24 * hour, week: 7 * 24 * hour, month: 30 * 24 * hour };

/** A job's checkpoints: their plot, those that failed, the newest. */
export function checkpointsRoutes(web: WebOptions) {
  const { db } = web.database;
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/jobs/:name/checkpoints', async (request, reply) => {
      const read = await readJob(web, request);
      const { view, now } = read;
      const { name } = view.job;
      const span = plotSpans.find(([id]) => id === text(request.query, 'span'))?.[0] ?? 'day';
      // Whole minutes, so that the picture does not move under the reader's eye.
      const to = new Date(Math.ceil(now.getTime() / minute) * minute);
      const since = new Date(to.getTime() - spanMs[span]);
      const rows = await listCheckpoints(db, name, 5000, since);
      const first = rows.at(-1)?.endedAt;
      // What is shorter than the span fills the picture.
      const from = new Date(
        Math.max(since.getTime(), Math.min(to.getTime() - 10 * minute, Math.floor((first ?? since).getTime() / minute) * minute - minute)),
      );
      const [runs, incidents, newest, failed, usual] = await Promise.all([
        runsBetween(db, name, from, to),
        listIncidents(db, name, 50),
        listCheckpoints(db, name, 30),
        listFailures(db, name, 20),
        usualCheckpoint(db, name, 0),
      ]);
      const flags = [
        ...runs.map((run) => ({ at: run.startedAt, words: `v${run.version} started (${run.beginning})`, bad: false })),
        ...incidents.map((one) => ({ at: one.firstSeen, words: `${causeWords(one.cause)}: ${one.title}`, bad: true })),
      ].filter((flag) => flag.at >= from && flag.at <= to);
      const content = checkpointsView({
        job: name,
        span,
        plot: plotOf(rows, from, to),
        flags,
        newest,
        failed,
        usual: usual.hours > 0 ? usual : undefined,
        failedOfRun: view.run?.failedCheckpoints ?? 0,
      });
      const part = live('checkpoints', `/jobs/${name}/checkpoints?span=${span}`, content);
      return sendLive(request, reply, part, () => sendTab(web, request, reply, read, 'checkpoints', part));
    });
  };
}
