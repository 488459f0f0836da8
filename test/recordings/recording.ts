import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnreachableError } from '../../src/core/errors.ts';
import type { CheckpointSight, Deployer } from '../../src/deploy/deployer.ts';
import { FlinkError, type FlinkErrorKind } from '../../src/flink/errors.ts';

/** What a poll may ask of a cluster, in the order in which the recorder asks. The first decides whether there is an answer at all. */
export const recordedMethods = [
  'listRuns',
  'overview',
  'facts',
  'jobManager',
  'keepsJobs',
  'look',
  'checkpoints',
  'checkpointConfig',
  'rootCause',
] as const satisfies readonly (keyof Deployer)[];
export type RecordedMethod = (typeof recordedMethods)[number] | 'vertices' | 'flow';
/** Those that are asked of a run. */
export const methodsOfRun: ReadonlySet<RecordedMethod> = new Set(['look', 'checkpoints', 'checkpointConfig', 'rootCause']);
/** What an answer is kept under: its method, of a run that came later and of a vertex with its id, `look 3f2a…`, `flow 90be…`. */
export type RecordedKey = RecordedMethod | `${RecordedMethod} ${string}`;

/** An answer as it is kept: points in time in milliseconds since the recording began, a Map as an object, nothing as null. */
type Kept = unknown;
export interface Frame {
  /** Milliseconds since the recording began. */
  ms: number;
  /** Only what is not as in the frame before. */
  changed: Partial<Record<RecordedKey, Kept>>;
}
/** What one real cluster answered while something happened to it. */
export interface Recording {
  flink: string;
  scene: string;
  /** Day of the recording. */
  recorded: string;
  about: string;
  /** Flink's id of the run. */
  flinkJobId: string;
  /** Of the runs of the job that others started later. */
  laterRuns?: string[];
  /** Nobody started it through Sluice. */
  observed?: true;
  /** So many times slower it is played. */
  slowedBy?: number;
  /** What was done to the cluster. */
  marks: { ms: number; what: string }[];
  /** Every checkpoint once; the frames name them: `7`, `7!` when Flink has discarded it since, `f7` when it failed; of the second run `2-7`. */
  checkpoints: Record<string, Kept>;
  frames: Frame[];
}

const times = new Set(['at', 'triggeredAt', 'runningAt', 'acceptedAt', 'startedAt', 'watermark', 'failures']);
type Walk = (key: string, value: unknown) => unknown;
function walk(value: unknown, change: Walk, key = ''): unknown {
  const own = change(key, value);
  if (Array.isArray(own)) return own.map((one) => walk(one, change, key));
  if (typeof own !== 'object' || own === null) return own;
  return Object.fromEntries(Object.entries(own).map(([k, v]) => [k, walk(v, change, k)]));
}

/** Makes an answer (or an error that was thrown) ready to be kept. */
export function keep(answer: unknown, startMs: number): Kept {
  if (answer === undefined) return null;
  if (answer instanceof UnreachableError) return { threw: 'unreachable', message: answer.message };
  if (answer instanceof FlinkError) return { threw: answer.kind, message: answer.message, rootCause: answer.rootCause };
  if (answer instanceof Error) throw answer;
  const plain = answer instanceof Map ? Object.fromEntries(answer) : answer;
  return walk(plain, (key, value) => {
    if (times.has(key) && typeof value === 'number') return value - startMs;
    // The first lines say what it was; the rest is Flink's own code.
    return key === 'stack' ? String(value).split('\n').slice(0, 3).join('\n') : value;
  });
}
/** What was kept, as a deployer answers it when it is played so many times slower. @throws what was thrown */
export function give(method: RecordedMethod, kept: Kept, startMs: number, slowedBy = 1): unknown {
  if (kept === undefined) throw new Error(`${method} was not recorded: record the scene anew`);
  if (kept === null) return undefined;
  if (typeof kept !== 'object') return kept;
  const { threw, message, rootCause } = kept as { threw?: string; message: string; rootCause: string };
  if (threw === 'unreachable') throw new UnreachableError(message);
  if (threw !== undefined) throw new FlinkError(message, { kind: threw as FlinkErrorKind, rootCause });
  const value = walk(kept, (key, one) => (times.has(key) && typeof one === 'number' ? one * slowedBy + startMs : one)) as object;
  return method === 'listRuns' || method === 'overview' ? new Map(Object.entries(value)) : value;
}

/** Names the checkpoints of an answer by id; what they are is kept once, in `known`: failed ones with `f` before their id, those of a later run with its number. */
export function nameCheckpoints(kept: Kept, known: Record<string, Kept>, run = ''): Kept {
  const { completed, failed } = (kept ?? {}) as Partial<CheckpointSight>;
  if (!completed) return kept;
  const names = completed.map(({ discarded, ...one }) => {
    known[`${run}${one.id}`] = one;
    return `${run}${one.id}${discarded ? '!' : ''}`;
  });
  for (const one of failed ?? []) known[`${run}f${one.id}`] = one;
  return { ...(kept as object), completed: names.join(' '), failed: (failed ?? []).map((one) => `${run}f${one.id}`).join(' ') };
}
/** The other way round. */
export function fullCheckpoints(kept: Kept, known: Record<string, Kept>): Kept {
  const { completed, failed = '' } = (kept ?? {}) as { completed?: string; failed?: string };
  if (typeof completed !== 'string') return kept;
  const words = (names: string) => names.split(' ').filter(Boolean);
  return {
    ...(kept as object),
    completed: words(completed).map((name) => ({ ...(known[name.replace('!', '')] as object), discarded: name.endsWith('!') })),
    failed: words(failed).map((name) => known[name]),
  };
}

/** Where a recording lies, from this folder. */
export const recordingPath = (flink: string, scene: string): string => join(import.meta.dirname, flink, `${scene}.json`);
/** A recording of this folder. @throws Error when there is none of that name. */
export function readRecording(flink: string, scene: string): Recording {
  return JSON.parse(readFileSync(recordingPath(flink, scene), 'utf8')) as Recording;
}
/** One frame a line: what changed can be read, and compared with the recording of another release. */
export function writeRecording({ frames, checkpoints, ...head }: Recording): string {
  const lines = (values: string[]) => `\n${values.join(',\n')}\n`;
  return [
    JSON.stringify(head).slice(0, -1),
    `,"checkpoints":{${lines(Object.entries(checkpoints).map(([id, one]) => `${JSON.stringify(id)}:${JSON.stringify(one)}`))}}`,
    `,"frames":[${lines(frames.map((frame) => JSON.stringify(frame)))}]}\n`,
  ].join('');
}
