import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sleep } from '../../src/core/time.ts';
import { sql } from '../../src/db/query.ts';
import { findIncident, listEvents, listIncidents, openIncidents } from '../../src/incidents/incidents.store.ts';
import { beganSilence, endedSilence } from '../../src/incidents/lifecycle.ts';
import { acknowledgeIncidents, openIncident, resolveIncidents, unacknowledgeIncidents } from '../../src/incidents/open.ts';
import { incidentLinks } from '../../src/incidents/runbook.ts';
import { addSilence, endSilences, listSilences } from '../../src/incidents/silences.store.ts';
import { incidentRig } from './rig.ts';

const minute = 60_000;
const lee = { teamId: 'T1', userId: 'U2', name: 'lee' };
const broker = { exception: 'java.io.IOException: broker kafka-3:9092 is gone after 5012 ms' };

it('jobs with one root exception are one message: the first at once, the others in it', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks', 'views']);
  assert.equal(await r.breaks('orders', { facts: broker }), true);
  assert.deepEqual(await r.said(), ['orders failed']);
  await r.breaks('clicks', { facts: { exception: 'java.io.IOException: broker kafka-1:9092 is gone after 77 ms' } });
  await r.breaks('views', { facts: { exception: 'java.lang.NullPointerException: customer' } });
  assert.deepEqual(await r.said(), ['2 jobs failed: java.io.IOException: broker kafka-3:9092 is gone after 5012 ms', 'views failed']);
  const text = await r.text(/2 jobs/);
  assert.match(text, /orders/);
  assert.match(text, /clicks/);
  assert.match(text, /Resume all 2/);
  await r.mends('orders');
  assert.match(await r.text(/2 jobs/), /1 of 2[\s\S]*✗ clicks[\s\S]*✓ orders, orders runs again\./);
  await r.mends('clicks');
  assert.match(await r.text(/2 jobs/), /^Resolved: 2 jobs failed/);
});

it('each job of a message of many keeps its own links beside it', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  const links = (job: string) =>
    incidentLinks(
      'http://sluice.example',
      { cause: 'failed', job, cluster: 'standalone' },
      [{ label: 'Page', url: `http://sluice.example/jobs/${job}` }],
      [{ label: `${job} dashboard`, url: `http://grafana.example/${job}` }],
    );
  for (const job of ['orders', 'clicks']) await r.breaks(job, { facts: { ...broker, links: links(job) } });
  const text = await r.text(/^2 jobs failed/);
  assert.match(text, /✗ orders, last checkpoint: none · orders dashboard$/m);
  assert.match(text, /✗ clicks, last checkpoint: none · clicks dashboard$/m);
  assert.match(text, /^Page · Runbook$/m);
  await r.mends('clicks');
  assert.match(await r.text(/^2 jobs failed/), /✓ clicks, clicks runs again\.$/m);
});

it('a problem of its own that begins later, or elsewhere, has its own message', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks', 'views']);
  await r.breaks('orders', { facts: broker });
  await r.breaks('clicks', { facts: broker, channel: 'C0OTHER' } as never);
  await r.later(2 * minute);
  await r.breaks('views', { facts: broker });
  assert.equal((await r.said()).filter((line) => line === 'views failed').length, 1);
});

it('without a known exception nothing is taken for the same problem; jobs that a cluster lost are', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders');
  await r.breaks('clicks');
  assert.deepEqual(await r.said(), ['orders failed', 'clicks failed']);
  await r.breaks('orders', { cause: 'lost' });
  await r.breaks('clicks', { cause: 'lost' });
  assert.ok((await r.said()).includes('2 jobs are gone on standalone'));
});

it('many at once: every one is recorded, the message names the first and counts all', async (t) => {
  const jobs = Array.from({ length: 40 }, (_, n) => `job-${n + 1}`);
  const r = await incidentRig(t, jobs);
  for (const job of jobs) await r.breaks(job, { facts: broker });
  await r.later(1000);
  assert.equal((await openIncidents(r.database.db)).length, 40);
  const said = await r.said();
  assert.equal(said.length, 1);
  assert.match(said[0] ?? '', /^40 jobs failed/);
  assert.match(await r.text(/40 jobs/), /and 28 more jobs[\s\S]*Resume all 40/);
});

