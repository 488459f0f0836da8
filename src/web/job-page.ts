import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FormContext } from '../../views/form.ts';
import { type JobHead, type JobTab, jobPage, jobTabs } from '../../views/job.ts';
import { type JobView, jobViews } from '../commands/views/job-view.ts';
import type { Html } from '../core/html.ts';
import { dbNow } from '../db/clock.ts';
import { openOperations } from '../operations/operations.store.ts';
import { findMessage } from '../outbox/outbox.store.ts';
import { formContext } from './form-context.ts';
import { sendPage } from './send.ts';
import { jobFor } from './viewer.ts';
import type { WebOptions } from './web.ts';

export interface JobParams {
  name: string;
}
export interface JobRead {
  view: JobView;
  now: Date;
  form: FormContext;
}

/** What every tab of a job's page begins with. @throws NotFoundError, PermissionError */
export async function readJob(web: WebOptions, request: FastifyRequest): Promise<JobRead> {
  const { name } = request.params as JobParams;
  const { db } = web.database;
  const job = await jobFor(web, request.viewer, name);
  const now = await dbNow(db);
  const view = (await jobViews(db, now, (j) => j.name === name))[0] as JobView;
  return { view, now, form: formContext(request, job, `/jobs/${name}`) };
}

/** The head of a job's page: with what holds the job and the plans that wait. */
export async function readHead(web: WebOptions, read: JobRead): Promise<JobHead> {
  const { db } = web.database;
  const open = await openOperations(db, read.view.job.name);
  const operation = open.find((op) => op.holds && op.state !== 'waiting') ?? open.find((op) => op.state !== 'waiting');
  const message = operation && (await findMessage(db, operation.messageId))?.desired;
  return { ...read, busy: operation && { operation, message }, waiting: open.filter((op) => op.state === 'waiting') };
}

/** Answers with one tab of a job's page. */
export async function sendTab(
  web: WebOptions,
  request: FastifyRequest,
  reply: FastifyReply,
  read: JobRead,
  tab: JobTab,
  content: Html,
  extra: { status?: number; reply?: Html } = {},
): Promise<FastifyReply> {
  const head = await readHead(web, read);
  const label = jobTabs.find(([id]) => id === tab)?.[2] ?? '';
  return sendPage(
    request,
    reply,
    { title: tab === 'overview' ? read.view.job.name : `${label} · ${read.view.job.name}`, section: 'jobs', reply: extra.reply },
    jobPage(head, tab, content),
    extra.status,
  );
}
