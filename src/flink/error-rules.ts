import { truncate } from '../core/text.ts';

/** What Flink refused; found by text. */
export type FlinkErrorKind =
  | 'job-not-found'
  | 'duplicate-job'
  | 'job-already-ended'
  | 'jar-not-found'
  | 'not-a-jar'
  | 'entry-class-not-found'
  | 'main-threw'
  | 'start-failed'
  | 'no-jobs'
  | 'multiple-executes'
  | 'collects-results'
  | 'savepoint-missing'
  | 'savepoint-corrupt'
  | 'state-incompatible'
  | 'max-parallelism'
  | 'checkpoint-storage'
  | 'savepoint-directory'
  | 'unsupported-filesystem'
  | 'not-all-running'
  | 'savepoint-interrupted'
  | 'savepoint-timeout'
  | 'stopping-failed-with-savepoint'
  | 'no-such-trigger'
  | 'leader-election'
  | 'timed-out'
  | 'unsupported-release'
  | 'no-such-endpoint'
  | 'not-authorized'
  | 'unexpected-answer'
  | 'bad-request'
  | 'other';

/** How one kind of refusal is recognised and told. */
export interface Rule {
  kind: FlinkErrorKind;
  test: RegExp;
  say(match: RegExpExecArray, cause: string): string;
  hint?: string;
  retryable?: boolean;
}

const startedNothing = 'Nothing was started.';