it('many that are over, come back or are silenced at once are a line in the thread each time, not one for each', async (t) => {
  const jobs = Array.from({ length: 40 }, (_, n) => `job-${n + 1}`);
  const r = await incidentRig(t, jobs);
  for (const job of jobs) await r.breaks(job, { facts: broker });
  await r.later(1000);
  for (const job of jobs.slice(0, 39)) await r.mends(job);
  await r.later(1000);
  assert.deepEqual((await r.said()).slice(1), [], 'one is not over');
  assert.match(await r.text(/^40 jobs failed/), /Not over: 1 of 40/);
  await r.mends('job-40');
  await r.later(1000);
  assert.deepEqual((await r.said()).slice(1), ['> All 40 are over.']);
  assert.match((await r.said())[0] ?? '', /^Resolved: 40 jobs failed/);
  assert.equal((await listEvents(r.database.db, (await listIncidents(r.database.db, 'job-7'))[0]!.id)).at(-1)?.text, 'job-7 runs again.');

  // Ten minutes later the broker is gone once more.
  await r.later(10 * minute);
  for (const job of jobs) await r.breaks(job, { facts: broker });
  await r.later(1000);
  const calls = (await r.threads()).filter((text) => text.includes('S0ONCALL'));
  assert.equal(calls.length, 1, 'one call for all of them');
  assert.match(calls[0] ?? '', /^Again: job-1 failed. The message counts those that follow./);
  assert.equal((await openIncidents(r.database.db)).length, 40);
  assert.match((await r.said())[0] ?? '', /^40 jobs failed/);

  const before = (await r.said()).length;
  await r.transaction((tx) =>
    addSilence(tx, { scope: 'cluster', name: 'standalone', reason: 'new nodes', by: lee, forMs: 60 * minute, teams: null }),
  );
  const [silence] = await listSilences(r.database.db);
  await r.transaction((tx) => beganSilence(tx, silence!, () => true));
  await r.transaction((tx) => endSilences(tx, [silence!.id]));
  await r.transaction((tx) => endedSilence(tx, silence!, 'The silence is over.'));
  assert.deepEqual((await r.said()).slice(before), ['> Silenced by lee: new nodes', '> The silence is over.']);
  // Of one among them it is said of which.
  await r.transaction((tx) => beganSilence(tx, silence!, (row) => row.job === 'job-7'));
  await r.transaction((tx) => beganSilence(tx, silence!, (row) => row.job === 'job-8' || row.job === 'job-9'));
  assert.deepEqual((await r.said()).slice(before + 2), [
    '> job-7: Silenced by lee: new nodes',
    '> 2 of 40 jobs: Silenced by lee: new nodes',
  ]);
});

it('one of many that comes back calls, although the others are looked after', async (t) => {
  const jobs = Array.from({ length: 20 }, (_, n) => `job-${n + 1}`);
  const r = await incidentRig(t, jobs);
  for (const job of jobs) await r.breaks(job, { facts: broker });
  await r.transaction(async (tx) =>
    acknowledgeIncidents(
      tx,
      (await openIncidents(tx)).map((one) => one.id),
      lee,
    ),
  );
  await r.mends('job-2');
  await r.later(3 * minute);
  await r.breaks('job-2', { facts: broker });
  const calls = (await r.threads()).filter((text) => text.includes('S0ONCALL'));
  assert.deepEqual(calls.length, 1);
  assert.match(calls[0] ?? '', /^Again: job-2 failed/);
});

it('a restart that nobody is told of is no line in a thread, of one job or of many', async (t) => {
  const jobs = Array.from({ length: 20 }, (_, n) => `job-${n + 1}`);
  const r = await incidentRig(t, [...jobs, 'orders']);
  for (const job of jobs) await r.breaks(job, { cause: 'restarting', facts: broker });
  await r.breaks('orders', { cause: 'restarting', facts: { exception: 'another one' } });
  for (const job of [...jobs, 'orders']) await r.mends(job, 'restarting');
  await r.later(1000);
  const before = await r.said();
  assert.ok(before.includes('> All 20 are over.'), before.join('\n'));
  for (let n = 0; n < 5; n++)
    for (const job of ['job-3', 'orders']) {
      await r.breaks(job, { cause: 'restarting', settleMs: 30_000, facts: job === 'orders' ? { exception: 'another one' } : broker });
      await r.later(2000);
      await r.mends(job, 'restarting');
      await r.later(1000);
    }
  assert.deepEqual(await r.said(), before);
});

