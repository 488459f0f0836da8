import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it, type TestContext } from 'node:test';
import type { Log } from '../../src/core/log.ts';
import { moveClock, now } from '../../src/db/clock.ts';
import { leaseClusters, updateClusterView } from '../../src/deploy/cluster-views.store.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { desire } from '../../src/outbox/outbox.store.ts';
import { notWell, type WatcherFacts } from '../../src/watch/dead-man.rule.ts';
import { startDeadMan } from '../../src/watch/dead-man.ts';
import { figures } from '../../src/watch/figures.store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const minute = 60_000;
const well: WatcherFacts = {
  polls: [
    { cluster: 'standalone', ageMs: 900, failures: 0 },
    { cluster: 'attic', ageMs: undefined, failures: 40 },
  ],
  lastTriedAgeMs: 900,
  lastPostAgeMs: 8 * 60 * minute,
  oldestUnsentAgeMs: undefined,
};
it('all is well while clusters are asked, one of them answers, and no message waits', () => {
  const says = (change: Partial<WatcherFacts>) => notWell({ ...well, ...change }, { graceMs: 10 * minute, jobsEveryMs: 1000 });
  assert.equal(says({}), undefined);
  assert.equal(says({ oldestUnsentAgeMs: 9 * minute }), undefined);
  assert.equal(says({ oldestUnsentAgeMs: 11 * minute }), 'a message has waited for 11 min');
  assert.equal(says({ lastTriedAgeMs: 9 * minute }), undefined, 'a slow cluster is asked less often');
  assert.equal(says({ lastTriedAgeMs: 11 * minute }), 'no cluster was asked for 11 min');
  assert.equal(says({ lastTriedAgeMs: undefined }), 'no cluster was asked yet');
  assert.equal(says({ polls: [{ cluster: 'attic', ageMs: 11 * minute, failures: 90 }] }), 'no cluster has answered for 11 min');
  assert.equal(says({ polls: [], lastTriedAgeMs: undefined }), undefined, 'there is nothing to watch yet');
});

it('clusters that are to be asked once an hour are not asleep for two', () => {
  const says = (ageMs: number) =>
    notWell(
      { ...well, polls: [{ cluster: 'standalone', ageMs, failures: 0 }], lastTriedAgeMs: ageMs },
      { graceMs: minute, jobsEveryMs: 60 * minute },
    );
  assert.equal(says(119 * minute), undefined);
  assert.equal(says(181 * minute), 'no cluster was asked for 3 h 1 min');
});

