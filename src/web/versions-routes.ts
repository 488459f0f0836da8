import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { diffView, versionsView } from '../../views/versions.ts';
import { NotFoundError } from '../core/errors.ts';
import { findVersion, listVersions } from '../jobs/jobs.store.ts';
import { diffDefinitions, flatten } from '../jobs/parameters.ts';
import { versionsThatRan } from '../jobs/runs.store.ts';
import { type Artifact, findArtifact } from '../projects/builds.store.ts';
import { whole } from './fields.ts';
import { type JobRead, readJob, sendTab } from './job-page.ts';
import { may } from './viewer.ts';
import type { WebOptions } from './web.ts';

/** A job's versions, and any two of them side by side. */
export function versionsRoutes(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/jobs/:name/versions', async (request, reply) => {
      const read = await readJob(web, request);
      return sendTab(web, request, reply, read, 'versions', await versionsContent(web, request, read));
    });
    app.get('/jobs/:name/diff', async (request, reply) => sendDiff(web, request, reply));
  };
}

/** What the tab shows, with what a failed upload says. */
export async function versionsContent(web: WebOptions, request: FastifyRequest, read: JobRead, upload?: { error?: string; note?: string }) {
  const { db } = web.database;
  const { job, run } = read.view;
  const versions = await listVersions(db, job.name);
  const artifacts = new Map<string, Artifact>();
  for (const sha of new Set(versions.flatMap((v) => v.definition.artifact ?? []))) {
    const artifact = await findArtifact(db, sha);
    if (artifact) artifacts.set(sha, artifact);
  }
  return versionsView({
    job,
    versions,
    artifacts,
    runs: run && !run.ended ? run.version : undefined,
    ran: await versionsThatRan(db, job.name),
    now: read.now,
    form: read.form,
    mayChange: may(request.viewer, 'change', job),
    ...(upload ? { upload } : {}),
  });
}

async function sendDiff(web: WebOptions, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const { db } = web.database;
  const read = await readJob(web, request);
  const { job } = read.view;
  const [a, b] = [whole(request.query, 'a') ?? Math.max(1, job.currentVersion - 1), whole(request.query, 'b') ?? job.currentVersion];
  const [before, after] = await Promise.all([findVersion(db, job.name, a), findVersion(db, job.name, b)]);
  if (!before || !after)
    throw new NotFoundError(`${job.name} has no version v${before ? b : a}.`, {
      hint: 'Choose two of those that are listed under Versions.',
    });
  const differences = diffDefinitions(before.definition, after.definition);
  const differ = new Set(differences.map((d) => d.key));
  const same = new Map([...flatten(after.definition)].filter(([key]) => !differ.has(key)));
  return sendTab(
    web,
    request,
    reply,
    read,
    'versions',
    diffView({ job, a, b, versions: await listVersions(db, job.name), differences, same, form: read.form }),
  );
}