it('what comes back soon goes on in its message, calls people twice, and then only changes the message', async (t) => {
  const r = await incidentRig(t);
  for (let n = 0; n < 12; n++) {
    await r.breaks('orders', { facts: broker });
    await r.later(2 * minute);
    await r.mends('orders');
    await r.later(2 * minute);
  }
  const said = await r.said();
  assert.ok(said.length <= 4, said.join('\n'));
  assert.equal((await listIncidents(r.database.db)).length, 1);
  assert.match(said[0] ?? '', /^Resolved: orders failed/);
  assert.deepEqual(said.slice(1), [
    '> orders runs again.',
    '> Again: orders failed',
    '> Again: orders failed. From now on only the message is brought up to date when it comes back.',
  ]);
  assert.match(await r.text(/orders failed/), /Came back 11 times/);
  // A quarter of an hour of peace: what comes then is something new.
  await r.later(20 * minute);
  await r.breaks('orders', { facts: broker });
  assert.equal((await r.said()).filter((line) => line === 'orders failed').length, 1);
});

it('who looked after it before is not taken to look after it when it comes back', async (t) => {
  const r = await incidentRig(t);
  await r.breaks('orders');
  const [open] = await openIncidents(r.database.db);
  await r.transaction((tx) => acknowledgeIncidents(tx, [open!.id], lee));
  await r.mends('orders');
  await r.breaks('orders');
  assert.equal((await findIncident(r.database.db, open!.id))?.ackedBy, null);
  assert.match(await r.text(/^orders failed/), /Acknowledge\]/);
});

it('what may mend itself is told only when it lasts', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  assert.equal(await r.breaks('orders', { cause: 'restarting', settleMs: 30_000 }), false);
  assert.equal(await r.breaks('clicks', { cause: 'restarting', settleMs: 30_000 }), false);
  await r.later(20_000);
  assert.deepEqual(await r.said(), []);
  await r.mends('orders', 'restarting');
  await r.later(20_000);
  assert.deepEqual(await r.said(), ['clicks is restarting']);
  const [, orders] = await listIncidents(r.database.db);
  assert.deepEqual([orders?.job, orders?.state, orders?.messageId], ['orders', 'resolved', null]);
});

it('a silenced job is recorded and tells nobody; what is not over when the silence ends is told then', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.transaction((tx) => addSilence(tx, { scope: 'job', name: 'orders', reason: 'Kafka upgrade', by: lee, forMs: 60 * minute }));
  await r.breaks('orders');
  await r.breaks('clicks');
  assert.deepEqual(await r.said(), ['clicks failed']);
  assert.equal((await openIncidents(r.database.db, 'orders'))[0]?.silenced?.reason, 'Kafka upgrade');
  await r.later(61 * minute);
  assert.ok((await r.said()).includes('orders failed'));
  assert.deepEqual(await listSilences(r.database.db), []);
});

it('a silenced problem that is over before the end of the silence is never told', async (t) => {
  const r = await incidentRig(t);
  await r.transaction((tx) => addSilence(tx, { scope: 'team', name: 'data', reason: 'drill', by: lee, forMs: 60 * minute }));
  await r.breaks('orders');
  await r.mends('orders');
  await r.later(61 * minute);
  assert.deepEqual(await r.said(), []);
});

it('a silence covers what is open already, and says so; ended early, it says that too', async (t) => {
  const r = await incidentRig(t);
  await r.breaks('orders');
  const silence = await r.transaction(async (tx) => {
    const made = await addSilence(tx, { scope: 'cluster', name: 'standalone', reason: 'new nodes', by: lee, forMs: 600 * minute });
    assert.equal(await beganSilence(tx, made, (row) => row.cluster === 'standalone'), 1);
    return made;
  });
  assert.match(await r.text(/orders failed/), /Silenced by @lee until .*: new nodes/);
  await r.later(300 * minute);
  assert.deepEqual(await r.said(), ['orders failed', '> Silenced by lee: new nodes']);
  await r.transaction(async (tx) => {
    for (const one of await endSilences(tx, [silence.id])) await endedSilence(tx, one, 'The silence was ended by lee.');
  });
  assert.doesNotMatch(await r.text(/orders failed/), /Silenced/);
  await r.later(1000);
  // Nobody was called for five hours: now somebody is.
  assert.deepEqual((await r.said()).slice(2), ['> The silence was ended by lee.', '> Nobody looks after it, for 5 h now.']);
});

