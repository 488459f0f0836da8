import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { RestorePoint } from '../../src/restore-points/restore-points.store.ts';
import { judgeSavepoints, type RetentionFacts } from '../../src/restore-points/retention.rule.ts';

const day = 86_400_000;
const now = new Date('2026-11-25T09:00:00Z');
const point = (id: string, ageDays: number, change: Partial<RestorePoint> = {}): RestorePoint => ({
  id,
  job: 'etl-orders',
  runId: 'run_1',
  version: 1,
  kind: 'savepoint',
  path: `s3://lake/${id}`,
  size: 1,
  durationMs: 1,
  takenAt: new Date(now.getTime() - ageDays * day),
  flinkVersion: '1.20.5',
  checkpointId: null,
  final: false,
  state: 'available',
  operationId: 'op_1',
  pinned: null,
  goesAt: null,
  toldBy: null,
  toldVersion: null,
  disposal: null,
  ...change,
});
const judge = (facts: Partial<RetentionFacts>) =>
  judgeSavepoints({ now, policy: { keep: 2 }, points: [], inUse: new Map(), broken: new Set(), hands: undefined, ...facts });
const gone = (facts: Partial<RetentionFacts>) =>
  judge(facts)
    .filter((one) => !one.keep)
    .map((one) => one.point.id);
const five = [1, 2, 3, 4, 5].map((n) => point(`sp${n}`, n * 10));

it('keeps everything unless a team asked for less', () => {
  assert.deepEqual(gone({ points: five, policy: {} }), []);
});
it('keeps the newest so many, or the younger ones; with both, what either keeps', () => {
  assert.deepEqual(gone({ points: five }), ['sp3', 'sp4', 'sp5']);
  assert.deepEqual(gone({ points: five, policy: { keepForMs: 35 * day } }), ['sp4', 'sp5']);
  assert.deepEqual(gone({ points: five, policy: { keep: 1, keepForMs: 45 * day } }), ['sp5']);
  assert.deepEqual(gone({ points: five, policy: { keepForMs: day } }), ['sp2', 'sp3', 'sp4', 'sp5'], 'the newest stays however old it is');
});
it('keeps what is needed, pinned or not of its own making, and says why', () => {
  const facts = {
    points: [
      point('new', 1),
      point('used', 20),
      point('pinned', 30, { pinned: { by: { teamId: 'T', userId: 'U', name: 'Emma' }, reason: 'audit', at: '' } }),
      point('foreign', 40, { operationId: null }),
      point('old', 50),
    ],
    policy: { keep: 1 },
    inUse: new Map([['used', 'what runs began from it']]),
  };
  assert.deepEqual(
    judge(facts).map((one) => [one.point.id, one.keep, one.why]),
    [
      ['new', true, 'the newest one'],
      ['used', true, 'what runs began from it'],
      ['pinned', true, 'pinned by Emma: audit'],
      ['foreign', true, 'it was not taken by Sluice'],
      ['old', false, 'not one of the newest 1'],
    ],
  );
  assert.deepEqual(gone({ ...facts, hands: 'a restore in progress works on the job' }), []);
});
it('a savepoint that is not complete pushes no good one out', () => {
  assert.deepEqual(gone({ points: five, policy: { keep: 1 }, broken: new Set(['sp1', 'sp2']) }), ['sp4', 'sp5']);
});

it('whatever is asked for, the newest complete one and all that is needed stay', () => {
  const anyPoint = fc.record({
    ageDays: fc.integer({ min: 0, max: 6 }),
    kind: fc.constantFrom('savepoint' as const, 'savepoint' as const, 'checkpoint' as const),
    foreign: fc.boolean(),
    pinned: fc.boolean(),
    used: fc.boolean(),
    broken: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(anyPoint, { maxLength: 12 }),
      fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      fc.boolean(),
      (specs, keep, keepDays, busy) => {
        const points = specs.map((s, i) =>
          point(`p${i}`, s.ageDays, {
            kind: s.kind,
            operationId: s.foreign ? null : 'op',
            pinned: s.pinned ? { by: { teamId: 'T', userId: 'U' }, reason: null, at: '' } : null,
          }),
        );
        const ids = (test: (s: (typeof specs)[number]) => boolean) => new Set(specs.flatMap((s, i) => (test(s) ? [`p${i}`] : [])));
        const used = ids((s) => s.used);
        const broken = ids((s) => s.broken);
        const goes = judge({
          points,
          policy: { keep, keepForMs: keepDays === undefined ? undefined : keepDays * day },
          inUse: new Map([...used].map((id) => [id, 'used'])),
          broken,
          hands: busy ? 'busy' : undefined,
        }).filter((one) => !one.keep);
        if (busy || (keep === undefined && keepDays === undefined)) assert.deepEqual(goes, []);
        const complete = points.filter((p) => p.kind === 'savepoint' && !broken.has(p.id));
        const newestAt = Math.max(...complete.map((p) => p.takenAt.getTime()));
        for (const { point: p } of goes) {
          assert.equal(p.kind, 'savepoint');
          assert.ok(!used.has(p.id) && !p.pinned && p.operationId !== null && !broken.has(p.id));
          assert.ok(p.takenAt.getTime() < newestAt, 'an older one than the newest that is complete');
          const younger = complete.filter((one) => one.takenAt > p.takenAt).length;
          const youngerOrEqual = complete.filter((one) => one.takenAt >= p.takenAt).length;
          if (keep !== undefined) assert.ok(youngerOrEqual > keep && younger >= 1, `${keep} newer ones are left`);
          if (keepDays !== undefined) assert.ok(now.getTime() - p.takenAt.getTime() >= keepDays * day);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
