import type { JobEnd } from '../truth.ts';
import type { OperationFact, RunFact } from './history.ts';
import { type Asked, cluster, etl, Records, sha } from './records.ts';

type Point = 'savepoint' | 'checkpoint';

/** Writes a history the way Sluice and a cluster would, if all went well. */
export class Story extends Records {
  private counter = 0;
  /** The run that is alive. */
  live: RunFact | undefined;
  private last: { path: string; counter: number } | undefined;
  private ran = false;

  /** The run gets on: what it has read is kept in a restore point. */
  keepsState(kind: Point = 'checkpoint', triggerId?: string, operationId: string | null = null): string {
    const run = this.live as RunFact;
    this.counter += 10;
    const path = kind === 'checkpoint' ? `file:/lake/${run.flinkJobId}/chk-${this.counter}` : `file:/lake/savepoint-${this.id('s')}`;
    this.happens({ is: 'restore-point', kind, jobId: run.flinkJobId, path, counter: this.counter, ...(triggerId ? { triggerId } : {}) });
    this.history.restorePoints.push({ id: this.id('rp'), job: etl, runId: run.id, kind, path, state: 'available', operationId });
    this.last = { path, counter: this.counter };
    return path;
  }
  private ended(end: JobEnd, reason: string): void {
    const run = this.live as RunFact;
    this.happens({ is: 'job-ended', jobId: run.flinkJobId, end, counter: this.counter });
    Object.assign(run, { ended: true, endedAt: this.tick(), endReason: reason, state: end });
    this.live = undefined;
  }
  private begins(op: OperationFact, from: { path: string; counter: number } | undefined): void {
    const jarId = `${this.flinkId()}_sluice-${sha.slice(0, 16)}-orders.jar`;
    this.done(this.step(op, 'plan'));
    const place = this.step(op, 'place');
    if (!this.truth.some((event) => event.is === 'jar-uploaded'))
      this.happens({ is: 'jar-uploaded', jarId, name: `sluice-${sha.slice(0, 16)}-orders.jar` });
    this.done(place, { handle: jarId });
    const flinkJobId = this.flinkId();
    const runId = this.id('run');
    const submit = this.step(op, 'submit', { flinkJobId, runId });
    const run: RunFact = {
      id: runId,
      job: etl,
      cluster,
      flinkJobId,
      operationId: op.id,
      state: 'RUNNING',
      ended: false,
      endedAt: null,
      endReason: null,
      startedAt: new Date(this.clock),
      runningAt: null,
    };
    this.history.runs.push(run);
    this.counter = from?.counter ?? 0;
    this.happens({ is: 'job-started', jobId: flinkJobId, jobName: etl, jarId, restoredFrom: from?.path, counter: this.counter });
    this.done(submit, { flinkJobId, runId });
    this.happens({ is: 'job-running', jobId: flinkJobId });
    run.runningAt = this.tick();
    this.done(this.step(op, 'running'), { tasks: 4 });
    this.live = run;
    this.ran = true;
    for (const incident of this.history.incidents) if (incident.cause !== 'parked') incident.state = 'resolved';
    // What a run began from is where one after it goes on that kept nothing of its own.
    this.last = from;
  }
  private targets(op: OperationFact): void {
    const target = this.step(op, 'target');
    this.done(target, this.live ? { runId: this.live.id, flinkJobId: this.live.flinkJobId, cluster } : {});
  }
  private stops(op: OperationFact): void {
    if (!this.live) return;
    if (op.input['noSavepoint'] === true) {
      const cancel = this.step(op, 'stop-cancel');
      this.ended('CANCELED', 'stopped');
      this.done(cancel);
    } else {
      const triggerId = this.flinkId();
      const stop = this.step(op, 'stop-savepoint', { triggerId });
      const path = this.keepsState('savepoint', triggerId, op.id);
      this.ended('FINISHED', 'stopped');
      this.done(stop, { path });
    }
    this.done(this.step(op, 'stop-ended'));
  }

  start(asked: Asked = {}): OperationFact {
    const fresh = asked.input?.['fresh'] === true;
    const op = this.accept('start', asked, fresh && this.ran ? 'rewind' : this.ran ? 'operate' : 'change');
    this.begins(op, fresh ? undefined : this.last);
    return this.ends(op, 'succeeded', `${etl} started: v1 running on 4/4 tasks`);
  }
  stop(asked: Asked = {}): OperationFact {
    const op = this.accept('stop', asked, asked.input?.['noSavepoint'] === true ? 'rewind' : 'operate');
    this.targets(op);
    this.stops(op);
    return this.ends(op, 'succeeded', `${etl} stopped with savepoint`);
  }
  savepoint(asked: Asked = {}): OperationFact {
    const op = this.accept('savepoint', asked, 'operate');
    this.targets(op);
    const triggerId = this.flinkId();
    const row = this.step(op, 'savepoint', { triggerId });
    this.done(row, { path: this.keepsState('savepoint', triggerId, op.id) });
    return this.ends(op, 'succeeded', `Savepoint of ${etl} taken`);
  }
  restart(asked: Asked = {}): OperationFact {
    const op = this.accept('restart', asked, 'operate');
    this.targets(op);
    this.stops(op);
    this.begins(op, this.last);
    return this.ends(op, 'succeeded', `${etl} restarted: v1 running on 4/4 tasks`);
  }
  /** Back to the oldest savepoint there is. */
  restore(asked: Asked = {}): OperationFact {
    const event = this.truth.find((e) => e.is === 'restore-point' && e.kind === 'savepoint');
    const from = event?.is === 'restore-point' ? { path: event.path, counter: event.counter } : undefined;
    const op = this.accept('restore', { ...asked, input: { from: from?.path, reason: 'bad data', ...asked.input } }, 'rewind');
    this.targets(op);
    this.stops(op);
    this.begins(op, from);
    return this.ends(op, 'succeeded', `${etl} restored: v1 running on 4/4 tasks`);
  }
  build(asked: Asked = {}): OperationFact {
    const op = this.accept('build', asked, 'change');
    this.done(this.step(op, 'build-bind'), { version: 1 });
    return this.ends(op, 'succeeded', `Built ${etl}: v1`);
  }
  /** A start that Flink refused. */
  refusedStart(): OperationFact {
    const op = this.accept('start', {}, this.ran ? 'operate' : 'change');
    Object.assign(this.step(op, 'plan'), { state: 'failed' });
    return this.ends(op, 'failed', `${etl} was not started`);
  }
  /** The job fails by itself, and people are told. */
  fails(): void {
    const { id } = this.live as RunFact;
    this.ended('FAILED', 'failed');
    this.incident('failed', { runId: id });
  }
  /** A savepoint whose outcome nobody can tell, and the incident about it. */
  parks(): OperationFact {
    const op = this.accept('savepoint', {}, 'operate');
    this.targets(op);
    this.step(op, 'savepoint', { triggerId: this.flinkId() });
    this.ends(op, 'parked', `Parked: taking a savepoint of ${etl}`);
    this.incident('parked', { key: `operation:${op.id}:parked` });
    return op;
  }
}