it('nobody looks after it: called after half an hour, then every four hours, until somebody does', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders');
  await r.breaks('clicks', { cause: 'restarting' });
  await r.later(31 * minute);
  await r.later(31 * minute);
  assert.deepEqual((await r.said()).slice(2), ['> Nobody looks after it, for 31 min now.']);
  assert.match(await r.text(/for 31 min now/), /@S0ONCALL/);
  await r.later(240 * minute);
  assert.equal((await r.said()).filter((line) => /Nobody looks after it/.test(line)).length, 3);
  for (const open of await openIncidents(r.database.db)) await r.transaction((tx) => acknowledgeIncidents(tx, [open.id], lee));
  await r.later(500 * minute);
  assert.equal((await r.said()).filter((line) => /Nobody looks after it/.test(line)).length, 3);
});

it('who takes a message takes all that it tells', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders', { facts: broker });
  await r.breaks('clicks', { facts: broker });
  const taken = await r.transaction(async (tx) =>
    acknowledgeIncidents(
      tx,
      (await openIncidents(tx)).map((one) => one.id),
      lee,
    ),
  );
  assert.equal(taken.length, 2);
  assert.match(await r.text(/2 jobs/), /Acknowledged by @lee/);
  assert.deepEqual(await r.transaction((tx) => acknowledgeIncidents(tx, [taken[0]!.id], lee)), []);
});

it('a channel beside Slack hears of an incident, of who takes it and of its end, in one message of its own', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  const alsoTo = [{ kind: 'events', name: 'pager' }];
  await r.breaks('orders', { facts: { ...broker, alsoTo } });
  await r.breaks('clicks', { facts: { ...broker, alsoTo } });
  const title = '2 jobs failed: java.io.IOException: broker kafka-3:9092 is gone after 5012 ms';
  assert.deepEqual(await r.elsewhere('pager'), [['events', title, 'firing']]);
  for (const open of await openIncidents(r.database.db)) await r.transaction((tx) => acknowledgeIncidents(tx, [open.id], lee));
  assert.deepEqual(await r.elsewhere('pager'), [['events', title, 'acknowledged']]);
  await r.mends('orders');
  await r.mends('clicks');
  assert.deepEqual(await r.elsewhere('pager'), [['events', `Resolved: ${title}`, 'resolved']]);
});

it('what Slack has not taken for five minutes goes to the other channel, once, and its end goes there too', async (t) => {
  const r = await incidentRig(t);
  const mail = [{ kind: 'email', name: 'oncall-mail' }];
  await r.breaks('orders');
  await r.later(4 * minute, mail);
  assert.deepEqual(await r.elsewhere('oncall-mail'), []);
  await r.later(2 * minute, mail);
  await r.later(2 * minute, mail);
  assert.deepEqual(await r.elsewhere('oncall-mail'), [['email', 'orders failed', 'firing']]);
  await r.mends('orders');
  assert.deepEqual(await r.elsewhere('oncall-mail'), [['email', 'Resolved: orders failed', 'resolved']]);
});

it('a group whose first job runs again can still be taken, and is still called for', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders', { facts: broker });
  await r.breaks('clicks', { facts: broker });
  await r.mends('orders');
  assert.match(await r.text(/2 jobs/), /\[Acknowledge\]/);
  await r.later(31 * minute);
  assert.equal((await r.said()).filter((line) => /Nobody looks after it/.test(line)).length, 1);
  const [clicks] = await openIncidents(r.database.db);
  await r.transaction((tx) => acknowledgeIncidents(tx, [clicks!.id], lee));
  assert.doesNotMatch(await r.text(/2 jobs/), /\[Acknowledge\]/);
  await r.later(300 * minute);
  assert.equal((await r.said()).filter((line) => /Nobody looks after it/.test(line)).length, 1);
  // Over, and one of them comes back: nobody looks after that one.
  await r.mends('clicks');
  await r.breaks('clicks', { facts: broker });
  assert.match(await r.text(/2 jobs/), /\[Acknowledge\]/);
});

