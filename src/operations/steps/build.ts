import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { record } from '../../access/audit.store.ts';
import { resolveCommit } from '../../build/git.ts';
import { inspectJar, sha256OfFile } from '../../build/jar.ts';
import { mavenBuild } from '../../build/maven.ts';
import { NotFoundError } from '../../core/errors.ts';
import { truncate } from '../../core/text.ts';
import { formatBytes, formatDuration } from '../../core/time.ts';
import { now } from '../../db/clock.ts';
import { addVersion, findJob, lockJob } from '../../jobs/jobs.store.ts';
import { diffDefinitions } from '../../jobs/parameters.ts';
import { insertBuild, recordArtifact, updateBuild } from '../../projects/builds.store.ts';
import { guarded } from '../operations.store.ts';
import type { Json, Step, StepContext } from '../types.ts';
import { buildIdOf, clearUp, fetchSources, gitTarget, markOf, projectOf, takeSources } from './build-sources.ts';

const logFile = (c: StepContext) => join(c.services.workDir, 'build-logs', `${buildIdOf(c.op.id)}.log`);
const wantsBuild = (c: StepContext) => c.op.kind === 'build' || c.op.input['build'] === true;

const resolve: Step = {
  name: 'build-resolve',
  title: 'Resolve the commit',
  cancel: 'at-once',
  deadlineMs: 90_000,
  holds: false,
  when: wantsBuild,
  async recordIntent(tx, c) {
    const job = await findJob(tx, c.op.job);
    await insertBuild(tx, {
      id: buildIdOf(c.op.id),
      project: job?.project ?? '',
      job: c.op.job,
      operationId: c.op.id,
      state: 'running',
      startedAt: now,
      actor: c.op.actor,
    });
  },
  async act(c) {
    const project = await projectOf(c);
    const branch = (c.op.input['branch'] as string | undefined) ?? project.branch ?? undefined;
    const { commit, branch: found } = await resolveCommit({ ...(await gitTarget(c, project)), branch });
    c.note(`${found ?? branch ?? 'tag'} at ${commit.slice(0, 7)}`);
    return { commit, branch: found ?? branch ?? null };
  },
  async record(tx, c, _intent, result) {
    await updateBuild(tx, buildIdOf(c.op.id), { commit: result['commit'] as string, branch: (result['branch'] as string | null) ?? null });
    return undefined;
  },
};

const clone: Step = {
  name: 'build-clone',
  title: 'Clone',
  cancel: 'at-once',
  deadlineMs: 12 * 60_000,
  holds: false,
  when: wantsBuild,
  async act(c) {
    const { dir, subject } = await fetchSources(c);
    c.note(subject.slice(0, 60));
    return { dir, subject };
  },
  async record(tx, c, _intent, result) {
    await updateBuild(tx, buildIdOf(c.op.id), { subject: result['subject'] as string });
    return undefined;
  },
};

const compile: Step = {
  name: 'build-compile',
  title: 'Compile',
  cancel: 'at-once',
  deadlineMs: 40 * 60_000,
  holds: false,
  when: wantsBuild,
  act: compileInTurn,
};
async function compileInTurn(c: StepContext): Promise<Json> {
  c.note('waits for its turn');
  const giveBack = await c.queue(() => c.services.buildTurn(c.signal));
  try {
    return await compileNow(c);
  } finally {
    giveBack();
  }
}
async function compileNow(c: StepContext): Promise<Json> {
  const project = await projectOf(c);
  const dir = await takeSources(c);
  await mkdir(join(c.services.workDir, 'build-logs'), { recursive: true });
  const tail: string[] = [];
  let shownAt = 0;
  const started = performance.now();
  const { settings } = c.services;
  const result = await mavenBuild({
    dir,
    module: project.module ?? undefined,
    args: project.buildArgs,
    artifact: project.artifact ?? undefined,
    mavenCommand: settings.mavenCommand,
    timeoutMs: settings.buildTimeoutMs,
    noOutputTimeoutMs: settings.buildNoOutputTimeoutMs,
    signal: c.signal,
    logFile: logFile(c),
    buildId: markOf(c.op),
    onLine(line) {
      tail.push(line);
      if (tail.length > 12) tail.shift();
      if (performance.now() - shownAt < 1500) return;
      shownAt = performance.now();
      const words = line.replace(/^\[\w+\]\s*-*/, '').trim();
      c.note([formatDuration(performance.now() - started), truncate(words, 45)].filter(Boolean).join(' · '));
      showLog(c, 'Build log', tail);
      void keepLog(c).catch(() => {});
    },
  }).finally(() => keepLog(c).catch(() => {}));
  showLog(c, 'Build log', result.logTail.slice(-12));
  const jar = result.jars[0]!;
  c.note(`${formatDuration(result.durationMs)}, ${formatBytes(jar.size)}`);
  return {
    path: jar.path,
    name: basename(jar.path),
    size: jar.size,
    sha256: await sha256OfFile(jar.path),
    mainClass: jar.mainClass ?? null,
    durationMs: Math.round(result.durationMs),
  };
}
function showLog(c: StepContext, title: string, tail: readonly string[]): void {
  c.thread({
    tone: 'neutral',
    title,
    parts: [
      {
        kind: 'code',
        text: tail
          // Maven's rules are wider than a thread.
          .map((line) =>
            line
              .replace(/^\[INFO\] ?/, '')
              .replace(/-{4,}/g, '')
              .trim(),
          )
          .filter((line) => line !== '')
          .join('\n'),
      },
      { kind: 'context', spans: [{ link: 'Whole log', url: `${c.services.settings.publicUrl}/builds/${buildIdOf(c.op.id)}` }] },
    ],
  });
}
/** Not of an owner that was fenced: its log must not replace that of its successor. @throws FencedError */
async function keepLog(c: StepContext): Promise<void> {
  const log = (await readFile(logFile(c), 'utf8').catch(() => '')).slice(-1024 * 1024);
  if (log) await guarded(c.services.database, c.op, (tx) => updateBuild(tx, buildIdOf(c.op.id), { log }));
}

