import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { BuildError, UserError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { type RunResult, run } from '../core/process.ts';
import { formatDuration } from '../core/time.ts';
import { type BuildLog, openBuildLog } from './build-log.ts';
import { inspectJar } from './jar.ts';
import { buildMark, endBuildProcesses } from './leftovers.ts';
import { checkMavenArgs, checkModule } from './maven-args.ts';
import { findBuiltJar } from './maven-artifact.ts';
import { explainMavenFailure } from './maven-errors.ts';

const defaultTimeoutMs = 1_800_000;
const defaultNoOutputMs = 600_000;

export interface MavenBuild {
  /** The checkout, with pom.xml at its top. */
  dir: string;
  /** Folder of the module inside the checkout; it and what it needs are built (-pl, -am). */
  module?: string | undefined;
  /** Build arguments, a word each; see checkMavenArgs for what is allowed. */
  args?: readonly string[] | undefined;
  /** Which jar, if the build leaves several: a file name with `*`. */
  artifact?: string | undefined;
  /** A settings.xml to use in place of the user's own. */
  settings?: string | undefined;
  /** `mvn` by default. */
  mavenCommand?: string | undefined;
  /** More environment: MAVEN_OPTS, JAVA_HOME, or secrets that settings.xml names as ${env.NAME}. */
  env?: Record<string, string | undefined> | undefined;
  /** Values that must not appear in the log, such as the secrets in `env`. */
  secrets?: readonly string[] | undefined;
  /** Wall-clock limit, 30 min by default. */
  timeoutMs?: number | undefined;
  /** A build that prints nothing for so long is ended; 10 min by default. */
  noOutputTimeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Called for each line, secrets removed. */
  onLine?: ((line: string) => void) | undefined;
  /** The log is appended to this file. */
  logFile: string;
  /** 20 MB by default; the last 200 lines are kept beyond it. */
  maxLogBytes?: number | undefined;
  /** The build's processes can be found under this id (endBuildProcesses) even after a crash. */
  buildId?: string | undefined;
}
export interface MavenResult {
  /** One jar: several between which nothing decides are an error. */
  jars: { path: string; size: number; mainClass: string | undefined }[];
  durationMs: number;
  logFile: string;
  logTail: string[];
}

/**
 * Runs `mvn -DskipTests package` without a shell (an argument -DskipTests=false wins) and finds the jar it made. When it ends, fails or is aborted, no process of it is left.
 * @throws UserError for bad arguments; BuildError (`details.kind`, `details.logTail`) if the project does not build or runs out of time;
 *   UpstreamError if Maven cannot be started; the signal's reason when aborted.
 */
export async function mavenBuild(build: MavenBuild): Promise<MavenResult> {
  const args = mavenArgs(build);
  const moduleDir = build.module === undefined ? build.dir : await moduleFolder(build.dir, build.module);
  build.signal?.throwIfAborted();
  const log = await openBuildLog(build.logFile, build.maxLogBytes ?? 20 * 1024 * 1024);
  const mark = build.buildId ?? newId('mvn');
  try {
    const { result, errors, ended } = await runMaven(build, args, mark, log);
    build.signal?.throwIfAborted();
    if (result.code !== 0) throw failure(build, result, errors, ended, log);
    const jar = await findBuiltJar(moduleDir, build.artifact);
    const { mainClass } = await inspectJar(jar.path);
    return { jars: [{ ...jar, mainClass }], durationMs: result.durationMs, logFile: build.logFile, logTail: log.tail() };
  } catch (error) {
    throw error instanceof BuildError && !('logTail' in error.details) ? withTail(error, log) : error;
  } finally {
    await endBuildProcesses(mark);
    await log.close();
  }
}

function mavenArgs(build: MavenBuild): string[] {
  const args = ['-B', '-ntp', '-Dstyle.color=never', '-DskipTests', ...checkMavenArgs(build.args ?? [])];
  if (build.settings !== undefined) args.push('-s', build.settings);
  if (build.module !== undefined) args.push('-pl', checkModule(build.module), '-am');
  return [...args, 'package'];
}

/** The folder of a module; one that a link leads out of the checkout is refused. */
async function moduleFolder(dir: string, module: string): Promise<string> {
  const path = join(dir, checkModule(module));
  const real = await realpath(path).catch(() => undefined);
  if (real?.startsWith((await realpath(dir)) + sep) && (await stat(real)).isDirectory()) return path;
  throw new UserError(`The repository has no folder ${module} at this commit.`, {
    hint: 'Check the module of the project, and the branch.',
  });
}

interface MavenRun {
  result: RunResult;
  /** The [ERROR] and [FATAL] lines, and others that tell what happened. */
  errors: string[];
  /** Why it was ended before its time. */
  ended: 'late' | 'silent' | undefined;
}

async function runMaven(build: MavenBuild, args: string[], mark: string, log: BuildLog): Promise<MavenRun> {
  const silence = new AbortController();
  const errors: string[] = [];
  const limit = build.noOutputTimeoutMs ?? defaultNoOutputMs;
  const stop = () => silence.abort();
  let timer = setTimeout(stop, limit);
  const hide = (line: string) => (build.secrets ?? []).reduce((text, secret) => (secret ? text.replaceAll(secret, '***') : text), line);
  const onLine = (raw: string) => {
    const line = hide(raw);
    clearTimeout(timer);
    // After its last words Maven must end soon; a daemon that a plugin started can hold the output open for ever.
    timer = setTimeout(stop, /^\[INFO\] Finished at: /.test(line) ? Math.min(limit, 60_000) : limit);
    if (errors.length < 500 && /^\[(ERROR|FATAL)\]|OutOfMemoryError|insufficient memory|No space left|JAVA_HOME|java: /.test(line))
      errors.push(line.slice(0, 4000));
    log.write(line);
    build.onLine?.(line);
  };
  const deadline = AbortSignal.timeout(build.timeoutMs ?? defaultTimeoutMs);
  const abort = AbortSignal.any([silence.signal, deadline, ...(build.signal ? [build.signal] : [])]);
  // The process group gets SIGTERM from the runner; whatever left the group is found by its mark.
  abort.addEventListener('abort', () => void setTimeout(() => void endBuildProcesses(mark), 3000).unref(), { once: true });
  try {
    const result = await run(build.mavenCommand ?? 'mvn', args, {
      cwd: build.dir,
      env: { ...build.env, [buildMark]: mark },
      signal: abort,
      onLine,
      maxOutput: 0,
    });
    return { result, errors, ended: deadline.aborted ? 'late' : silence.signal.aborted ? 'silent' : undefined };
  } finally {
    clearTimeout(timer);
  }
}

function failure(build: MavenBuild, result: RunResult, errors: string[], ended: MavenRun['ended'], log: BuildLog): BuildError {
  const details = { exitCode: result.code, signal: result.signal, logFile: build.logFile };
  if (ended === 'late') {
    const message = `The build was ended after ${formatDuration(build.timeoutMs ?? defaultTimeoutMs)}, its time limit.`;
    return withTail(
      new BuildError(message, {
        hint: 'The log shows where it was. Raise the limit if the project needs longer.',
        details: { ...details, kind: 'timeout' },
      }),
      log,
    );
  }
  if (ended === 'silent') {
    const message = `The build was ended: Maven printed nothing for ${formatDuration(build.noOutputTimeoutMs ?? defaultNoOutputMs)}.`;
    return withTail(
      new BuildError(message, {
        hint: 'The log shows where it hung; most often a repository does not answer.',
        details: { ...details, kind: 'silent' },
      }),
      log,
    );
  }
  const why = explainMavenFailure(errors.length > 0 ? errors : log.tail(), build.dir, result.code);
  return withTail(
    new BuildError(why.message, { hint: why.hint, details: { ...details, kind: why.kind }, retryable: why.kind === 'corrupt-cache' }),
    log,
  );
}

function withTail(error: BuildError, log: BuildLog): BuildError {
  return new BuildError(error.message, {
    hint: error.hint,
    details: { ...error.details, logTail: log.tail().slice(-60).join('\n') },
    retryable: error.retryable,
    cause: error.cause,
  });
}