it('who looks after it may say why and until when; then, or when it is handed back, people are called again', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  for (const job of ['orders', 'clicks']) await r.breaks(job, { facts: broker });
  const [one] = await openIncidents(r.database.db);
  const members = (await openIncidents(r.database.db)).map((row) => row.id);
  const calls = async () => (await r.threads()).filter((text) => text.includes('S0ONCALL')).map((text) => text.split('\n')[0]);
  await r.transaction((tx) => acknowledgeIncidents(tx, members, lee, { reason: 'new broker', forMs: 60 * minute }));
  const text = () => r.text(/^2 jobs failed/);
  assert.match(await text(), /Acknowledged by @lee, until \d{4}.*: new broker/);
  assert.match(await text(), /\[Hand back\]/);
  assert.doesNotMatch(await text(), /\[Acknowledge\]/);
  await r.later(59 * minute);
  assert.deepEqual(await calls(), []);
  await r.later(2 * minute);
  const over = 'The time for which lee looked after it is over.';
  assert.deepEqual(await calls(), [over], 'once for the message, not for each');
  assert.match(await text(), /\[Acknowledge\]/);
  assert.doesNotMatch(await text(), /new broker|\[Hand back\]/);
  await r.later(minute);
  assert.deepEqual(await calls(), [over], 'how long nobody looks after it counts from then');

  assert.equal((await r.transaction((tx) => acknowledgeIncidents(tx, members, lee))).length, 2);
  assert.deepEqual(await r.transaction((tx) => acknowledgeIncidents(tx, members, lee)), [], 'the button twice');
  assert.equal((await r.transaction((tx) => acknowledgeIncidents(tx, members, lee, { reason: 'on it' }))).length, 2);
  assert.deepEqual(await r.transaction((tx) => acknowledgeIncidents(tx, members, { ...lee, userId: 'U3' }, { reason: 'me too' })), []);
  assert.equal((await r.transaction((tx) => acknowledgeIncidents(tx, members, lee, { forMs: 60 * minute }))).length, 2);
  assert.match(await text(), /, until \d{4}.*: on it/, 'what is not said anew stays');
  const given = await r.transaction((tx) => unacknowledgeIncidents(tx, members, 'lee says that nobody looks after it any more.'));
  assert.equal(given.length, 2);
  assert.deepEqual(await r.transaction((tx) => unacknowledgeIncidents(tx, members, 'again')), []);
  assert.deepEqual((await calls()).slice(1), ['lee says that nobody looks after it any more.']);
  assert.equal((await findIncident(r.database.db, one!.id))?.ackReason, null);
});

it('who takes a part of a group leaves the rest to be taken, and it is called for', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders', { facts: broker });
  await r.breaks('clicks', { facts: broker });
  const [orders] = await openIncidents(r.database.db, 'orders');
  await r.transaction((tx) => acknowledgeIncidents(tx, [orders!.id], lee));
  assert.match(await r.text(/2 jobs/), /Acknowledged by @lee: orders[\s\S]*\[Acknowledge\]/);
  await r.later(31 * minute);
  assert.match((await r.said()).at(-1) ?? '', /Nobody looks after it/);
});

it('a silence holds on the other channels too, and what comes back all night triggers them no more', async (t) => {
  const alsoTo = [{ kind: 'events', name: 'pager' }];
  const r = await incidentRig(t);
  const states = async () => (await r.elsewhere('pager')).map(([, , state]) => state);
  await r.breaks('orders', { facts: { alsoTo } });
  await r.mends('orders');
  assert.deepEqual(await states(), ['resolved']);
  await r.transaction((tx) => addSilence(tx, { scope: 'job', name: 'orders', reason: 'drill', by: lee, forMs: 5 * minute }));
  await r.breaks('orders', { facts: { alsoTo } });
  assert.deepEqual(await states(), ['resolved']);
  await r.later(6 * minute);
  assert.deepEqual(await states(), ['firing']);
  for (let n = 0; n < 4; n++) {
    await r.mends('orders');
    await r.breaks('orders', { facts: { alsoTo } });
  }
  await r.mends('orders');
  const [incident] = await listIncidents(r.database.db);
  assert.ok((incident?.comebacks ?? 0) > 2);
});

it('two members of a group that end at the same moment both count', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders', { facts: broker });
  await r.breaks('clicks', { facts: broker });
  const wrote = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const first = r.transaction(async (tx) => {
    await resolveIncidents(tx, ['job:orders:failed'], 'orders runs again.');
    wrote.resolve();
    await goOn.promise;
  });
  await wrote.promise;
  const second = r.mends('clicks');
  const waiting = "select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  while ((await r.database.db.execute<{ n: number }>(waiting as never)).rows[0]?.n === 0) await sleep(10);
  goOn.resolve();
  await Promise.all([first, second]);
  assert.match(await r.text(/2 jobs/), /^Resolved: 2 jobs failed/);
});