/** First match wins: a restore failure arrives inside the same wrapper as a failing main method, so the inner texts come first. */
export const rules: readonly Rule[] = [
  {
    kind: 'leader-election',
    test: /ongoing leader election|Service temporarily unavailable/,
    say: () => 'The Flink cluster is choosing a new leader.',
    hint: 'Try again in some seconds.',
    retryable: true,
  },
  {
    // Between its REST server and its JobMaster or Dispatcher: what was asked for may still be carried out. A time limit inside main() is none of these.
    kind: 'timed-out',
    test: /AskTimeoutException|RpcTimeoutException|Ask timed out on \[|at recipient \[[^\]]*\] timed out|Job (?:cancellation|termination \([A-Z]+\)) timed out/,
    say: () => 'Flink ran out of time inside while it did this.',
    hint: 'Its JobManager is overloaded, or stood still for a while: look at its log.',
    retryable: true,
  },
  {
    kind: 'stopping-failed-with-savepoint',
    test: /A savepoint has been created at: (\S+?), but/,
    say: ([, path]) => `The savepoint ${path} was taken, but the job failed while it stopped.`,
    hint: 'The savepoint is consistent: start the job from it to commit what is pending.',
  },
  {
    kind: 'duplicate-job',
    test: /Duplicate(?:Job|Application)SubmissionException/,
    say: () => 'Flink has already taken a job with this id.',
    hint: 'Look at the job of this id; a new attempt needs a new id.',
  },
  {
    kind: 'no-such-trigger',
    test: /There is no \w+ operation with triggerId|UnknownOperationKeyException/,
    say: () => 'Flink knows nothing of this operation (any more).',
    hint: 'Its result is kept for 5 minutes and lost when the JobManager restarts: look at the storage for the savepoint.',
  },
  {
    kind: 'entry-class-not-found',
    test: /entry point class '([^']*)' was not found/,
    say: ([, name]) => `The jar has no class ${name}.`,
    hint: 'Correct the main class of the job, or build the right project.',
  },
  {
    kind: 'entry-class-not-found',
    test: /Neither a 'Main-Class', nor a 'program-class' entry was found|no Main-Class/,
    say: () => 'The jar names no main class.',
    hint: 'Name the main class in the job, or in the manifest of the jar.',
  },
  {
    kind: 'jar-not-found',
    test: /Jar file \S+ does not exist|File \S+\.jar does not exist in/,
    say: () => 'The jar is not on the cluster (any more).',
    hint: 'Uploaded jars are lost when a JobManager moves: upload it again.',
  },
  {
    kind: 'not-a-jar',
    test: /Only Jar files are allowed|Error while opening jar file|ZipException/,
    say: () => 'The file is not a readable jar.',
    hint: 'Build or upload the jar again.',
  },
  {
    kind: 'multiple-executes',
    test: /Cannot have more than (?:one execute|1 streaming job|1 job)/,
    say: () => 'The program starts more than one job; only its first one was started.',
    hint: 'Call execute() once; put several pipelines into one job, or split the program.',
  },
  {
    kind: 'no-jobs',
    test: /No jobs included in application|does(?:n't| not) contain a Flink job/,
    say: () => 'The program ended without starting a job.',
    hint: 'Its main method must call execute() exactly once.',
  },
  {
    kind: 'collects-results',
    test: /Job client must be a CoordinationRequestGateway/,
    say: () => 'The program collects results in its main method, which a submitted job cannot do.',
    hint: 'Write the results to a sink instead of collect() or print().',
  },
  {
    kind: 'unsupported-filesystem',
    test: /Could not find a file ?system implementation for scheme '([^']*)'/,
    say: ([, scheme]) => `The cluster cannot read or write ${scheme}:// paths.`,
    hint: 'Install the file system plugin on the cluster (plugins/<name>/), or use another path.',
  },
  {
    kind: 'checkpoint-storage',
    test: /Failed to create checkpoint storage|Failed to create directory for shared state/,
    say: (_, cause) => `The checkpoint directory cannot be used${because(cause)}`,
    hint: 'Correct the checkpoint directory, or let the Flink user write there.',
  },
  {
    kind: 'savepoint-missing',
    test: /Cannot find checkpoint or savepoint file\/directory '([^']*)'/,
    say: ([, path]) => `There is no savepoint or checkpoint at ${path}.`,
    hint: 'Choose another restore point.',
  },
  {
    kind: 'savepoint-missing',
    test: /Cannot find meta data file '_metadata' in directory '([^']*)'/,
    say: ([, path]) => `${path} holds no complete savepoint (its _metadata file is missing).`,
    hint: 'Choose another restore point.',
  },
  {
    kind: 'savepoint-corrupt',
    // An empty or cut off file shows as a bare EOFException out of the loader.
    test: /Unexpected magic number|Corrupt data, unexpected|Unrecognized checkpoint version|EOFException(?:\s+at [^\n]+)*?\s+at [\w.]+\.Checkpoints\.loadCheckpointMetadata/,
    say: () => 'The savepoint or checkpoint cannot be read: its _metadata file is damaged.',
    hint: 'Choose another restore point.',
  },
  {
    kind: 'max-parallelism',
    test: /parallelism \((\d+)\) is higher than the max parallelism \((\d+)\)/,
    say: ([, wanted, max]) => `The parallelism ${wanted} is higher than the job's max parallelism ${max}.`,
    hint: 'Lower the parallelism; the max parallelism of a job with state cannot change.',
  },
  {
    kind: 'max-parallelism',
    test: /maximum parallelism \((\d+)\) of the restored state is lower than the configured parallelism \((\d+)\)/,
    say: ([, max, wanted]) => `The saved state allows a parallelism of at most ${max}, but ${wanted} was asked for.`,
    hint: 'Lower the parallelism; the max parallelism of saved state cannot change.',
  },
  {
    kind: 'max-parallelism',
    test: /Max parallelism mismatch.*?with max parallelism (\d+) to new program with max parallelism (\d+)/s,
    say: ([, saved, now]) => `The saved state has max parallelism ${saved}, but the program now sets ${now}.`,
    hint: 'Set the max parallelism of the job back to the saved one.',
  },
  {
    kind: 'state-incompatible',
    test: /Cannot map checkpoint\/savepoint state for operator (\w+)/,
    say: ([, operator]) => `The restore point holds state of an operator (${operator}) that the new program does not have.`,
    hint: 'Give every operator the uid it had, or start while dropping that state, which loses it.',
  },
  {
    kind: 'state-incompatible',
    test: /StateMigrationException|must not be incompatible with the old state serializer|is not compatible with the existing/,
    say: (_, cause) => `The type of some state changed, and the saved state does not fit it${because(cause)}`,
    hint: 'Change the state type back, or start without state.',
  },
  {
    kind: 'savepoint-directory',
    test: /Failed to create savepoint directory at (\S+)|Property \[target-?[dD]irectory\] must be provided/,
    say: ([, path]) => (path ? `The savepoint directory ${path} cannot be written.` : 'No savepoint directory is known.'),
    hint: 'Correct the savepoint directory, or let the Flink user write there. The job goes on.',
  },
  {
    kind: 'not-all-running',
    test: /Not all required tasks are currently running|is not being executed at the moment|tasks not ready/,
    say: () => 'No savepoint can be taken, because not all tasks of the job are running.',
    hint: 'Wait until every task runs, or find out why some do not.',
    retryable: true,
  },
  {
    kind: 'savepoint-timeout',
    test: /expired before completing/,
    say: () => 'The savepoint or checkpoint did not finish in time.',
    hint: 'Look for backpressure or a slow storage, or raise the checkpoint timeout. The job goes on.',
  },
  {
    kind: 'savepoint-interrupted',
    test: /Checkpoint Coordinator is (?:suspending|shutdown)|Task local checkpoint failure/,
    say: () => 'The savepoint was broken off, because the job ended or restarted meanwhile.',
    hint: 'Look at the state and the exceptions of the job.',
  },
  {
    kind: 'job-already-ended',
    test: /already reached another terminal state \((\w+)\)/,
    say: ([, state]) => `The job has already ended (${state}).`,
  },
  {
    kind: 'job-not-found',
    test: /FlinkJobNotFoundException|Job [0-9a-f]{32} not found|Job could not be found/,
    say: () => 'Flink does not know this job (any more).',
    hint: 'A JobManager forgets ended jobs after a while, and all jobs when it restarts.',
  },
  {
    kind: 'bad-request',
    test: /Parallelism must be at least one/,
    say: () => 'The parallelism must be at least 1.',
    hint: startedNothing,
  },
  {
    kind: 'bad-request',
    test: /Cannot parse \w+ from "([^"]*)"/,
    say: ([, id]) => `Flink cannot read the id "${id}": it must be 32 hex digits.`,
    hint: startedNothing,
  },
  {
    kind: 'start-failed',
    test: /JobInitializationException|Could not start the JobMaster|JobSubmissionException/,
    say: (_, cause) => `Flink could not start the job${because(cause)}`,
    hint: 'A job that failed at its start keeps its id: the next attempt needs a new one.',
  },
  {
    kind: 'main-threw',
    test: /The main method caused an error|ProgramInvocationException/,
    say: (_, cause) => `The program failed in its main method${because(cause)}`,
    hint: `${startedNothing} Correct the program or its arguments.`,
  },
  {
    kind: 'bad-request',
    test: /did not match expected format|Cannot resolve (?:path|query) parameter|Parallelism must be|Argument bytes must|Confusing request/,
    say: (_, cause) => `Flink does not understand the request${because(cause)}`,
    hint: startedNothing,
  },
  {
    kind: 'no-such-endpoint',
    test: /Unable to load requested file|^Not found: \//m,
    say: () => 'The Flink cluster does not offer this.',
    hint: 'Its release may be too old, or jobs may not be submitted to it (web.submit.enable, application mode).',
  },
];

/** `: Disk full.`, or a full stop when nothing is known. */
export function because(cause: string): string {
  const short = truncate(cause, 300);
  return short ? `: ${short}${/[.!?…]$/.test(short) ? '' : '.'}` : '.';
}
