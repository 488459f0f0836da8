import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkout, type GitTarget } from '../../build/git.ts';
import { buildOfMark, endBuildProcesses, ownerMark } from '../../build/leftovers.ts';
import { createWorkspace, removeWorkspace } from '../../build/workspace.ts';
import { NotFoundError, UserError } from '../../core/errors.ts';
import { findJob } from '../../jobs/jobs.store.ts';
import { findProject, type Project } from '../../projects/projects.store.ts';
import type { Operation, StepContext } from '../types.ts';

/** A build's id is its operation's, with another prefix. */
export const buildIdOf = (operationId: string): string => operationId.replace(/^op_/, 'bld_');
/** What the processes carry that this owner of the build starts. */
export const markOf = (op: Operation): string => ownerMark(buildIdOf(op.id), op.epoch);
const workspaces = (c: StepContext) => join(c.services.workDir, 'workspaces');
const folderOf = (c: StepContext) => join(workspaces(c), buildIdOf(c.op.id));
/** Written after a complete checkout and gone once Maven begins: only then the folder holds the sources of the commit and nothing else. */
const markerIn = (dir: string) => join(dir, '.git', 'sluice-complete');

/**
 * The project that the job is built from.
 * @throws UserError if it is not built from one; NotFoundError
 */
export async function projectOf(c: StepContext): Promise<Project> {
  const { db } = c.services.database;
  const job = await findJob(db, c.op.job);
  if (!job?.project)
    throw new UserError(`${c.op.job} is not built from a git project.`, {
      hint: 'Upload a jar on the page of the job, or let an admin give it a project.',
    });
  const project = await findProject(db, job.project);
  if (!project)
    throw new NotFoundError(`The project ${job.project} of ${c.op.job} does not exist.`, {
      hint: 'An admin registers projects with npm run apply.',
    });
  return project;
}
/** How git reaches the project; its secret is read now. @throws ConfigError */
export async function gitTarget(c: StepContext, project: Project): Promise<GitTarget> {
  return {
    url: project.url,
    credential: await c.services.openCredential(project.credential),
    allowPlainHttpHosts: c.services.settings.plainHttpHosts,
    signal: c.signal,
    buildId: markOf(c.op),
  };
}

/** Ends what earlier owners of this build left running on this machine: two Mavens in one folder spoil what both make. Waits until it is gone. */
async function endEarlierOwners(c: StepContext): Promise<void> {
  const id = buildIdOf(c.op.id);
  await endBuildProcesses((mark) => {
    const of = buildOfMark(mark);
    return of.buildId === id && of.epoch < c.op.epoch;
  });
  // It took a moment. A fenced owner must not touch the folder of its successor.
  c.fence();
}

/**
 * Fetches the commit of the build into an empty workspace; what was left there, processes and files, goes first.
 * @throws as checkout; UpstreamError without room on the disk; FencedError
 */
export async function fetchSources(c: StepContext): Promise<{ dir: string; subject: string }> {
  const project = await projectOf(c);
  const { commit, branch } = c.results['build-resolve'] as { commit: string; branch: string | null };
  await endEarlierOwners(c);
  const { dir } = await createWorkspace(workspaces(c), buildIdOf(c.op.id), { minFreeBytes: c.services.settings.minFreeDiskBytes });
  const { subject } = await checkout({ ...(await gitTarget(c, project)), commit, branch: branch ?? undefined, dir });
  await writeFile(markerIn(dir), commit);
  return { dir, subject };
}

/**
 * The folder with the sources, for one build. They are fetched again unless they are complete and untouched: an owner may have died in the middle of a fetch
 * or of Maven, or on another machine.
 * @throws as fetchSources
 */
export async function takeSources(c: StepContext): Promise<string> {
  const { commit } = c.results['build-resolve'] as { commit: string };
  const dir = folderOf(c);
  await endEarlierOwners(c);
  const complete = await readFile(markerIn(dir), 'utf8').catch(() => undefined);
  if (complete !== commit) await fetchSources(c);
  await rm(markerIn(dir), { force: true });
  c.fence();
  return dir;
}

/** Ends what this owner and those before it left running, then removes the workspace. */
export async function clearUp(c: StepContext): Promise<void> {
  const id = buildIdOf(c.op.id);
  await endBuildProcesses((mark) => {
    const of = buildOfMark(mark);
    return of.buildId === id && of.epoch <= c.op.epoch;
  });
  c.fence();
  await removeWorkspace(workspaces(c), id);
}
