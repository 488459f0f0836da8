import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { TruthEvent } from '../truth.ts';
import type { Answer, AnswerName } from './answers.ts';
import { bootJobManager, type JobManager, type Request } from './job-manager.ts';
import { type Behaviour, createTruthLog, type FlinkStandInOptions, type RefusedCall, shared } from './options.ts';

export type { Behaviour, FlinkRelease, FlinkStandInOptions, RefusedCall, Timing } from './options.ts';

/** A Flink session cluster that is none: it answers the calls that Sluice makes as real releases do, and keeps the truth. */
export interface FlinkStandIn {
  /** The JobManager's address; the same after restarts. */
  readonly url: string;
  readonly port: number;
  readonly checkpointDir: string;
  readonly savepointDir: string;
  /** What truly happened, in its order. */
  readonly truth: readonly TruthEvent[];
  /** Calls that no Sluice should make; tests assert that there are none. */
  readonly refusedCalls: readonly RefusedCall[];
  /** How often each answer was given. */
  readonly answers: ReadonlyMap<AnswerName, number>;
  /** Requests that came, answered or not. */
  readonly requests: number;
  /** @returns the function that ends it. */
  onTruth(listener: (event: TruthEvent) => void): () => void;
  set(behaviour: Partial<Behaviour>): void;
  /** Somebody else cancels a job. @throws Error when there is none. */
  cancelJob(id: string): void;
  /** A job fails for good. @throws Error when there is none. */
  failJob(id: string, message?: string): void;
  /** A task of a job fails; the job restarts where it may. @throws Error when there is none. */
  failTask(id: string, message?: string): void;
  /** The state of a job, undefined when this JobManager does not know it. */
  jobState(id: string): string | undefined;
  /** The JobManager stands still: sockets are accepted, nothing is answered, nothing of what it does goes on. */
  freeze(): void;
  /** Everything that came or became due while it was frozen is executed, also for clients that have gone. */
  thaw(): void;
  /** The JobManager dies: jobs are LOST, triggers, jars and ended jobs forgotten, sockets closed, connections refused. */
  killJobManager(): Promise<void>;
  /** A new JobManager that knows nothing, on the same port. */
  startJobManager(): Promise<void>;
  /** Kill and start; `downMs` between them, 0 by default. */
  restartJobManager(downMs?: number): Promise<void>;
  /** With high availability: another JobManager takes the place of this one; for so long it does not know the jobs, which go on. */
  takeOver(unknownForMs: number): void;
  close(): Promise<void>;
}

/** Starts a stand-in; `close()` it. */
export async function startFlinkStandIn(options: FlinkStandInOptions): Promise<FlinkStandIn> {
  const about = shared(options);
  const log = createTruthLog();
  const refusedCalls: RefusedCall[] = [];
  const answers = new Map<AnswerName, number>();
  /** What came while it was frozen, in its order. */
  let waiting: (() => void)[] = [];
  let requests = 0;
  let port = options.port ?? 0;
  let server: Server | undefined;
  let manager: JobManager = bootJobManager({ ...about, tell: log.tell });

  function serve(request: Request, response: ServerResponse): void {
    requests++;
    const mine = manager;
    const act = () =>
      mine.handle(
        request,
        (why) => refusedCalls.push({ method: request.method, path: request.path, body: shownBody(request), why }),
        (one) => send(response, one),
      );
    if (mine.clock.frozen) waiting.push(act);
    else act();
  }
  function send(response: ServerResponse, { name, status, body }: Answer): void {
    answers.set(name, (answers.get(name) ?? 0) + 1);
    if (response.destroyed) return;
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json; charset=UTF-8' });
    response.end(isText ? body : JSON.stringify(body));
  }
  async function listen(): Promise<void> {
    const one = createServer((request, response) => {
      void read(request).then(
        (whole) => whole && serve(whole, response),
        () => response.destroy(),
      );
    });
    // Flink closes idle sockets after 5 minutes.
    one.keepAliveTimeout = 300_000;
    one.requestTimeout = 0;
    await new Promise<void>((done, fail) => {
      one.once('error', fail);
      one.listen(port, '127.0.0.1', done);
    });
    port = (one.address() as AddressInfo).port;
    server = one;
  }
  async function hangUp(): Promise<void> {
    const one = server;
    server = undefined;
    if (!one) return;
    const closed = new Promise((done) => one.close(done));
    one.closeAllConnections();
    await closed;
  }
  function die(): void {
    waiting = [];
    manager.die();
  }
  function find(id: string) {
    const job = manager.jobs.get(id);
    if (!job) throw new Error(`the stand-in has no job ${id}`);
    return job;
  }

  await listen();
  const standIn: FlinkStandIn = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    checkpointDir: `${about.dir}/checkpoints`,
    savepointDir: `${about.dir}/savepoints`,
    truth: log.events,
    refusedCalls,
    answers,
    get requests() {
      return requests;
    },
    onTruth: log.listen,
    set(behaviour) {
      Object.assign(about.behaviour, behaviour);
      manager.jobs.offerSlots();
    },
    cancelJob: (id) => manager.jobs.cancel(find(id)),
    failJob(id, message = 'Planned failure') {
      manager.jobs.fail(find(id), {
        thrown: [['java.lang.IllegalStateException', message]],
        task: 'totals per customer -> Sink: totals out (1/1)',
        forGood: true,
      });
    },
    failTask(id, message = 'Planned failure') {
      manager.jobs.fail(find(id), {
        thrown: [['java.lang.IllegalStateException', message]],
        task: 'totals per customer -> Sink: totals out (1/1)',
      });
    },
    jobState: (id) => manager.jobs.get(id)?.state,
    freeze: () => manager.clock.freeze(),
    thaw() {
      manager.clock.thaw();
      const now = waiting;
      waiting = [];
      for (const act of now) act();
    },
    async killJobManager() {
      die();
      await hangUp();
    },
    async startJobManager() {
      manager = bootJobManager({ ...about, tell: log.tell });
      log.tell({ is: 'jobmanager-restarted' });
      await listen();
    },
    async restartJobManager(downMs = 0) {
      await standIn.killJobManager();
      if (downMs > 0) await new Promise((done) => setTimeout(done, downMs));
      await standIn.startJobManager();
    },
    takeOver(unknownForMs) {
      manager.cluster.behaviour.highAvailability = true;
      manager.takeOver(unknownForMs);
    },
    async close() {
      // The end of the test is no event.
      log.end();
      die();
      await hangUp();
    },
  };
  return standIn;
}

/** A whole request; undefined when its sender went before it was. */
async function read(request: IncomingMessage): Promise<Request | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (!request.complete) return undefined;
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    host: request.headers.host ?? '',
    contentType: request.headers['content-type'] ?? '',
    body: Buffer.concat(chunks),
  };
}

function shownBody(request: Request): unknown {
  if (!request.contentType.includes('json')) return `${request.body.length} bytes`;
  try {
    return JSON.parse(request.body.toString('utf8'));
  } catch {
    return request.body.toString('utf8');
  }
}
