import type { FastifyRequest } from 'fastify';
import type { FormContext } from '../../views/form.ts';
import { UserError } from '../core/errors.ts';
import type { Job } from '../jobs/jobs.store.ts';
import { text } from './fields.ts';
import { sameSitePath } from './next.ts';
import { mayRun, type Viewer } from './viewer.ts';

/** What the forms of a page need; `job` decides which buttons the person sees. */
export function formContext(request: FastifyRequest, job: Pick<Job, 'team' | 'current'> | undefined, back?: string): FormContext {
  const { viewer } = request;
  return { csrf: viewer.csrf, back: sameSitePath(back ?? request.url.split('?')[0]), allowed: (line) => mayRun(viewer, job, line) };
}

/** Names this very submit: the number that was in the form makes a second submit of it a replay. @throws UserError */
export function deliveryKey(viewer: Viewer, fields: unknown): string {
  const nonce = text(fields, 'nonce');
  if (!/^n_[0-9a-z]{12}$/.test(nonce))
    throw new UserError('This form is incomplete. Nothing was done.', { hint: 'Load the page again, then repeat.' });
  const { teamId, userId } = viewer.person.ref;
  return `web:${teamId}:${userId}:${nonce}`;
}
