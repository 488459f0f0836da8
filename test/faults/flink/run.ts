import { join } from 'node:path';
import { localPath } from '../../../src/deploy/restore-path.ts';
import { type Answer, type AnswerName, answer } from './answers.ts';
import type { Jars } from './jars.ts';
import { vertices } from './job.ts';
import type { JobSpec, Jobs } from './jobs.ts';
import type { Cluster } from './options.ts';
import { flinkDurationMs, readProgram } from './program.ts';
import { foreignScheme, makeFolder, readRestorePoint } from './restore-points.ts';
import * as texts from './texts.ts';

/** The body of POST /jars/:id/run, already read. */
export interface RunBody {
  entryClass?: string;
  programArgsList?: string[];
  parallelism?: number;
  jobId: string;
  allowNonRestoredState?: boolean;
  savepointPath?: string;
  flinkConfiguration?: Record<string, string>;
}
interface Parts {
  cluster: Cluster;
  jobs: Jobs;
  jars: Jars;
}
type InitProblem = { name: AnswerName; cause: texts.Thrown[]; lastFrame?: string };

const illegalState = 'java.lang.IllegalStateException';

/** POST /jars/:id/run: opens the jar, runs `main()`, submits what it makes and answers when the job's restore point was read. */
export function run(parts: Parts, jarId: string, body: RunBody): Answer | Promise<Answer> {
  const { cluster } = parts;
  const fault = jarProblem(parts, jarId, body.entryClass);
  if (fault) return fault;
  const wait = (ms: number) => new Promise<void>((done) => cluster.after(ms, done));
  return wait(cluster.timing.submitMs + cluster.behaviour.submitDelayMs).then(async () => {
    const made = execute(parts, jarId, body);
    if (cluster.behaviour.submitAnswerDelayMs > 0) await wait(cluster.behaviour.submitAnswerDelayMs);
    return made;
  });
}

function jarProblem({ jars }: Parts, jarId: string, entryClass: string | undefined): Answer | undefined {
  const invocation = 'org.apache.flink.client.program.ProgramInvocationException';
  const jar = jars.find(jarId);
  if (!jar) {
    const what: texts.Thrown = [
      'org.apache.flink.runtime.rest.handler.RestHandlerException',
      `Jar file ${join(jars.folder, jarId)} does not exist`,
    ];
    return answer('run: unknown jar', 500, texts.jarFault(what));
  }
  if (!jar.info) {
    const say = `Error while opening jar file '${jar.path}'`;
    return answer(
      'run: unreadable jar',
      500,
      texts.jarFault([invocation, say], ['java.io.IOException', say], ['java.util.zip.ZipException', 'zip END header not found']),
    );
  }
  const main = entryClass ?? jar.info.mainClass;
  if (main === undefined) {
    const say = "Neither a 'Main-Class', nor a 'program-class' entry was found in the jar file.";
    return answer('run: no main class', 500, texts.jarFault([invocation, say]));
  }
  if (jar.info.hasClass(main)) return undefined;
  const say = `The program's entry point class '${main}' was not found in the jar file.`;
  return answer('run: no such class', 500, texts.jarFault([invocation, say], ['java.lang.ClassNotFoundException', main]));
}

/** What `main()` does. */
function execute({ cluster, jobs }: Parts, jarId: string, body: RunBody): Answer {
  const program = readProgram(body.programArgsList ?? []);
  const options = body.flinkConfiguration ?? {};
  if (body.parallelism !== undefined && body.parallelism < 1) {
    const say = 'Parallelism must be at least one, or ExecutionConfig.PARALLELISM_DEFAULT (use system default).';
    return answer('run: parallelism', 400, texts.runFault(say, [['java.lang.IllegalArgumentException', say]]));
  }
  if (program.throwMain !== undefined) {
    const say = `The order system has no configuration ${program.throwMain}`;
    return answer('run: main threw', 400, texts.runFault(say, [[illegalState, say]]));
  }
  if (program.noExecute) return answer('run: no execute', 400, texts.handled('No jobs included in application.'));
  const jobId = body.jobId.toLowerCase();
  const name = program.name ?? options['pipeline.name'] ?? 'Flink Streaming Job';
  if (jobs.wasUsed(jobId)) return answer('run: duplicate', 400, texts.failedToExecute(name, [texts.duplicate(cluster.is2)]));
  const spec: JobSpec = {
    id: jobId,
    name,
    jarId,
    parallelism: body.parallelism ?? (Number(options['parallelism.default']) || 1),
    program,
    options,
    checkpointDir: options['execution.checkpointing.dir'] ?? join(cluster.dir, 'checkpoints'),
    checkpointIntervalMs: flinkDurationMs(options['execution.checkpointing.interval']) ?? cluster.timing.checkpointIntervalMs,
    start: undefined,
  };
  const begun = begin(spec, body);
  if ('name' in begun) {
    const thrown = texts.initFault(begun.cause);
    jobs.submitFailed(spec, thrown);
    const [first] = thrown;
    const rethrown: texts.Thrown = ['java.lang.RuntimeException', first?.join(': ')] as texts.Thrown;
    return answer(begun.name, 400, texts.failedToExecute(name, [rethrown, ...thrown], begun.lastFrame));
  }
  jobs.submit({ ...spec, start: begun.start });
  if (program.twice) {
    const fault = texts.secondExecute(cluster.is2);
    return answer('run: second execute', 400, texts.runFault(fault[1] ?? '', [fault]));
  }
  return answer('run', 200, cluster.is2 ? { jobid: jobId, applicationId: jobId } : { jobid: jobId });
}

