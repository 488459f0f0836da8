/** One Java exception: its class and, unless it has none, its message. */
export type Thrown = readonly [name: string, message?: string];

const frame = '\tat org.apache.flink.StandIn.answer(StandIn.java:1)';
const rest = 'org.apache.flink.runtime.rest.handler.RestHandlerException';
const completion = 'java.util.concurrent.CompletionException';
const checkpointException = 'org.apache.flink.runtime.checkpoint.CheckpointException';
const notFound = 'org.apache.flink.runtime.messages.FlinkJobNotFoundException';

/** A stack trace as Flink writes it, outermost first; frames are few, because nobody reads them. */
export function traceOf(thrown: readonly Thrown[], lastFrame = frame): string {
  return thrown
    .map(([name, message], index) => {
      const head = `${index > 0 ? 'Caused by: ' : ''}${name}${message === undefined ? '' : `: ${message}`}`;
      return `${head}\n${index === thrown.length - 1 ? lastFrame : frame}\n`;
    })
    .join('');
}
const sayOf = ([name, message]: Thrown) => (message === undefined ? name : `${name}: ${message}`);

/** `{"errors":[…]}` of a handled refusal. */
export function refusal(thrown: readonly Thrown[], lastFrame?: string): { errors: string[] } {
  return { errors: [traceOf(thrown, lastFrame)] };
}
/** `{"errors":[…]}` of what Flink did not expect, answered with 500. */
export function serverError(thrown: readonly Thrown[]): { errors: string[] } {
  return { errors: ['Internal server error.', `<Exception on server side:\n${traceOf(thrown)}\nEnd of exception on server side>`] };
}
/** What a polled operation or an execution result tells of a failure. */
export function failureCause(thrown: readonly Thrown[]): { class: string; 'stack-trace': string; 'serialized-throwable': string } {
  return { class: thrown[0]?.[0] ?? '', 'stack-trace': traceOf(thrown), 'serialized-throwable': 'rO0ABXNyAA==' };
}

export const unknownRoute = {
  get: (path: string) => ({ errors: [`Unable to load requested file ${path}.`] }),
  other: (path: string) => ({ errors: [`Not found: ${path}`] }),
};
export function badParameter(kind: 'path' | 'query', name: string, value: string): { errors: string[] } {
  const what = `Cannot resolve ${kind} parameter (${name}) from value "${value}".`;
  return refusal([
    [rest, `Bad request, could not parse parameters: ${what}`],
    ['org.apache.flink.runtime.rest.handler.HandlerRequestException', what],
  ]);
}
export function badBody(request: string, why: string): { errors: string[] } {
  return refusal([
    [rest, `Request did not match expected format ${request}.`],
    ['org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonMappingException', why],
  ]);
}
export function handled(message: string): { errors: string[] } {
  return refusal([[rest, message]]);
}
export const jobNotFound = (id: string): Thrown => [notFound, `Could not find Flink job (${id})`];
export function noSuchJob(id: string): { errors: string[] } {
  return refusal([['org.apache.flink.runtime.rest.NotFoundException', `Job ${id} not found`], jobNotFound(id)]);
}
export function noSuchJobToCancel(id: string): { errors: string[] } {
  return refusal([[rest, 'Job could not be found.'], jobNotFound(id)]);
}
export function noSuchResult(id: string): { errors: string[] } {
  return refusal([[rest, sayOf(jobNotFound(id))], [completion, sayOf(jobNotFound(id))], jobNotFound(id)]);
}

/** A fault in the jar itself, before its main method runs. */
export function jarFault(...thrown: Thrown[]): { errors: string[] } {
  return serverError([[completion, thrown[0] && sayOf(thrown[0])] as Thrown, ...thrown]);
}
/** What /run answers when the main method, or what it submits, throws. */
export function runFault(inMain: string, thrown: readonly Thrown[], lastFrame?: string): { errors: string[] } {
  const could = 'Could not execute application.';
  const runtime = 'org.apache.flink.util.FlinkRuntimeException';
  return refusal(
    [
      [rest, could],
      [completion, `${runtime}: ${could}`],
      [runtime, could],
      ['org.apache.flink.client.program.ProgramInvocationException', `The main method caused an error: ${inMain}`],
      ...thrown,
    ],
    lastFrame,
  );
}
export function failedToExecute(jobName: string, thrown: readonly Thrown[], lastFrame?: string): { errors: string[] } {
  const say = `Failed to execute job '${jobName}'.`;
  return runFault(say, [['org.apache.flink.util.FlinkException', say], ...thrown], lastFrame);
}
/** A job that could not be initialized: the same text is in the answer, in its exceptions and in its result. */
export function initFault(cause: readonly Thrown[]): Thrown[] {
  const wrapped = cause.length > 1 || cause[0]?.[0].startsWith('java.io.') || cause[0]?.[0].endsWith('JobException');
  const runtime: Thrown[] = wrapped && cause[0] ? [['java.lang.RuntimeException', sayOf(cause[0])]] : [];
  const first = runtime[0] ?? cause[0];
  return [
    ['org.apache.flink.runtime.client.JobInitializationException', 'Could not start the JobMaster.'],
    [completion, first && sayOf(first)] as Thrown,
    ...runtime,
    ...cause,
  ];
}
export function duplicate(is2: boolean): Thrown {
  const what = is2 ? 'Application' : 'Job';
  return [`org.apache.flink.runtime.client.Duplicate${what}SubmissionException`, `${what} has already been submitted.`];
}
export function secondExecute(is2: boolean): Thrown {
  return [
    'org.apache.flink.util.FlinkRuntimeException',
    is2
      ? 'Cannot have more than 1 streaming jobs in a single environment.'
      : 'Cannot have more than one execute() or executeAsync() call in a single environment.',
  ];
}
export function noFileSystem(scheme: string): Thrown {
  return [
    'org.apache.flink.core.fs.UnsupportedFileSystemSchemeException',
    `Could not find a file system implementation for scheme '${scheme}'. The scheme is not directly supported by Flink and no Hadoop file system to support this scheme could be loaded.`,
  ];
}
/** Where the loader of restore points reads the file: an empty one is known by this frame only. */
export const loaderFrames =
  '\tat java.base/java.io.DataInputStream.readInt(DataInputStream.java:386)\n\tat org.apache.flink.runtime.checkpoint.Checkpoints.loadCheckpointMetadata(Checkpoints.java:114)';

/** Why a savepoint or stop failed, as its result tells. */
export const savepointFault = {
  jobNotFound: (id: string): Thrown[] => [[completion, sayOf(jobNotFound(id))], jobNotFound(id)],
  checkpoint(message: string, ...causes: Thrown[]): Thrown[] {
    const one: Thrown = [checkpointException, message];
    return [[completion, sayOf(one)], one, ...causes];
  },
  stopping(path: string, id: string): Thrown[] {
    const one: Thrown = [
      'org.apache.flink.runtime.scheduler.stopwithsavepoint.StopWithSavepointStoppingException',
      `A savepoint has been created at: ${path}, but the corresponding job ${id} failed during stopping. The savepoint is consistent, but might have uncommitted transactions. If you want to commit the transaction please restart a job from this savepoint.`,
    ];
    return [[completion, sayOf(one)], one];
  },
};
export const suspending = 'Checkpoint Coordinator is suspending.';
export const ioProblem = 'An Exception occurred while triggering the checkpoint. IO-problem detected.';