async function world(t: TestContext) {
  const database = await sharedDb(t);
  await database.transaction((tx) => putCluster(tx, { name: 'standalone', kind: 'standalone', url: 'http://flink.example' }));
  await leaseClusters(database.db, 'me', ['standalone']);
  const polled = () => updateClusterView(database.db, 'standalone', { lastOkAt: now, lastTriedAt: now, failures: 0 });
  await polled();
  const bodies: Record<string, unknown>[] = [];
  let status = 200;
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    bodies.push(JSON.parse(body));
    response.writeHead(status).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const ending = new AbortController();
  t.after(() => {
    ending.abort();
    server.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ping/very-secret-token`;
  const lines: string[] = [];
  const note = (level: string) => (facts: unknown, text?: string) => void lines.push(`${level} ${text} ${JSON.stringify(facts)}`);
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') } as unknown as Log;
  const begin = (where = address, carriedAgeMs = 0) =>
    startDeadMan({
      database,
      log,
      signal: ending.signal,
      carriedAgeMs: () => carriedAgeMs,
      address: () => where,
      everyMs: minute,
      graceMs: 10 * minute,
      jobsEveryMs: 1000,
    });
  return { database, polled, bodies, lines, begin, answers: (with_: number) => (status = with_) };
}
/** A fresh process looks at once. */
async function look(deadMan: ReturnType<typeof startDeadMan>): Promise<void> {
  deadMan.tick();
  await deadMan.stopped();
}

it('is called once per time in a fleet, with the three ages', async (t) => {
  const w = await world(t);
  await Promise.all([1, 2, 3].map(() => look(w.begin())));
  assert.equal(w.bodies.length, 1);
  assert.deepEqual(Object.keys(w.bodies[0]!), ['ok', 'lastPollAgeSeconds', 'lastPostAgeSeconds', 'oldestUnsentSeconds']);
  assert.equal(w.bodies[0]?.['oldestUnsentSeconds'], 0);
  assert.ok((w.bodies[0]?.['lastPollAgeSeconds'] as number) < 30);
  await moveClock(w.database.db, minute);
  await w.polled();
  await look(w.begin());
  assert.equal(w.bodies.length, 2);
});

it('is not called while a message waits too long, however often its words change; then again', async (t) => {
  const w = await world(t);
  const wants = (title: string) =>
    desire(w.database.db, { dedupeKey: 'incident:1', channel: 'C1', message: { tone: 'bad', title, parts: [] } });
  await wants('one');
  await moveClock(w.database.db, 11 * minute);
  await w.polled();
  await wants('two');
  const deadMan = w.begin();
  await look(deadMan);
  assert.equal(w.bodies.length, 0);
  assert.match(w.lines.join('\n'), /warn the dead-man switch is not called .*a message has waited for 11 min/);
  const unsent = (await figures(w.database.db)).find((figure) => figure.name === 'sluice_oldest_unsent_seconds');
  assert.ok(unsent!.values[0]!.value >= 660);
  await w.database.db.execute("update outbox_messages set state = 'sent', sent_ts = '1.1', sent_at = sluice_now()");
  await look(w.begin());
  assert.equal(w.bodies.length, 1);
});

it('a message of last week that waits anew, for a change or in another channel, waits since then', async (t) => {
  const w = await world(t);
  const { db } = w.database;
  const wants = (dedupeKey: string) => desire(db, { dedupeKey, channel: 'C1', message: { tone: 'bad', title: dedupeKey, parts: [] } });
  for (const key of ['edited', 'gone', 'moved']) await wants(key);
  await db.execute("update outbox_messages set state = 'sent', sent_ts = '1.1', sent_version = 1, sent_at = sluice_now()");
  await moveClock(db, 7 * 24 * 60 * minute);
  for (const key of ['edited', 'gone', 'moved']) await wants(key);
  await db.execute("update outbox_messages set sent_ts = null where dedupe_key = 'gone'");
  await db.execute("update outbox_messages set sent_ts = null, moved_from = 'C0' where dedupe_key = 'moved'");
  await w.polled();
  await look(w.begin());
  assert.equal(w.bodies.length, 1, w.lines.join('\n'));
  assert.ok((w.bodies[0]?.['oldestUnsentSeconds'] as number) < 60);
});

it('is not called by a replica that has not carried incidents on for too long', async (t) => {
  const w = await world(t);
  await look(w.begin(undefined, 11 * minute));
  assert.equal(w.bodies.length, 0);
  assert.match(w.lines.join('\n'), /not called .*incidents were not carried on for 11 min: nobody is called again/);
  await look(w.begin(undefined, 9 * minute));
  assert.equal(w.bodies.length, 1);
});

it('a cluster that is not asked any more keeps it silent', async (t) => {
  const w = await world(t);
  await moveClock(w.database.db, 11 * minute);
  await look(w.begin());
  assert.equal(w.bodies.length, 0);
});

it('what goes wrong is logged without the address, and holds nothing up', async (t) => {
  const w = await world(t);
  w.answers(500);
  await look(w.begin());
  await moveClock(w.database.db, minute);
  await w.polled();
  await look(w.begin('http://127.0.0.1:1/ping/very-secret-token'));
  await moveClock(w.database.db, minute);
  await w.polled();
  await look(w.begin('very-secret-token'));
  assert.equal(w.lines.length, 3, w.lines.join('\n'));
  assert.match(w.lines[0]!, /could not be called.*It answered HTTP 500/);
  assert.match(w.lines[1]!, /could not be called.*did not answer/);
  assert.match(w.lines[2]!, /could not be called.*does not begin with http/);
  assert.doesNotMatch(w.lines.join(), /very-secret/);
});