/** What the JobMaster does first: its graph, its checkpoint storage, its restore point. */
function begin(spec: JobSpec, body: RunBody): { start: JobSpec['start'] } | InitProblem {
  const { parallelism, program } = spec;
  const max = program.maxParallelism;
  if (max !== undefined && parallelism > max) {
    const say = `Vertex ${vertices[0].name}'s parallelism (${parallelism}) is higher than the max parallelism (${max}). Please lower the parallelism or increase the max parallelism.`;
    return { name: 'run: parallelism above max', cause: [['org.apache.flink.runtime.JobException', say]] };
  }
  const storage: texts.Thrown = [
    'org.apache.flink.util.FlinkRuntimeException',
    'Failed to create checkpoint storage at checkpoint coordinator side.',
  ];
  const scheme = foreignScheme(spec.checkpointDir);
  if (scheme) return { name: 'run: foreign checkpoint directory', cause: [storage, texts.noFileSystem(scheme)] };
  const problem = makeFolder(join(localPath(spec.checkpointDir) ?? spec.checkpointDir, spec.id));
  if (problem) return { name: 'run: checkpoint directory', cause: [storage, [problem.class, problem.message]] };
  return body.savepointPath === undefined ? { start: undefined } : restore(spec, body.savepointPath, body.allowNonRestoredState ?? false);
}

function restore(spec: JobSpec, path: string, mayDrop: boolean): { start: JobSpec['start'] } | InitProblem {
  const scheme = foreignScheme(path);
  if (scheme) return { name: 'run: foreign restore point', cause: [texts.noFileSystem(scheme)] };
  const found = readRestorePoint(path);
  if (found.is !== 'found') return unreadable(found.is, path);
  const { state } = found;
  const operator = vertices[1].id;
  const fits = state.uid === spec.program.uid;
  if (!fits && !mayDrop) {
    const say = `Failed to rollback to checkpoint/savepoint ${found.path}. Cannot map checkpoint/savepoint state for operator ${operator} to the new program, because the operator is not available in the new program. If you want to allow to skip this, you can set the --allowNonRestoredState option on the CLI.`;
    return { name: 'run: state does not fit', cause: [[illegalState, say]] };
  }
  const max = spec.program.maxParallelism;
  if (max !== undefined && max !== state.maxParallelism) {
    const say = `Failed to rollback to checkpoint/savepoint Checkpoint Metadata. Max parallelism mismatch between checkpoint/savepoint state and new program. Cannot map operator ${operator} with max parallelism ${state.maxParallelism} to new program with max parallelism ${max}. This indicates that the program has been changed in a non-compatible way after the checkpoint/savepoint.`;
    return { name: 'run: other max parallelism', cause: [[illegalState, say]] };
  }
  if (spec.parallelism > state.maxParallelism) {
    const say = `The state for task ${operator} can not be restored. The maximum parallelism (${state.maxParallelism}) of the restored state is lower than the configured parallelism (${spec.parallelism}). Please reduce the parallelism of the task to be lower or equal to the maximum parallelism.`;
    return { name: 'run: parallelism above saved', cause: [[illegalState, say]] };
  }
  return { start: { path: found.path, state: fits ? state : { ...state, counter: 0 } } };
}

function unreadable(is: Exclude<ReturnType<typeof readRestorePoint>['is'], 'found'>, path: string): InitProblem {
  switch (is) {
    case 'missing': {
      const say = `Cannot find checkpoint or savepoint file/directory '${path}' on file system 'file'.`;
      return { name: 'run: no restore point', cause: [['java.io.FileNotFoundException', say]] };
    }
    case 'no-metadata': {
      const say = `Cannot find meta data file '_metadata' in directory '${path}'. Please try to load the checkpoint/savepoint directly from the metadata file instead of the directory.`;
      return { name: 'run: no metadata', cause: [['java.io.FileNotFoundException', say]] };
    }
    case 'empty':
      return { name: 'run: empty metadata', cause: [['java.io.EOFException']], lastFrame: texts.loaderFrames };
    case 'corrupt': {
      const say =
        'Unexpected magic number. This can have multiple reasons: (1) You are trying to load a Flink 1.0 savepoint, which is not supported by this version of Flink. (2) The file you were pointing to is not a savepoint at all. (3) The savepoint file has been corrupted.';
      return { name: 'run: corrupt restore point', cause: [['java.io.IOException', say]] };
    }
  }
}