const publish: Step = {
  name: 'build-publish',
  title: 'Publish the artifact',
  cancel: 'at-once',
  // Time for a build, should what was built be gone.
  deadlineMs: 45 * 60_000,
  holds: false,
  when: wantsBuild,
  async act(c) {
    const before = c.results['build-compile'] as { path: string; name: string; sha256: string };
    // Not there, or another one: it was built on another machine.
    const there = (await sha256OfFile(before.path).catch(() => undefined)) === before.sha256;
    const built = there ? before : ((await compileInTurn(c)) as typeof before);
    const jar = await inspectJar(built.path);
    const { sha256, size } = await c.services.artifacts.put(built.path);
    c.note(`SHA-256 ${sha256.slice(0, 12)}`);
    return { sha256, size, name: built.name, mainClass: jar.mainClass ?? null };
  },
};

const bind: Step = {
  name: 'build-bind',
  title: 'Make the version',
  cancel: 'finish-first',
  deadlineMs: 30_000,
  holds: false,
  when: wantsBuild,
  async act(c) {
    await clearUp(c);
    return {};
  },
  async record(tx, c) {
    const { sha256, size, name, mainClass } = c.results['build-publish'] as {
      sha256: string;
      size: number;
      name: string;
      mainClass: string | null;
    };
    const { commit, branch } = c.results['build-resolve'] as { commit: string; branch: string | null };
    const id = buildIdOf(c.op.id);
    const job = await lockJob(tx, c.op.job);
    if (!job) throw new NotFoundError(`The job ${c.op.job} is gone.`);
    await recordArtifact(tx, {
      sha256,
      size,
      name,
      mainClass,
      source: 'build',
      project: job.project,
      buildId: id,
      commit,
      branch,
      createdBy: c.op.actor,
      createdAt: now,
    });
    await updateBuild(tx, id, { state: 'succeeded', sha256, size, finishedAt: now });
    if (job.current.definition.artifact === sha256) return { version: job.currentVersion, unchanged: true };
    const definition = { ...job.current.definition, artifact: sha256 };
    const version = await addVersion(tx, job.name, {
      definition,
      origin: 'build',
      note: `${branch ?? 'commit'} ${commit.slice(0, 7)}`,
      createdBy: c.op.actor,
    });
    await record(tx, {
      actor: { person: c.op.actor, origin: c.op.origin.kind },
      action: 'version.created',
      subject: `job:${job.name}`,
      details: { version, build: id, changes: diffDefinitions(job.current.definition, definition) },
    });
    return { version, unchanged: false };
  },
};

/** Build: resolve, clone, compile, publish, bind. The job is not held and what runs is not touched. */
export const buildSteps: readonly Step[] = [resolve, clone, compile, publish, bind];

/** After a failure or a cancel: what still runs is ended, the workspace goes, the build is marked. */
export const undoBuild: Step = {
  name: 'undo-build',
  title: 'Clear up after the build',
  cancel: 'finish-first',
  deadlineMs: 60_000,
  holds: false,
  when: (c) => c.intents['build-resolve'] !== undefined && !c.results['build-bind'],
  async act(c) {
    await clearUp(c);
    return {};
  },
  async record(tx, c) {
    const state = c.op.turned?.into === 'canceled' ? 'canceled' : 'failed';
    await updateBuild(tx, buildIdOf(c.op.id), { state, finishedAt: now });
    return undefined;
  },
};
