import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAge, formatBytes, formatDuration, parseDuration, sleep } from '../../src/core/time.ts';

const s = 1000;
const min = 60 * s;
const h = 60 * min;
const d = 24 * h;

test('durations for people', () => {
  const table: [number, string][] = [
    [0, '0 ms'],
    [0.4, '0 ms'],
    [340.2, '340 ms'],
    [999.4, '999 ms'],
    [999.7, '1.0 s'],
    [1000, '1.0 s'],
    [2149, '2.1 s'],
    [9949, '9.9 s'],
    [9950, '10 s'],
    [41 * s, '41 s'],
    [119_499, '119 s'],
    [119_500, '2 min'],
    [4 * min + 29 * s, '4 min'],
    [119 * min, '119 min'],
    [119.6 * min, '2 h'],
    [3 * h + 12 * min, '3 h 12 min'],
    [47 * h + 59 * min, '47 h 59 min'],
    [48 * h, '2 d'],
    [5 * d + 2 * h, '5 d 2 h'],
    [400 * d, '400 d'],
    [-5, '0 ms'],
    [Number.NaN, '0 ms'],
    [Number.POSITIVE_INFINITY, '0 ms'],
  ];
  for (const [ms, shown] of table) assert.equal(formatDuration(ms), shown, String(ms));
});

test('a longer duration never reads shorter by more than its last digit', () => {
  const units: Record<string, number> = { ms: 1, s, min, h, d };
  const back = (shown: string) => [...shown.matchAll(/([\d.]+) (\w+)/g)].reduce((sum, [, n, unit]) => sum + Number(n) * units[unit!]!, 0);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1000 * d, noNaN: true }), (ms) => {
      const shown = formatDuration(ms);
      const tolerance = ms < s ? 0.51 : ms < 10 * s ? 51 : ms < 2 * min ? 510 : ms < 2 * h ? 31 * s : ms < 2 * d ? min : h + min;
      assert.ok(Math.abs(back(shown) - ms) <= tolerance, `${ms} is shown as ${shown}`);
      assert.doesNotMatch(shown, /1000 ms|\b60 (s|min)$|\b0 (min|h)$/);
    }),
  );
});

test('ages for people', () => {
  const now = new Date('2026-03-01T12:00:00Z');
  const ago = (ms: number) => formatAge(new Date(now.getTime() - ms), now);
  assert.deepEqual(
    [ago(0), ago(1499), ago(1500), ago(12 * s), ago(67 * min), ago(-5000)],
    ['just now', 'just now', '1.5 s ago', '12 s ago', '67 min ago', 'just now'],
  );
});

test('bytes for people, in powers of 1024', () => {
  const table: [number, string][] = [
    [0, '0 B'],
    [812, '812 B'],
    [1023, '1023 B'],
    [1024, '1.0 KB'],
    [24 * 1024, '24 KB'],
    [10_188, '9.9 KB'],
    [10_240, '10 KB'],
    [1023 * 1024, '1023 KB'],
    [1024 * 1024 - 1, '1.0 MB'],
    [3.4 * 1024 ** 2, '3.4 MB'],
    [1024 ** 3, '1.0 GB'],
    [1024 ** 4, '1.0 TB'],
    [5000 * 1024 ** 4, '5000 TB'],
  ];
  for (const [bytes, shown] of table) assert.equal(formatBytes(bytes), shown, String(bytes));
});

test('durations that people and Flink write', () => {
  const table: [string, number | undefined][] = [
    ['30s', 30 * s],
    ['5 min', 5 * min],
    [' 1h ', h],
    ['1.5 h', 1.5 * h],
    ['2D', 2 * d],
    ['10 sec', 10 * s],
    ['3m', 3 * min],
    ['250ms', 250],
    ['250', 250],
    ['0', 0],
    ['', undefined],
    ['s', undefined],
    ['-1s', undefined],
    ['1 fortnight', undefined],
    ['1s 2s', undefined],
    ['1e3', undefined],
    ['١s', undefined],
  ];
  for (const [typed, ms] of table) assert.equal(parseDuration(typed), ms, JSON.stringify(typed));
});

test('sleeping ends at once when aborted, with the reason, and leaves no listener', async () => {
  const reason = new Error('enough');
  await assert.rejects(sleep(60_000, AbortSignal.abort(reason)), reason);
  const controller = new AbortController();
  const waiting = sleep(60_000, controller.signal);
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  const calm = new AbortController();
  const short = sleep(5, calm.signal);
  assert.equal(getEventListeners(calm.signal, 'abort').length, 1);
  await short;
  assert.equal(getEventListeners(calm.signal, 'abort').length, 0);
});
