import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from '../../src/core/time.ts';
import { moveClock } from '../../src/db/clock.ts';
import { listIncidents } from '../../src/incidents/incidents.store.ts';
import { openIncidents } from '../../src/incidents/open-many.ts';
import type { PostResult } from '../../src/outbox/sender.ts';
import { chanceOf } from '../faults/seeded.ts';
import { figureSettings } from '../faults/settings.ts';
import { sharedDb } from '../helpers/shared-db.ts';
import { fakeSender, type Sent } from './fake-sender.ts';
import { start } from './rig.ts';

const { incidents: many, seed } = figureSettings();
/** Of a hundred calls so many go wrong. */
const faulty = 5;

test('many incidents over many channels, while calls fail and answers get lost: each has a message, none twice but where an answer was lost', {
  timeout: 3_600_000,
}, async (t) => {
  const database = await sharedDb(t);
  const channels = Math.min(50, Math.ceil(many / 10));
  await database.transaction((tx) =>
    openIncidents(
      tx,
      Array.from({ length: many }, (_, n) => ({
        key: `job:j${n}:ended`,
        job: `j${n}`,
        cluster: `c${n}`,
        cause: 'ended' as const,
        title: `j${n} ended`,
        facts: {},
        runId: undefined,
        channel: `C${n % channels}`,
        fallbackChannels: [],
      })),
    ),
  );
  const chance = chanceOf(seed);
  let ambiguous = 0;
  let faults = 0;
  const sender = fakeSender();
  const answer = (sent: Sent): PostResult | undefined => {
    if (chance.whole(1, 100) > faulty) return undefined;
    faults++;
    const kind = chance.whole(1, 3);
    if (kind === 1) return { is: 'later', afterMs: chance.whole(1, 30) * 1000, reason: 'ratelimited' };
    ambiguous++;
    // Half of those without an answer were posted all the same.
    if (kind === 2 && sent.what === 'post')
      sender.visible.set(`lost-${faults}`, { channel: sent.channel, outboxId: sent.outboxId, title: sent.title, threadTs: sent.threadTs });
    return { is: 'unknown', reason: 'the connection broke' };
  };
  sender.on.post = answer;
  sender.on.update = answer;
  // Looking back may be unclear for a while, and one time in ten the channel does not show yet what was posted.
  let unclear = 0;
  let overlooked = 0;
  sender.on.find = ({ outboxId }) => {
    const way = chance.whole(1, 10);
    if (way <= 3) {
      unclear++;
      return 'unclear';
    }
    const there = [...sender.visible].find(([, one]) => one.outboxId === outboxId);
    if (!there || way > 4) return there && { channel: there[1].channel, ts: there[0] };
    overlooked++;
    return undefined;
  };
  const loop = start(t, database, sender);
  const unseen = () => {
    const seen = new Set([...sender.visible.values()].map((one) => one.title));
    return Array.from({ length: many }, (_, n) => `j${n} ended`).filter((title) => !seen.has(title));
  };
  const until = performance.now() + 1_800_000;
  while (unseen().length > 0) {
    assert.ok(performance.now() < until, `${unseen().length} are not told: ${unseen().slice(0, 5).join(', ')}`);
    await moveClock(database.db, 5000);
    loop.wake();
    await sleep(100);
  }
  await loop.stop();
  const duplicates = sender.visible.size - many;
  assert.equal((await listIncidents(database.db, undefined, many + 1)).length, many);
  assert.ok(faults > 0, 'calls went wrong');
  assert.ok(duplicates <= overlooked, `${duplicates} messages too many, of ${ambiguous} lost answers ${overlooked} were overlooked`);
  t.diagnostic(
    `${many} incidents over ${channels} channels, seed ${seed}: ${faults} faults, ${ambiguous} answers lost, ${unclear} looks back unclear, ${overlooked} overlooked what was there, ${duplicates} messages twice, 0 incidents without a message`,
  );
});