it('of two silences the longer one counts, whichever was made first and whichever ends first', async (t) => {
  const r = await incidentRig(t);
  await r.breaks('orders');
  const silenceFor = (scope: 'job' | 'cluster', name: string, forMs: number) =>
    r.transaction(async (tx) => {
      const made = await addSilence(tx, { scope, name, reason: scope, by: lee, forMs });
      await beganSilence(tx, made, () => true);
    });
  await silenceFor('cluster', 'standalone', 480 * minute);
  await silenceFor('job', 'orders', 30 * minute);
  await r.later(31 * minute);
  assert.match(await r.text(/orders failed/), /Silenced by @lee until .*: cluster/);
  assert.equal((await r.said()).filter((line) => /Nobody looks after it|silence is over/.test(line)).length, 0);
});

it('a silence that ends while its problem does leaves it over', async (t) => {
  const r = await incidentRig(t);
  await r.transaction((tx) => addSilence(tx, { scope: 'job', name: 'orders', reason: 'drill', by: lee, forMs: 5 * minute }));
  await r.breaks('orders');
  await Promise.all([r.mends('orders'), r.later(6 * minute)]);
  assert.equal((await listIncidents(r.database.db))[0]?.state, 'resolved');
});

it('restarts that nobody was told of do not count as coming back', async (t) => {
  const r = await incidentRig(t);
  const restarts = () => r.breaks('orders', { cause: 'restarting', settleMs: 30_000 });
  await restarts();
  await r.later(31_000);
  await r.mends('orders', 'restarting');
  for (let n = 0; n < 3; n++) {
    await restarts();
    await r.later(5000);
    await r.mends('orders', 'restarting');
  }
  await restarts();
  await r.later(31_000);
  assert.match((await r.said()).at(-1) ?? '', /^> Again: orders is restarting$/);
  assert.match(await r.text(/orders is restarting/), /Came back 1 time/);
});

it('jobs that Flink itself restarts are not offered to be resumed', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders', { cause: 'restarting', facts: broker });
  await r.breaks('clicks', { cause: 'restarting', facts: broker });
  assert.doesNotMatch(await r.text(/2 jobs are restarting/), /Resume/);
});

it('what nobody acknowledges goes to others as well, once it is critical and has lasted for long', async (t) => {
  const r = await incidentRig(t);
  const facts = { escalateTo: 'S0LEADS' };
  await r.breaks('orders', { facts });
  await r.breaks('orders', { cause: 'not-recoverable', facts });
  const escalated = async () => (await r.threads()).filter((line) => /S0LEADS/.test(line));
  await r.later(31 * minute);
  assert.deepEqual(await escalated(), []);
  await r.later(30 * minute);
  assert.equal((await escalated()).length, 1);
  assert.match((await escalated())[0] ?? '', /Nobody looks after it, for 61 min/);
  assert.match((await escalated())[0] ?? '', /S0ONCALL/);
  await r.later(31 * minute);
  assert.equal((await escalated()).length, 1, 'once');
  await r.later(240 * minute);
  assert.equal((await escalated()).length, 2, 'with those who are called every few hours');
  // Told anew, it counts anew.
  await r.mends('orders');
  await r.later(60 * minute);
  await r.breaks('orders', { facts });
  await r.later(31 * minute);
  assert.equal((await escalated()).length, 0, 'what nobody could read before it was over calls nobody');
  await r.later(30 * minute);
  assert.equal((await escalated()).length, 1);
});

it('calls that Slack did not take before the end call nobody when it does; what was read stays as it was', async (t) => {
  const r = await incidentRig(t);
  await r.breaks('orders');
  await r.later(31 * minute);
  await r.database.db.execute(
    sql`update outbox_messages set state = 'sent', sent_ts = '1.1', sent_channel = channel where thread_of is not null`,
  );
  await r.later(241 * minute);
  const calls = async () => (await r.threads()).filter((text) => text.includes('S0ONCALL'));
  assert.equal((await calls()).length, 2);
  await r.mends('orders');
  assert.equal((await calls()).length, 1);
  const lines = (await r.said()).filter((line) => line.startsWith('> Nobody looks after it'));
  assert.equal(lines.length, 2, 'the story stays');
});

