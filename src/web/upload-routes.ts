import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { messageView } from '../../views/message.ts';
import { record } from '../access/audit.store.ts';
import { once } from '../access/deliveries.store.ts';
import { whoMay } from '../access/policy.ts';
import { inspectJar, requireMainClass } from '../build/jar.ts';
import { PermissionError, UserError } from '../core/errors.ts';
import { html } from '../core/html.ts';
import { actions, fields, type Message, message, type PersonRef, text } from '../core/message.ts';
import { oneLine, stripControls, truncate } from '../core/text.ts';
import { formatBytes } from '../core/time.ts';
import { now } from '../db/clock.ts';
import { addVersion, type Job, lockJob } from '../jobs/jobs.store.ts';
import { diffDefinitions } from '../jobs/parameters.ts';
import { recordArtifact } from '../projects/builds.store.ts';
import { requireToken } from './csrf.ts';
import { deliveryKey } from './form-context.ts';
import { readJob, sendTab } from './job-page.ts';
import { sendHtml, wantsPart } from './send.ts';
import { versionsContent } from './versions-routes.ts';
import { jobFor, may } from './viewer.ts';
import type { WebOptions } from './web.ts';

/** An uploaded jar becomes the next version of a job. */
export function uploadRoutes(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    app.post('/jobs/:name/upload', { config: { tokenInBody: true } }, async (request, reply) => {
      const { viewer } = request;
      const job = await jobFor(web, viewer, (request.params as { name: string }).name);
      await mkdir(web.uploadDir, { recursive: true, mode: 0o700 });
      const path = join(web.uploadDir, `${randomBytes(12).toString('hex')}.jar`);
      const given: Record<string, string> = {};
      let answer: Message | undefined;
      let error: string | undefined;
      try {
        const name = await receive(request, path, given);
        if (!may(viewer, 'change', job))
          throw new PermissionError(`You may not change ${job.name}: that needs ${whoMay('change')} of team ${job.team}.`);
        answer = await keep(web, job, { path, name, note: given['note'] ?? '', key: deliveryKey(viewer, given), by: viewer.person.ref });
      } catch (cause) {
        if (!(cause instanceof UserError)) throw cause;
        error = [cause.message, cause.hint].filter(Boolean).join(' ');
      } finally {
        await rm(path, { force: true });
      }
      const read = await readJob(web, request);
      const note = given['note'] ?? '';
      const content = await versionsContent(web, request, read, error === undefined ? undefined : { error, note });
      const shown = html`${answer ? messageView(answer, read.form) : ''}${content}`;
      const status = error === undefined ? 200 : 422;
      return wantsPart(request) ? sendHtml(reply, shown, status) : sendTab(web, request, reply, read, 'versions', shown, { status });
    });
  };
}

/** Writes the uploaded file, after the fields that come before it have proven that this page's form was sent. @returns its name */
async function receive(request: FastifyRequest, path: string, given: Record<string, string>): Promise<string> {
  if (!request.isMultipart()) throw new UserError('A file was expected.', { hint: 'Choose a jar, then upload.' });
  let name: string | undefined;
  for await (const part of request.parts()) {
    if (part.type === 'field') {
      if (typeof part.value === 'string') given[part.fieldname] = part.value;
      continue;
    }
    requireToken(request.viewer, request, given['_csrf']);
    if (name !== undefined || part.fieldname !== 'jar' || part.filename === '') {
      part.file.resume();
      continue;
    }
    name = truncate(oneLine(stripControls(part.filename)).replace(/^.*[/\\]/, ''), 120) || 'upload.jar';
    await pipeline(part.file, createWriteStream(path, { flags: 'wx', mode: 0o600 }));
  }
  requireToken(request.viewer, request, given['_csrf']);
  if (name === undefined) throw new UserError('No jar was chosen.', { hint: 'Choose a file that ends in .jar.' });
  return name;
}

/** Checks the jar, keeps it and saves the version; the same submit again gets the first one's answer. */
async function keep(
  web: WebOptions,
  job: Job,
  upload: { path: string; name: string; note: string; key: string; by: PersonRef & { name: string } },
): Promise<Message> {
  const jar = await inspectJar(upload.path).catch((error: unknown) => {
    if (error instanceof UserError)
      throw new UserError(error.message.replace(/[0-9a-f]{24}\.jar/, upload.name), { cause: error, hint: error.hint });
    throw error;
  });
  const mainClass = requireMainClass(jar, job.current.definition.mainClass);
  const { sha256, size } = await web.artifacts.put(upload.path);
  return once(web.database, upload.key, async (tx) => {
    const fresh = (await lockJob(tx, job.name)) ?? job;
    if (fresh.current.definition.artifact === sha256)
      return message('neutral', `${job.name} v${fresh.currentVersion} has this very jar already`);
    await recordArtifact(tx, {
      sha256,
      name: upload.name,
      size,
      mainClass: jar.mainClass ?? null,
      source: 'upload',
      createdBy: upload.by,
      createdAt: now,
    });
    const note = truncate(oneLine(stripControls(upload.note)), 200);
    const definition = { ...fresh.current.definition, artifact: sha256 };
    const number = await addVersion(tx, job.name, {
      definition,
      origin: 'upload',
      note: [upload.name, note].filter(Boolean).join(', '),
      createdBy: upload.by,
    });
    await record(tx, {
      actor: { person: upload.by, origin: 'web' },
      action: 'version.created',
      subject: `job:${job.name}`,
      details: {
        version: number,
        artifact: sha256,
        upload: upload.name,
        changes: diffDefinitions(fresh.current.definition, definition),
      },
    });
    return message(
      'good',
      `${job.name} v${number} saved and current`,
      fields([
        ['Jar', `${upload.name}, ${formatBytes(size)}`],
        ['Main class', mainClass],
      ]),
      text('What runs stays as it is until a restart.'),
      actions(
        { label: `Restart with v${number}`, command: `restart ${job.name} --version v${number}` },
        { label: `Start v${number}`, command: `start ${job.name} --version v${number}` },
      ),
    );
  });
}
