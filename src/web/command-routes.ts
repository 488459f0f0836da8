import type { FastifyInstance } from 'fastify';
import { commandPage } from '../../views/command-page.ts';
import { messageView } from '../../views/message.ts';
import { message, text as textPart } from '../core/message.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { findOperation } from '../operations/operations.store.ts';
import { text } from './fields.ts';
import { fillCommand } from './fill-command.ts';
import { deliveryKey, formContext } from './form-context.ts';
import { sameSitePath } from './next.ts';
import { sendHtml, sendPage, wantsPart } from './send.ts';
import type { WebOptions } from './web.ts';

/** Runs a command line: every action of the page is the same command as in Slack. */
export function commandRoutes(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    app.post('/command', async (request, reply) => {
      const { body, viewer } = request;
      const template = text(body, 'line');
      const back = sameSitePath(text(body, 'back'));
      const given = { input: text(body, 'input'), choice: text(body, 'choice'), multiline: text(body, 'multiline') === '1' };
      const line = fillCommand(template, given);
      const missing =
        (template.includes('{input}') && given.input.trim() === '' && text(body, 'optional') !== '1') ||
        (template.includes('{choice}') && given.choice === '');
      const answer = missing
        ? message('warn', 'Something is missing: fill in every field.', textPart('Nothing was done.'))
        : await ask(web, line, viewer.person.ref, deliveryKey(viewer, body));
      const job = await jobOf(web, back, line);
      const shown = messageView(answer, formContext(request, job, back));
      return wantsPart(request) ? sendHtml(reply, shown) : sendPage(request, reply, { title: 'Answer' }, commandPage(line, shown, back));
    });
    app.get('/command', async (_request, reply) => reply.redirect('/', 303));
  };
}

/** The job that an answer is about: of the page it was asked on, else of the command line. */
async function jobOf(web: WebOptions, back: string, line: string) {
  const { db } = web.database;
  const [, kind, id] = /^\/(jobs|operations)\/([^/?]+)/.exec(back) ?? [];
  const name = kind === 'operations' ? (await findOperation(db, id ?? ''))?.job : id;
  return findJob(db, name ?? line.split(/\s+/)[1] ?? '');
}

/** The answer of a command line, the late one if it takes longer. */
export async function ask(web: WebOptions, line: string, person: { teamId: string; userId: string; name: string }, key: string) {
  const { message: first, later } = await web.handle({ line, person, origin: { kind: 'web' }, deliveryKey: key });
  return later ? await later : first;
}
