import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { Log } from '../../src/core/log.ts';
import { dbNow, moveClock } from '../../src/db/clock.ts';
import { desire } from '../../src/outbox/outbox.store.ts';
import { createDaily, type DailyTimes } from '../../src/watch/daily.ts';
import { firstTick } from '../../src/watch/schedules.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const minute = 60_000;
const hour = 60 * minute;

/** A fleet that posts to three teams, at this very minute of the day; in a zone in which it is about noon, so that no day ends meanwhile. */
async function world(t: TestContext, minutesAgo = 0) {
  const database = await sharedDb(t);
  const at = new Date((await dbNow(database.db)).getTime() - minutesAgo * minute);
  const east = 12 - at.getUTCHours();
  const timeZone = east === 0 ? 'Etc/GMT' : `Etc/GMT${east > 0 ? '-' : '+'}${Math.abs(east)}`;
  // A minute may end meanwhile.
  if (minutesAgo === 0) await firstTick(database.db, 'handover', new Date(at.getTime() - minute));
  const posted: (DailyTimes & { of: string })[] = [];
  const lines: string[] = [];
  const log = { warn: (facts: { of?: string }) => void lines.push(String(facts.of)) } as unknown as Log;
  const broken = new Set<string>();
  const process = (ending = new AbortController()) =>
    createDaily({ database, log, name: 'handover', at: `${at.getUTCMinutes()} 12 * * *`, timeZone, signal: ending.signal }, async () =>
      ['ads', 'core', 'data'].map((of) => ({
        of,
        async post(tx, times) {
          await desire(tx, { dedupeKey: `handover:${of}:${times.day}`, channel: 'C1', message: { tone: 'good', title: of, parts: [] } });
          if (broken.has(of)) throw new Error('a fault');
          posted.push({ of, ...times });
          if (broken.has(`ends after ${of}`)) ending.abort();
        },
      })),
    );
  const versions = async () => (await database.db.query.outboxMessages.findMany()).map((row) => row.desiredVersion);
  return { database, posted, lines, broken, process, versions, names: () => posted.map((one) => one.of).join(' ') };
}

it('each is posted once a day, however many processes ask at once and however often', async (t) => {
  const w = await world(t);
  const fleet = Array.from({ length: 6 }, () => w.process());
  const asked = await Promise.all([...fleet, ...fleet].map((ask) => ask()));
  assert.ok(asked.includes(true));
  assert.deepEqual(w.names().split(' ').sort(), ['ads', 'core', 'data']);
  await moveClock(w.database.db, hour);
  await Promise.all([...fleet, w.process()].map((ask) => ask()));
  assert.deepEqual(await w.versions(), [1, 1, 1]);
});

it('a fault of one leaves nothing behind, holds up no other, and it is tried again', async (t) => {
  const w = await world(t);
  w.broken.add('core');
  const ask = w.process();
  await ask();
  assert.equal(w.names(), 'ads data');
  assert.deepEqual(w.lines, ['core']);
  assert.deepEqual(await w.versions(), [1, 1]);
  w.broken.clear();
  await moveClock(w.database.db, minute);
  await ask();
  assert.equal(w.names(), 'ads data core');
  assert.equal(await ask(), false);
});

it('what a restart or a time without Sluice left out is posted by whoever starts, with when it was posted before', async (t) => {
  const w = await world(t);
  await w.process()();
  const first = w.posted[0]!;
  assert.equal(first.before, undefined);
  // Down when it was time, and ending in the middle of it afterwards.
  await moveClock(w.database.db, 24 * hour + 10 * minute);
  w.broken.add('ends after ads');
  await w.process()();
  assert.equal(w.names(), 'ads core data ads');
  w.broken.clear();
  await w.process()();
  assert.equal(w.names(), 'ads core data ads core data');
  const later = w.posted.slice(3);
  assert.equal(new Set(later.map((one) => one.day)).size, 1);
  assert.notEqual(later[0]!.day, first.day);
  for (const one of later) assert.ok(Math.abs(first.now.getTime() - one.before!.getTime()) <= minute, 'since yesterday, when it was due');
  // One whole day is missed: the next hand-over tells of it as well.
  await moveClock(w.database.db, 48 * hour);
  await w.process()();
  const last = w.posted.at(-1)!;
  assert.ok(last.now.getTime() - last.before!.getTime() > 47 * hour);
});

it('nothing is posted for a time before the installation was there, nor before the time has come', async (t) => {
  const w = await world(t, 5);
  const ask = w.process();
  assert.equal(await ask(), false);
  assert.equal(await w.process()(), false);
  await moveClock(w.database.db, 23 * hour);
  assert.equal(await ask(), false);
  await moveClock(w.database.db, hour);
  assert.equal(await ask(), true);
  assert.equal(w.names(), 'ads core data');
});
