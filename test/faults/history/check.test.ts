import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TruthEvent } from '../truth.ts';
import { checkHistory } from './check.ts';
import { Story } from './fixture.ts';
import type { History, Invariant } from './history.ts';
import { mutations } from './mutations.ts';
import { etl, lena, omar, person } from './records.ts';

/** A day with everything in it, in which all went well. */
function goodDay(): Story {
  const s = new Story();
  s.build();
  s.start();
  s.keepsState();
  s.savepoint({ by: omar });
  s.keepsState();
  s.restart();
  s.keepsState();
  s.fails();
  s.refusedStart();
  s.start({ by: omar });
  s.restore();
  s.stop({ input: { noSavepoint: true } });
  s.start();
  s.keepsState();
  s.stop();
  s.start();
  return s;
}
function assertClean(history: History): void {
  assert.deepEqual(checkHistory(history), []);
}
function found(history: History, invariant: Invariant, what: RegExp): void {
  const violations = checkHistory(history);
  assert.ok(
    violations.some((v) => v.invariant === invariant && what.test(v.what)),
    `${invariant} ${what} is not among\n${violations.map((v) => `${v.invariant} ${v.what}`).join('\n') || '(none)'}`,
  );
}

describe('history checker', () => {
  it('has nothing to say about a good day', () => assertClean(goodDay().history));

  it('has nothing to say about what is under way, parked and told of, or waiting', () => {
    const s = goodDay();
    s.parks();
    assertClean(s.history);
    const t = goodDay();
    const op = t.savepoint();
    Object.assign(op, {
      state: 'running',
      finishedAt: null,
      outcome: null,
      owner: 'host:1:1',
      leaseUntil: new Date(t.history.now.getTime() + 9000),
    });
    assertClean(t.history);
    Object.assign(op, { leaseUntil: new Date(t.history.now.getTime() - 9000) });
    found(t.history, 'I1', /nobody has renewed its lease/);
    t.history.graceMs = 10_000;
    assertClean(t.history);
  });

  it('accepts a rewind by break-glass, on a development job without a lead, and by a batch job that had finished', () => {
    const s = new Story();
    s.start();
    s.keepsState();
    s.stop();
    s.start({ by: omar, input: { fresh: true }, breakGlass: 'storage is gone' });
    assertClean(s.history);
    const d = new Story('development');
    d.start();
    d.savepoint();
    d.keepsState();
    d.restore();
    assertClean(d.history);
    const b = new Story();
    b.history.jobs[0]!.mode = 'batch';
    b.start();
    const first = b.live!;
    b.happens({ is: 'job-ended', jobId: first.flinkJobId, end: 'FINISHED', counter: 5 });
    Object.assign(first, { ended: true, endedAt: b.tick(), endReason: 'finished' });
    b.start();
    assertClean(b.history);
  });

  it('does not let break-glass pass without a reason or without the right', () => {
    const s = new Story();
    s.start();
    s.stop();
    s.start({ input: { fresh: true }, breakGlass: ' ' });
    found(s.history, 'I5', /nobody had approved/);
    const t = new Story();
    t.history.people.push({ at: new Date(0), person: person('vic', 'viewer') });
    t.start();
    t.stop();
    t.start({ by: person('vic', 'viewer'), input: { fresh: true }, breakGlass: 'because' });
    found(t.history, 'I5', /vic, who was not allowed/);
  });

  it('judges roles by the moment of execution', () => {
    const s = goodDay();
    // What lena approved counts though she is no lead any more.
    s.history.people.push({ at: s.tick(), person: { ...lena, memberships: [] } });
    assertClean(s.history);
    s.stop();
    s.restore();
    found(s.history, 'I5', /lena, who had approved it, was no lead then/);
  });

  it('lets a savepoint that a parked operation asked for be found later, and leaves what others do to them', () => {
    const s = goodDay();
    const op = s.parks();
    const triggerId = String(s.history.steps.findLast((step) => step.operationId === op.id)?.intent?.['triggerId']);
    const jobId = s.live!.flinkJobId;
    s.happens({ is: 'restore-point', kind: 'savepoint', jobId, path: 'file:/lake/late', counter: 900, triggerId });
    assertClean(s.history);
    s.ends(op, 'canceled', `Canceled: savepoint of ${etl}`);
    s.history.incidents.pop();
    found(s.history, 'I8', /is not recorded: file:\/lake\/late/);
    s.history.outside.push('theirs');
    s.happens({ is: 'job-started', jobId: 'theirs', jobName: etl, jarId: 'j', restoredFrom: undefined, counter: 0 });
    assert.deepEqual(
      checkHistory(s.history).map((v) => v.invariant),
      ['I8'],
    );
  });

  it('goes by what could be known when a JobManager lost its memory', () => {
    const s = goodDay();
    const run = s.live!;
    const known = s.keepsState();
    s.happens({ is: 'restore-point', kind: 'checkpoint', jobId: run.flinkJobId, path: 'file:/lake/unseen', counter: 10_000 });
    s.happens({ is: 'job-ended', jobId: run.flinkJobId, end: 'LOST', counter: 10_001 });
    s.happens({ is: 'jobmanager-restarted' });
    Object.assign(run, { ended: true, endedAt: s.tick(), endReason: 'lost' });
    s.live = undefined;
    s.incident('lost', { runId: run.id });
    s.start();
    assert.equal(s.history.clusters[0]?.truth.findLast((e) => e.is === 'job-started')?.restoredFrom, known);
    found(s.history, 'I8', /older state .* than there was \(10000, file:\/lake\/unseen\)/);
    s.history.clusters[0]!.pathsReadable = false;
    assertClean(s.history);
  });

  it('takes a start that was taken back for none, unless it had kept state', () => {
    const s = new Story();
    const op = s.start();
    const run = s.live!;
    s.happens({ is: 'job-ended', jobId: run.flinkJobId, end: 'CANCELED', counter: 1 });
    Object.assign(run, { ended: true, endedAt: s.tick(), endReason: 'never-started', runningAt: null });
    s.ends(op, 'canceled', 'Canceled: starting etl-orders');
    s.start({ input: {} });
    s.history.operations.at(-1)!.input = { right: 'change' };
    assertClean(s.history);
    s.history.clusters[0]!.truth = s.history.clusters[0]!.truth.flatMap((event): TruthEvent[] =>
      event.is === 'job-ended'
        ? [{ ...event, is: 'restore-point', kind: 'checkpoint', path: 'file:/lake/kept', counter: 1 }, event]
        : [event],
    );
    found(s.history, 'I8', /was started from nothing/);
  });

  it('concludes nothing from the silence of a cluster whose truth is not known', () => {
    const s = goodDay();
    s.history.clusters = [];
    assertClean(s.history);
  });

  it('allows as many doubles as answers were lost', () => {
    const s = goodDay();
    const post = s.history.posts[0]!;
    s.history.posts.push({ ...post, ts: '9.9' });
    found(s.history, 'I4', /1 messages too many/);
    s.history.ambiguousPosts = 1;
    assertClean(s.history);
  });

  it('compares moments of two clocks when the tests have moved one', () => {
    const s = goodDay();
    s.happens({ is: 'job-ended', jobId: s.live!.flinkJobId, end: 'FAILED', counter: 0 });
    s.history.now = new Date(s.history.now.getTime() + 3_600_000);
    s.history.clockAheadMs = 3_600_000;
    s.history.graceMs = 5_000;
    assertClean(s.history);
    s.history.clockAheadMs = 0;
    found(s.history, 'I1', /is believed to run and is down/);
  });

  for (const mutation of mutations)
    it(`${mutation.invariant} finds ${mutation.name}`, () => {
      const { history } = goodDay();
      assert.ok(mutation.plant(history), 'the day has it');
      found(history, mutation.invariant, /./);
    });

  it('plants at least one fault for each invariant', () => {
    assert.deepEqual([...new Set(mutations.map((m) => m.invariant))].sort(), ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8']);
  });
});

/** What may happen next; nothing where it cannot be. */
const actions: Record<string, (s: Story) => unknown> = {
  start: (s) => s.live ?? s.start(hasState(s) ? {} : { input: ran(s) ? { fresh: true } : {} }),
  'start from nothing': (s) => s.live ?? s.start({ input: { fresh: true } }),
  'refused start': (s) => s.live ?? s.refusedStart(),
  checkpoint: (s) => s.live && s.keepsState(),
  savepoint: (s) => s.live && s.savepoint({ by: omar }),
  stop: (s) => s.live && s.stop(),
  'stop without': (s) => s.live && s.stop({ input: { noSavepoint: true } }),
  restart: (s) => s.live && s.restart(),
  restore: (s) => hasSavepoint(s) && s.restore(),
  fails: (s) => s.live && s.fails(),
  build: (s) => s.build(),
};
const ran = (s: Story) => s.history.runs.length > 0;
const hasSavepoint = (s: Story) => s.history.restorePoints.some((p) => p.kind === 'savepoint');
/** Whether the newest run left something, or began from something. */
function hasState(s: Story): boolean {
  const run = s.history.runs.at(-1);
  const began = s.history.clusters[0]?.truth.findLast((e) => e.is === 'job-started');
  return s.history.restorePoints.some((p) => p.runId === run?.id) || (began?.is === 'job-started' && began.restoredFrom !== undefined);
}
const days = fc.record({
  what: fc.array(fc.constantFrom(...Object.keys(actions)), { maxLength: 14 }),
  environment: fc.constantFrom('production' as const, 'development' as const),
});
function dayOf({ what, environment }: { what: string[]; environment: 'production' | 'development' }): History {
  const s = new Story(environment);
  for (const name of what) actions[name]?.(s);
  return s.history;
}

describe('history checker, any day', () => {
  it('is content with every legal history', () => {
    fc.assert(
      fc.property(days, (day) => assertClean(dayOf(day))),
      { numRuns: 300 },
    );
  });

  it('finds any one fault in any history', () => {
    const planted = new Set<string>();
    const byName = new Map(mutations.map((mutation) => [mutation.name, mutation]));
    fc.assert(
      fc.property(days, fc.constantFrom(...byName.keys()), (day, name) => {
        const mutation = byName.get(name)!;
        // Nobody has to approve anything there.
        fc.pre(!(day.environment === 'development' && mutation.approvals));
        const history = dayOf(day);
        fc.pre(mutation.plant(history));
        planted.add(name);
        found(history, mutation.invariant, /./);
      }),
      { numRuns: 600 },
    );
    assert.ok(planted.size > mutations.length / 2, `only ${planted.size} kinds of fault were planted`);
  });
});
