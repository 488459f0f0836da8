import type { FastifyInstance } from 'fastify';
import { type JobsPage, jobStates, jobsPage, jobsPart } from '../../views/jobs.ts';
import { decide } from '../access/policy.ts';
import { type JobView, jobViews, unreachableAfter } from '../commands/views/job-view.ts';
import { dbNow } from '../db/clock.ts';
import { listClusterViews } from '../deploy/cluster-views.store.ts';
import { listClusters } from '../deploy/clusters.store.ts';
import { tagsOf } from '../jobs/tags.ts';
import { listLeftOut } from '../outbox/left-out.store.ts';
import { outboxHealth } from '../outbox/outbox.store.ts';
import { text } from './fields.ts';
import { sendLive, sendPage } from './send.ts';
import { may, type Viewer } from './viewer.ts';
import type { WebOptions } from './web.ts';

const is: Record<(typeof jobStates)[number], (view: JobView) => boolean> = {
  trouble: (v) => v.incidents.length > 0 || v.state === 'failed' || v.state === 'lost' || v.state === 'restarting',
  running: (v) => v.state === 'running',
  busy: (v) => v.holder !== undefined || v.state === 'starting',
  stopped: (v) => v.state === 'stopped' || v.state === 'finished' || v.state === 'new',
  unknown: (v) => v.state === 'unknown',
};

/** The first page: every job the person may see. */
export function jobsRoutes(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/', async (request, reply) => {
      const page = await readPage(web, request.viewer, text(request.query, 'q').trim().slice(0, 100), text(request.query, 'state'));
      return sendLive(request, reply, jobsPart(page), () => sendPage(request, reply, { title: 'Jobs', section: 'jobs' }, jobsPage(page)));
    });
  };
}

async function readPage(web: WebOptions, viewer: Viewer, wanted: string, state: string): Promise<JobsPage> {
  const { db } = web.database;
  const now = await dbNow(db);
  const all = await jobViews(db, now, (job) => may(viewer, 'see', job));
  const [clusters, seen, outbox, leftOut] = await Promise.all([listClusters(db), listClusterViews(db), outboxHealth(db), listLeftOut(db)]);
  const views = clusters.flatMap((c) => seen.get(c.name) ?? []);
  const filter = jobStates.find((s) => s === state);
  const counts = Object.fromEntries([['all', all.length], ...jobStates.map((s) => [s, all.filter(is[s]).length])]) as JobsPage['counts'];
  const answering = views.filter((v) => v.failures < unreachableAfter && v.slotsTotal !== null);
  return {
    jobs: all.filter((v) => matches(v, wanted.toLowerCase()) && (!filter || is[filter](v))),
    counts,
    text: wanted,
    state: filter ?? '',
    now,
    slots:
      answering.length === 0
        ? undefined
        : { available: sum(answering.map((v) => v.slotsAvailable)), total: sum(answering.map((v) => v.slotsTotal)) },
    unreachable: views.filter((v) => v.failures >= unreachableAfter).map((v) => v.cluster),
    undelivered: outbox.failed,
    leftOut,
    slackProblem: web.slackProblem?.(),
    mayRegister: decide(viewer.person, 'register', { team: undefined }) !== 'no',
  };
}
/** `tag:nightly`, or a part of the name or of a tag. */
function matches({ job }: JobView, word: string): boolean {
  const tags = tagsOf(job.current.definition);
  return word.startsWith('tag:') ? tags.includes(word.slice(4)) : job.name.includes(word) || tags.some((tag) => tag.includes(word));
}
const sum = (values: readonly (number | null)[]) => values.reduce<number>((a, b) => a + (b ?? 0), 0);
