import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { NotFoundError, UnreachableError } from '../../src/core/errors.ts';
import type { CheckpointSight, ClusterFacts, Deployer, RunSight } from '../../src/deploy/deployer.ts';
import type { Deployers } from '../../src/deploy/deployers.ts';

type Method = Exclude<keyof Deployer, 'runUrl' | 'close'>;
type Call<M extends Method> = NonNullable<Deployer[M]>;
type Answer<M extends Method> = Awaited<ReturnType<Call<M>>> | Error | ((...args: Parameters<Call<M>>) => unknown);
export interface FakeDeployer extends Deployer {
  /** What was called, in order: `look 3f2a…`, `submit`. */
  calls: { method: Method; args: unknown[] }[];
  /** Answers the next calls of a method, one each: a value, an error that is thrown, or a function. Each has to be used. */
  expect<M extends Method>(method: M, ...answers: Answer<M>[]): FakeDeployer;
  /** Answers every call of a method that no `expect` answers. */
  always<M extends Method>(method: M, answer: Answer<M>): FakeDeployer;
  /** From here on a call of the method is unexpected again. */
  never(method: Method): FakeDeployer;
  /** How often a method was called. */
  count(method: Method): number;
  argsOf(method: Method, n?: number): unknown[];
  /** The checkpoints that are there before a savepoint is asked for. */
  before: CheckpointSight | Promise<never>;
}

const methods: readonly Method[] = [
  'facts',
  'jobManager',
  'keepsJobs',
  'listRuns',
  'overview',
  'look',
  'findArtifact',
  'placeArtifact',
  'submit',
  'cancel',
  'triggerSavepoint',
  'triggerStop',
  'disposeSavepoint',
  'savepoint',
  'checkpoints',
  'checkpointConfig',
  'vertices',
  'flow',
  'rootCause',
  'logTails',
];

/** A cluster that says what the test wrote down. Strict: an unexpected call fails the test (also when it was caught), an answer that nobody asked for too. */
export function fakeDeployer(t: TestContext): FakeDeployer {
  const scripts = new Map<Method, unknown[]>();
  const standing = new Map<Method, unknown>([
    ['jobManager', '/tmp/flink-web-1'],
    ['keepsJobs', false],
    ['checkpointConfig', { intervalMs: 10_000, retention: 'RETAIN_ON_CANCELLATION' }],
  ]);
  const unexpected: string[] = [];
  const calls: FakeDeployer['calls'] = [];
  async function answer(method: Method, args: unknown[]): Promise<unknown> {
    // What is there before a savepoint is asked for (steps/savepoint.ts), by its limit: nothing, unless the test says `before`.
    if (method === 'checkpoints' && (args[1] as { timeoutMs?: number } | undefined)?.timeoutMs === 2500) return fake.before;
    calls.push({ method, args });
    const script = scripts.get(method) ?? [];
    if (script.length === 0 && !standing.has(method)) {
      unexpected.push(`${method}(${args.map((a) => JSON.stringify(a)).join(', ')})`);
      throw new Error(`unexpected call of ${method}`);
    }
    const next = script.length > 0 ? script.shift() : standing.get(method);
    const value = typeof next === 'function' ? await next(...args) : next;
    if (value instanceof Error) throw value;
    return value;
  }
  const fake = {
    calls,
    before: noCheckpoints,
    expect(method: Method, ...answers: unknown[]) {
      scripts.set(method, [...(scripts.get(method) ?? []), ...answers]);
      return fake;
    },
    always(method: Method, value: unknown) {
      standing.set(method, value);
      return fake;
    },
    never(method: Method) {
      standing.delete(method);
      return fake;
    },
    count: (method: Method) => calls.filter((call) => call.method === method).length,
    argsOf: (method: Method, n = 0) => calls.filter((call) => call.method === method)[n]?.args ?? [],
    runUrl: (id: string) => `http://flink.example/#/job/running/${id}/overview`,
    close: async () => {},
    // Only a hint of when to look; tests script the looks themselves.
    state: async () => undefined,
    ...Object.fromEntries(methods.map((method) => [method, (...args: unknown[]) => answer(method, args)])),
  } as unknown as FakeDeployer;
  t.after(() => {
    assert.deepEqual(unexpected, [], 'calls that the test did not expect');
    const unused = [...scripts].filter(([, answers]) => answers.length > 0).map(([method, answers]) => `${method} x${answers.length}`);
    assert.deepEqual(unused, [], 'answers that nobody asked for');
  });
  return fake;
}

/** Deployers for clusters that are not in the database. */
export function fakeDeployers(
  clusters: Record<string, Deployer>,
  options: { pathsReadable?: boolean; observed?: boolean } = {},
): Deployers {
  return {
    async of(name) {
      const deployer = clusters[name];
      if (!deployer) throw new NotFoundError(`There is no cluster ${name}.`);
      return {
        deployer,
        cluster: {
          name,
          kind: 'standalone',
          url: 'http://flink.example',
          webUrl: null,
          distribution: null,
          team: null,
          alertChannel: null,
          options: {},
          observed: options.observed ?? false,
          pathsReadable: options.pathsReadable ?? false,
          registeredAt: new Date(0),
        },
      };
    },
    close: async () => {},
  };
}

export const facts: ClusterFacts = { flinkVersion: '2.3.0', slotsTotal: 8, slotsAvailable: 8, taskManagers: 2, jobsRunning: 0 };
/** A run that the cluster sees: running on 4 tasks unless said otherwise. */
export function seen(change: Partial<Extract<RunSight, { is: 'seen' }>> = {}): RunSight {
  const state = change.state ?? 'RUNNING';
  const ended = ['FINISHED', 'CANCELED', 'FAILED'].includes(state);
  const tasksTotal = change.tasksTotal ?? 4;
  const tasksRunning = change.tasksRunning ?? (state === 'RUNNING' ? tasksTotal : 0);
  const allRunning = state === 'RUNNING' && tasksRunning === tasksTotal;
  return {
    is: 'seen',
    state,
    ended,
    allRunning,
    tasksRunning,
    tasksTotal,
    runningAt: allRunning ? Date.now() : undefined,
    acceptedAt: Date.now() - 500,
    name: 'etl-orders',
    ...change,
  };
}
export const gone: RunSight = { is: 'gone' };
export const unknown: RunSight = { is: 'unknown', why: 'standalone does not answer.' };
export const noCheckpoints: CheckpointSight = { completed: [], failed: [], lastFailed: undefined, restored: undefined };
const base = Date.now() - 60_000;
/** One completed checkpoint, kept, one minute old unless said otherwise. */
export function checkpoint(id: number, change: Partial<CheckpointSight['completed'][number]> = {}): CheckpointSight['completed'][number] {
  return {
    id,
    path: `file:/data/checkpoints/job/chk-${id}`,
    size: 24_000,
    durationMs: 40,
    at: base + id * 10,
    isSavepoint: false,
    discarded: false,
    ...change,
  };
}
export const refusedConnection = () =>
  new UnreachableError('standalone refused the connection.', { details: { refused: true, sent: false, timedOut: false } });
export const noAnswer = () =>
  new UnreachableError('standalone gave no answer.', { details: { refused: false, sent: true, timedOut: true } });
