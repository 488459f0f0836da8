import { etl } from './records.ts';
import { append, approved, change, changeEvent, last, liveRun, type Mutation, named, remove, startsJob, truth } from './spoil.ts';

/** Faults in what was done to clusters and jobs. */
export const spoiltEffects: readonly Mutation[] = [
  // I2
  {
    invariant: 'I2',
    name: 'a second run of one start',
    plant(h) {
      const op = last(h, startsJob);
      const run = h.runs.find((r) => r.operationId === op?.id);
      if (!run) return false;
      h.runs.push({ ...run, id: 'run_again', flinkJobId: 'again', ended: true, endedAt: h.now, endReason: 'never-started' });
      return append(
        h,
        { is: 'job-started', jobId: 'again', jobName: etl, jarId: 'j', restoredFrom: undefined, counter: 1e9 },
        { is: 'job-running', jobId: 'again' },
        { is: 'job-ended', jobId: 'again', end: 'CANCELED', counter: 0 },
      );
    },
  },
  {
    invariant: 'I2',
    name: 'the same job id started twice',
    plant(h) {
      const event = truth(h).findLast((e) => e.is === 'job-started');
      return event?.is === 'job-started' && append(h, { ...event, is: 'job-started' });
    },
  },
  {
    invariant: 'I2',
    name: 'a job that runs twice at once',
    plant(h) {
      const run = liveRun(h);
      if (!run) return false;
      h.runs.push({ ...run, id: 'run_two', flinkJobId: 'two' });
      return append(h, { is: 'job-started', jobId: 'two', jobName: etl, jarId: 'j', restoredFrom: 'file:/x', counter: 1e9 });
    },
  },
  {
    invariant: 'I2',
    name: 'a run that no operation asked for',
    plant: (h) => append(h, { is: 'job-started', jobId: 'stray', jobName: etl, jarId: 'j', restoredFrom: 'file:/x', counter: 1e9 }),
  },
  {
    invariant: 'I2',
    name: 'a live run that counts as over',
    plant: (h) => change(liveRun(h), { ended: true, endedAt: h.now, endReason: 'never-started' }),
  },
  // I3
  {
    invariant: 'I3',
    name: 'two operations that hold a job at once',
    plant(h) {
      const holding = h.operations.filter((op) => h.steps.some((s) => s.operationId === op.id && s.holds && s.intent !== null));
      const [first, second] = holding;
      const began = h.steps.find((s) => s.operationId === second?.id && s.holds);
      return began !== undefined && first !== undefined && change(first, { finishedAt: new Date(began.startedAt.getTime() + 1) });
    },
  },
  // I5
  {
    invariant: 'I5',
    name: 'a requester who was no longer allowed to',
    plant(h) {
      const op = h.operations.at(-1);
      const entry = h.people.find((p) => p.person.ref.userId === op?.actor.userId);
      if (!op?.startedAt || !entry) return false;
      const begun = h.steps.some((s) => s.operationId === op.id && !(s.state === 'failed' && s.intent === null));
      h.people.push({ at: op.createdAt, person: { ...entry.person, memberships: [] } });
      return begun;
    },
  },
  {
    invariant: 'I5',
    name: 'a person who left',
    plant: (h) => change(h.people.find((p) => p.person.ref.userId === h.operations[0]?.actor.userId)?.person, { active: false }),
  },
  { invariant: 'I5', name: 'a rewind that nobody approved', plant: (h) => remove(h.approvals, () => true) },
  { invariant: 'I5', name: 'a rewind that was rejected', plant: (h) => change(approved(h), { state: 'rejected' }) },
  { invariant: 'I5', name: 'an approval of another plan', plant: (h) => change(approved(h), { planHash: 'other' }) },
  {
    invariant: 'I5',
    name: 'an approval by the person who asked',
    plant(h) {
      const approval = approved(h);
      return change(approval, { decidedBy: approval?.requestedBy ?? null });
    },
  },
  {
    invariant: 'I5',
    name: 'an approval that came afterwards',
    plant: (h) => change(approved(h), { decidedAt: new Date(h.now.getTime() + 1) }),
  },
  {
    invariant: 'I5',
    name: 'an approver who was no lead',
    plant: (h) =>
      approved(h) !== undefined &&
      change(h.people.find((p) => p.person.ref.name === 'lena')?.person, { memberships: [{ team: 'data', role: 'engineer' }] }),
  },
  {
    invariant: 'I5',
    approvals: true,
    name: 'a restore whose row asks for less than a restore needs',
    plant(h) {
      const op = last(h, (o) => o.kind === 'restore' && o.breakGlass === null);
      return (
        op !== undefined && remove(h.approvals, (a) => a.operationId === op.id) && change(op, { input: { ...op.input, right: 'operate' } })
      );
    },
  },
  {
    invariant: 'I5',
    name: 'a savepoint that no operation asked for',
    plant(h) {
      const run = liveRun(h);
      return (
        run !== undefined &&
        append(h, {
          is: 'restore-point',
          kind: 'savepoint',
          jobId: run.flinkJobId,
          path: 'file:/lake/stray',
          counter: 1e9,
          triggerId: 'stray',
        })
      );
    },
  },
  {
    invariant: 'I5',
    name: 'a cancel that no operation asked for',
    plant(h) {
      const run = liveRun(h);
      return run !== undefined && append(h, { is: 'job-ended', jobId: run.flinkJobId, end: 'CANCELED', counter: 0 });
    },
  },
  // I8
  {
    invariant: 'I8',
    name: 'a run from older state',
    plant: (h) =>
      changeEvent(h, (e) => e.is === 'job-started' && e.counter > 0 && !named(h, e.jobId), { counter: -1, restoredFrom: 'file:/lake/old' }),
  },
  {
    invariant: 'I8',
    name: 'a run from nothing',
    plant: (h) => changeEvent(h, (e) => e.is === 'job-started' && e.restoredFrom !== undefined, { counter: 0, restoredFrom: undefined }),
  },
  {
    invariant: 'I8',
    name: 'a restore to another point than was agreed',
    plant(h) {
      const op = last(h, (o) => o.kind === 'restore');
      const id = h.runs.find((run) => run.operationId === op?.id)?.flinkJobId;
      return changeEvent(h, (e) => e.is === 'job-started' && e.jobId === id, { counter: -1, restoredFrom: 'file:/lake/other' });
    },
  },
  {
    invariant: 'I8',
    name: 'a savepoint that was forgotten',
    plant: (h) => remove(h.restorePoints, (p) => p.kind === 'savepoint'),
  },
  {
    invariant: 'I8',
    name: 'a savepoint that only watch has recorded',
    plant: (h) =>
      change(
        h.restorePoints.find((p) => p.operationId !== null),
        { operationId: null },
      ),
  },
  {
    invariant: 'I8',
    name: 'a restore point that was never made',
    plant: (h) => change(h.restorePoints.at(-1), { path: 'file:/lake/never' }),
  },
];