it('a cluster that does not answer is told at once; people and pagers are called once it has lasted two minutes', async (t) => {
  const r = await incidentRig(t);
  const breaks = () =>
    r.transaction((tx) =>
      openIncident(tx, {
        key: 'cluster:standalone:unreachable',
        job: undefined,
        cluster: 'standalone',
        cause: 'unreachable',
        title: 'standalone does not answer',
        facts: { onCall: 'S0ONCALL', alsoTo: [{ kind: 'events', name: 'pager' }] },
        runId: undefined,
        channel: 'C0ALERT',
        fallbackChannels: [],
      }),
    );
  await breaks();
  await r.later(60_000);
  assert.deepEqual(await r.elsewhere('pager'), []);
  assert.doesNotMatch(await r.text(/does not answer/), /S0ONCALL/);
  await r.later(61_000);
  assert.deepEqual((await r.elsewhere('pager'))[0]?.[2], 'firing');
  assert.match(await r.text(/does not answer/), /S0ONCALL/);
  assert.match((await r.threads())[0] ?? '', /Nobody looks after it, for 2 min[\s\S]*S0ONCALL/);
});

it('a pager that was called hears of the end, also when the incident was handed back meanwhile', async (t) => {
  const r = await incidentRig(t);
  await r.transaction((tx) =>
    openIncident(tx, {
      key: 'cluster:standalone:unreachable',
      job: undefined,
      cluster: 'standalone',
      cause: 'unreachable',
      title: 'standalone does not answer',
      facts: { onCall: 'S0ONCALL', alsoTo: [{ kind: 'events', name: 'pager' }] },
      runId: undefined,
      channel: 'C0ALERT',
      fallbackChannels: [],
    }),
  );
  await r.later(121_000);
  const [one] = await openIncidents(r.database.db);
  await r.transaction((tx) => acknowledgeIncidents(tx, [one!.id], lee));
  await r.transaction((tx) => unacknowledgeIncidents(tx, [one!.id], 'not me'));
  await r.transaction((tx) => resolveIncidents(tx, ['cluster:standalone:unreachable'], 'standalone answers again.'));
  assert.deepEqual((await r.elsewhere('pager')).at(-1)?.[2], 'resolved');
});

it('who is on call is mentioned for what is critical, not for what can wait until the morning', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders');
  await r.breaks('clicks', { cause: 'growth' });
  assert.match(await r.text(/^orders/), /S0ONCALL/);
  assert.doesNotMatch(await r.text(/^clicks/), /S0ONCALL/);
});

it('a job that kept no state of its own says where it goes back to', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  const facts = { ...broker, noCheckpoint: 'none', beganFrom: 's3://state/savepoint-5ae2f1' };
  await r.breaks('orders', { facts });
  assert.match(await r.text(/^orders failed/), /Last checkpoint: none\nGoes back to: where it began\ns3:\/\/state\/savepoint-5ae2f1/);
  await r.breaks('clicks', { facts });
  assert.match(await r.text(/^2 jobs failed/), /✗ clicks, goes back to where it began/);
});

it('what came and went all night and then stays calls people, and the pager, when it has lasted', async (t) => {
  const alsoTo = [{ kind: 'events', name: 'pager' }];
  const r = await incidentRig(t);
  const breaks = () => r.breaks('orders', { facts: { alsoTo } });
  await breaks();
  for (let n = 0; n < 4; n++) {
    await r.later(2 * minute);
    await r.mends('orders');
    await r.later(2 * minute);
    await breaks();
  }
  const calls = async () => (await r.said()).filter((line) => /Nobody looks after it/.test(line)).length;
  assert.equal(await calls(), 0);
  assert.equal((await r.elsewhere('pager'))[0]?.[2], 'resolved');
  await r.later(31 * minute);
  assert.equal(await calls(), 1);
  assert.equal((await r.elsewhere('pager'))[0]?.[2], 'firing');
  await r.mends('orders');
  assert.equal((await r.elsewhere('pager'))[0]?.[2], 'resolved');
  // And it counts anew when it comes once more.
  await r.later(minute);
  await breaks();
  assert.equal((await r.elsewhere('pager'))[0]?.[2], 'resolved');
  await r.later(31 * minute);
  assert.equal(await calls(), 2);
});
