import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plotOf } from '../../src/restore-points/checkpoint-plot.ts';
import type { Checkpoint } from '../../src/restore-points/checkpoints.store.ts';
import { createRig, plainText } from './rig.ts';
import { emma, olli, vic } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

const textOf = (body: string) => plainText(body.replace(/<title>[^<]*<\/title>|<[^>]*>/g, ' ')).replace(/\s+/g, ' ');

test('checkpoints of a job: a plot with tips, those that failed, the newest; the overview counts the failures', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const page = await (await rig.as(emma)).get('/jobs/etl-orders/checkpoints');
  assert.match(page.body, /<svg[^>]*role="img" aria-label="Duration and size of the checkpoints over time">/);
  assert.match(page.body, /<title>checkpoint 811, \d\d-\d\d \d\d:\d\d UTC: 13 s, 23 MB<\/title>|<title>2 checkpoints, 810 to 811, /);
  assert.match(page.body, /class="fault"><title>Failed, [^<]*Checkpoint expired before completing\./);
  assert.match(page.body, /<g class="act "><line [^>]*\/><path [^>]*\/><title>v1 started \(resume\)/);
  const text = textOf(page.body);
  assert.match(text, /Failed 3 in the last run/);
  assert.match(
    text,
    /Failed checkpoints, newest first Checkpoint .* checkpoint 754 failed .* 10 min – – Checkpoint expired before completing\./,
  );
  assert.match(
    text,
    /Newest Checkpoints, newest first Checkpoint .* checkpoint 811 complete .* 13 s 23 MB 1\.3 MB 83 MB s3:\/\/lake\/checkpoints\/9f31\/chk-811/,
  );
  assert.match(text, /checkpoint 810 unaligned complete .* 23 MB 1\.3 MB 1\.9 MB, 58 MB stored s3:/);
  assert.doesNotMatch(text, /Failed checkpoints, newest first [^.]* In flight [^.]*expired/, 'a column only where it says something');
  const overview = await (await rig.as(vic)).get('/jobs/etl-orders');
  assert.match(overview.body, /Failed checkpoints<\/dt><dd><a href="\/jobs\/etl-orders\/checkpoints">3<\/a>/);
});

test('the plot of another span; a job without checkpoints; what is not a person’s is not shown', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const viewer = await rig.as(vic);
  const week = await viewer.get('/jobs/etl-orders/checkpoints?span=week');
  assert.match(week.body, /<b>a week<\/b>/);
  assert.match(week.body, /hx-get="\/jobs\/etl-orders\/checkpoints\?span=week&amp;seen=/);
  assert.match((await viewer.get('/jobs/etl-orders/checkpoints?span=%3Cb%3E')).body, /<b>a day<\/b>/);
  assert.match(textOf((await viewer.get('/jobs/sessions/checkpoints')).body), /There is no checkpoint yet\./);
  assert.equal((await (await rig.as(olli)).get('/jobs/etl-orders/checkpoints')).status, 403);
});

test('the plot keeps the slowest, the largest and every failure, in at most 160 marks (property)', () => {
  const from = new Date('2026-11-25T00:00:00Z');
  const to = new Date('2026-11-26T00:00:00Z');
  const row = fc.record({
    min: fc.integer({ min: -100, max: 1600 }),
    durationMs: fc.nat(),
    size: fc.nat(),
    state: fc.constantFrom<'completed' | 'failed'>('completed', 'completed', 'failed'),
  });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 600 }), (made) => {
      const rows = made.map(({ min, state, ...more }, id) => {
        const endedAt = new Date(from.getTime() + min * 60_000);
        return { ...more, id, state, kind: 'checkpoint', endedAt, failure: 'expired' } as Checkpoint;
      });
      const plot = plotOf(rows, from, to);
      const inside = rows.filter((one) => one.endedAt >= from && one.endedAt <= to);
      const done = inside.filter((one) => one.state === 'completed');
      assert.ok(plot.marks.length <= 160 && plot.failures.length <= 160);
      assert.equal(Math.max(-1, ...plot.marks.map((m) => m.durationMs)), Math.max(-1, ...done.map((one) => one.durationMs)));
      assert.equal(Math.max(-1, ...plot.marks.map((m) => m.size)), Math.max(-1, ...done.map((one) => one.size ?? 0)));
      assert.equal(
        plot.failures.reduce((n, f) => n + f.count, 0),
        inside.length - done.length,
      );
      assert.deepEqual(
        plot.marks.map((m) => m.at.getTime()),
        plot.marks.map((m) => m.at.getTime()).sort((a, b) => a - b),
      );
    }),
    { numRuns: 50 },
  );
});
