import type { FastifyReply, FastifyRequest } from 'fastify';
import { findPerson } from '../access/people.store.ts';
import { decide, type Person, type Right, whoMay } from '../access/policy.ts';
import { findSession } from '../access/sign-in.store.ts';
import { commands } from '../commands/index.ts';
import { NotFoundError, PermissionError } from '../core/errors.ts';
import { nearest } from '../core/text.ts';
import { findJob, type Job, jobNames } from '../jobs/jobs.store.ts';
import { rememberNext, sessionToken } from './cookies.ts';
import { isForeign } from './csrf.ts';
import { sendSignedOut } from './send.ts';
import type { WebOptions } from './web.ts';

/** The signed-in person of a request. */
export interface Viewer {
  person: Person;
  csrf: string;
  token: string;
}
declare module 'fastify' {
  interface FastifyRequest {
    /** Set for every route behind the sign-in. */
    viewer: Viewer;
  }
}

/** The person behind the request's cookie; undefined when signed out, deactivated or no longer known. */
export async function viewerOf(web: WebOptions, request: FastifyRequest): Promise<Viewer | undefined> {
  const token = sessionToken(web, request);
  if (!token) return undefined;
  const session = await findSession(web.database.db, token);
  if (!session) return undefined;
  const person = await findPerson(web.database.db, session.person);
  if (!person?.active) return undefined;
  const listed = await web.directory?.person(person.ref.teamId, person.ref.userId);
  return listed?.restricted ? undefined : { person, csrf: session.csrf, token };
}

/** The hook of every route behind the sign-in: finds the viewer, or answers with how to sign in. */
export function requireViewer(web: WebOptions) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const viewer = await viewerOf(web, request);
    if (viewer) {
      request.viewer = viewer;
      return;
    }
    const keep = request.method === 'GET' && !request.headers['hx-request'] && !isForeign(web, request) ? request.url : undefined;
    if (keep) rememberNext(web, reply, keep);
    return sendSignedOut(request, reply, keep !== undefined && keep !== '/');
  };
}

/** Whether a person may do something to a job; `asks` counts, for then a lead is asked. */
export function may(viewer: Viewer, right: Right, job: Pick<Job, 'team' | 'current'>): boolean {
  return decide(viewer.person, right, { team: job.team, environment: job.current.definition.environment }) !== 'no';
}

/** The job of a page. @throws NotFoundError, PermissionError when the person may not see it. */
export async function jobFor(web: WebOptions, viewer: Viewer, name: string): Promise<Job> {
  const job = await findJob(web.database.db, name);
  if (!job) {
    const near = nearest(name, await jobNames(web.database.db), 1)[0];
    throw new NotFoundError(`There is no job ${name}.`, { hint: near ? `Did you mean ${near}?` : 'All jobs are on the first page.' });
  }
  if (!may(viewer, 'see', job))
    throw new PermissionError(`You may not see ${name}: that needs ${whoMay('see')} of team ${job.team}.`, {
      hint: 'Ask an admin, or somebody of that team.',
    });
  return job;
}

/** Whether a person may use a button with this command line: by the command's own right, on this job. */
export function mayRun(viewer: Viewer, job: Pick<Job, 'team' | 'current'> | undefined, line: string): boolean {
  const verb = line.split(/\s/, 1)[0] ?? '';
  const command = commands.find((c) => c.name === verb || c.aliases?.includes(verb));
  if (!command) return false;
  // Declared open, because the decision itself says who may; on the page only those who may decide see it.
  const right: Right = verb === 'approve' || verb === 'reject' || verb === 'review' ? 'approve' : command.right;
  return job ? may(viewer, right, job) : decide(viewer.person, right, { team: undefined }) !== 'no';
}
