import { auditHash } from './check-audit.ts';
import {
  append,
  approved,
  change,
  ended,
  last,
  liveRun,
  type Mutation,
  postOf,
  rechain,
  remove,
  setTruth,
  startsJob,
  truth,
} from './spoil.ts';

/** Faults in what Sluice wrote down, said and left behind. */
export const spoiltRecords: readonly Mutation[] = [
  // I1
  {
    invariant: 'I1',
    name: 'a running operation whose lease is over',
    plant: (h) =>
      change(h.operations.at(-1), { state: 'running', owner: 'host:1:2', leaseUntil: new Date(h.now.getTime() - 1), finishedAt: null }),
  },
  {
    invariant: 'I1',
    name: 'a running operation without an owner',
    plant: (h) =>
      change(h.operations.at(-1), { state: 'running', owner: null, leaseUntil: new Date(h.now.getTime() + 15_000), finishedAt: null }),
  },
  {
    invariant: 'I1',
    name: 'a queued operation that nobody takes',
    plant: (h) => change(h.operations.at(-1), { state: 'queued', finishedAt: null }),
  },
  { invariant: 'I1', name: 'an end without a word', plant: (h) => change(h.operations.at(-1), { outcome: null }) },
  {
    invariant: 'I1',
    name: 'a parked operation without an incident',
    plant: (h) =>
      change(h.operations.at(-1), { state: 'parked', finishedAt: null }) && (remove(h.incidents, (i) => i.cause === 'parked') || true),
  },
  {
    invariant: 'I1',
    name: 'an operation that waits for an approval which was rejected',
    plant: (h) =>
      change(approved(h), { state: 'rejected' }) &&
      change(
        last(h, (op) => op.id === h.approvals.at(-1)?.operationId),
        { state: 'waiting' },
      ),
  },
  {
    invariant: 'I1',
    name: 'an accepted operation that is gone',
    plant: (h) => remove(h.operations, () => true),
  },
  {
    invariant: 'I1',
    name: 'an operation without an audit row',
    plant(h) {
      const done = remove(h.audit, (row) => row.action === 'operation.accepted');
      rechain(h, 0);
      return done;
    },
  },
  {
    invariant: 'I1',
    name: 'an operation without a message',
    plant: (h) => remove(h.outbox, (row) => row.dedupeKey.startsWith('operation:')),
  },
  {
    invariant: 'I1',
    name: 'one request twice',
    plant: (h) => h.operations.length > 1 && change(h.operations.at(-1), { idemKey: h.operations[0]?.idemKey ?? '' }),
  },
  {
    invariant: 'I1',
    name: 'a job that went down unnoticed',
    plant(h) {
      const run = liveRun(h);
      return run !== undefined && append(h, { is: 'job-ended', jobId: run.flinkJobId, end: 'FAILED', counter: 0 });
    },
  },
  {
    invariant: 'I1',
    name: 'a failure that nobody was told of',
    plant(h) {
      const run = liveRun(h);
      return (
        run !== undefined &&
        append(h, { is: 'job-ended', jobId: run.flinkJobId, end: 'FAILED', counter: 0 }) &&
        change(run, { ended: true, endedAt: h.now, endReason: 'failed' })
      );
    },
  },
  // I4
  {
    invariant: 'I4',
    name: 'an incident that is not to be seen',
    plant: (h) => remove(h.posts, (p) => h.incidents.some((i) => i.messageId === p.outboxId)),
  },
  {
    invariant: 'I4',
    name: 'an incident without a message',
    plant: (h) => remove(h.outbox, (row) => row.dedupeKey.startsWith('incident:')),
  },
  {
    invariant: 'I4',
    name: 'an operation that is not to be seen',
    plant: (h) => remove(h.posts, (p) => h.operations.some((op) => op.messageId === p.outboxId)),
  },
  {
    invariant: 'I4',
    name: 'a message twice',
    plant(h) {
      const post = h.posts.at(-1);
      if (post) h.posts.push({ ...post, ts: `${post.ts}9` });
      return post !== undefined;
    },
  },
  {
    invariant: 'I4',
    name: 'a message that says it is still under way',
    plant: (h) =>
      change(
        postOf(
          h,
          last(h, (op) => op.finishedAt !== null),
        ),
        { text: '⏳ Starting etl-orders' },
      ),
  },
  {
    invariant: 'I4',
    name: 'a message with the words of another end',
    plant: (h) =>
      change(
        last(h, (op) => op.state === 'succeeded'),
        { outcome: { tone: 'bad', title: 'etl-orders was not started' } },
      ),
  },
  {
    invariant: 'I4',
    name: 'a start that says it runs, and never came up',
    plant(h) {
      const op = last(h, startsJob);
      const ids = h.runs.filter((run) => run.operationId === op?.id).map((run) => run.flinkJobId);
      if (ids.length === 0) return false;
      return setTruth(
        h,
        truth(h).filter((e) => !(e.is === 'job-running' && ids.includes(e.jobId))),
      );
    },
  },
  {
    invariant: 'I4',
    name: 'a stop that says it stopped, and did not',
    plant(h) {
      const op = last(h, ended('stop'));
      const id = h.steps.find((s) => s.operationId === op?.id && s.name === 'target')?.result?.['flinkJobId'];
      return (
        op !== undefined &&
        setTruth(
          h,
          truth(h).filter((e) => !(e.is === 'job-ended' && e.jobId === id)),
        )
      );
    },
  },
  {
    invariant: 'I4',
    name: 'a start that says it failed, and its run is alive',
    plant(h) {
      const run = liveRun(h);
      const op = last(h, (o) => o.id === run?.operationId);
      const title = 'etl-orders was not started';
      return change(op, { state: 'failed', outcome: { tone: 'bad', title } }) && change(postOf(h, op), { text: `🔴 ${title}` });
    },
  },
  {
    invariant: 'I4',
    name: 'a savepoint that was not taken',
    plant(h) {
      const op = last(h, ended('savepoint'));
      return change(
        h.steps.find((s) => s.operationId === op?.id && s.name === 'savepoint'),
        { result: { path: 'file:/lake/nowhere' } },
      );
    },
  },
  // I6
  { invariant: 'I6', name: 'an audit row that was edited', plant: (h) => change(h.audit[0], { subject: 'job:other' }) },
  { invariant: 'I6', name: 'an audit row that was removed', plant: (h) => h.audit.length > 1 && h.audit.splice(0, 1).length === 1 },
  {
    invariant: 'I6',
    name: 'an audit row that was put in between',
    plant(h) {
      const [first, second] = h.audit;
      if (!first || !second) return false;
      h.audit.splice(1, 0, { ...first, previousHash: first.hash, hash: auditHash({ ...first, previousHash: first.hash }) });
      return true;
    },
  },
  // I7
  { invariant: 'I7', name: 'a process that is left', plant: (h) => h.processes.push({ pid: 4711, build: 'bld_000000000000' }) > 0 },
  { invariant: 'I7', name: 'a folder that is left', plant: (h) => h.workspaces.push('bld_000000000000') > 0 },
  {
    invariant: 'I7',
    name: 'a jar twice',
    plant(h) {
      const event = truth(h).find((e) => e.is === 'jar-uploaded');
      return event?.is === 'jar-uploaded' && append(h, { is: 'jar-uploaded', jarId: 'again', name: event.name });
    },
  },
  {
    invariant: 'I7',
    name: 'a jar of no artifact',
    plant: (h) => append(h, { is: 'jar-uploaded', jarId: 'x', name: 'sluice-ffffffffffffffff-orders.jar' }),
  },
];
