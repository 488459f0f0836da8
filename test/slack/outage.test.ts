import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { messageToText } from '../../src/core/message.ts';
import { asc, eq, sql } from '../../src/db/query.ts';
import { incidents, outboxMessages } from '../../src/db/schema/index.ts';
import { findOperation } from '../../src/operations/operations.store.ts';
import { type Site, signIn } from '../e2e/site.ts';
import { type AppWorld, eventually, privateChannels, startAppWorld } from './app-world.ts';

const hour = 3_600_000;

/** Types a line, and gives back the operation that it began. */
async function asked(w: AppWorld, line: string, channel = 'etl'): Promise<string> {
  const [, job = ''] = line.split(' ');
  const before = await newestOf(w, job);
  await w.as('emma').types(`/flink ${line}`, { channel });
  return eventually(`"${line}" is accepted`, async () => {
    const id = await newestOf(w, job);
    return id !== before && id;
  });
}
async function newestOf(w: AppWorld, job: string): Promise<string | undefined> {
  const { rows } = await w.database.db.execute<{ id: string }>(
    sql`select id from operations where job = ${job} order by created_at desc limit 1`,
  );
  return rows[0]?.id;
}
/** Starts a job from Slack and waits until it runs and can be resumed; gives back its Flink job id. */
async function started(w: AppWorld, job: string): Promise<string> {
  await ends(w, await asked(w, `start ${job}`));
  // What has no checkpoint yet could not be resumed.
  return eventually(`${job} runs and has a checkpoint`, async () => {
    const { rows } = await w.database.db.execute<{ id: string }>(
      sql`select flink_job_id as id from runs where job = ${job} and not ended and last_checkpoint is not null`,
    );
    return rows[0]?.id;
  });
}
const ends = (w: AppWorld, id: string) =>
  eventually(`${id} ends`, async () => {
    const op = await findOperation(w.database.db, id);
    return op?.state === 'succeeded' || op?.state === 'failed' || op?.state === 'canceled' ? op : undefined;
  });
const firing = (w: AppWorld, job: string, state: 'firing' | 'resolved' = 'firing') =>
  eventually(`an incident of ${job} is ${state}`, async () => {
    const rows = await w.database.db.select().from(incidents).where(eq(incidents.job, job));
    return rows.find((row) => row.state === state && row.messageId);
  });
/** What people do on the page while Slack is of no use. */
async function onThePage(w: AppWorld, site: Site, job: string): Promise<string> {
  const before = await newestOf(w, job);
  let answered = '';
  return eventually(`a start of ${job} from the page`, async () => {
    const answer = await site.submit(`/jobs/${job}`, `start ${job}`);
    answered = `${answer.status} ${answer.location ?? answer.body.replace(/<[^>]+>/g, ' ')}`;
    const id = await newestOf(w, job);
    return id !== before && id;
  }).catch((error: Error) => assert.fail(`${error.message}; the page answered ${answered}`));
}

/** Everything that is wanted stands in Slack: each message once, as it should be, in its place; nothing else does. */
async function truthIsTold(w: AppWorld): Promise<void> {
  const rows = () => w.database.db.select().from(outboxMessages).orderBy(asc(outboxMessages.createdAt));
  await eventually(
    'everything is sent',
    async () => (await rows()).every((row) => row.state === 'sent' && row.sentVersion === row.desiredVersion),
    60_000,
  );
  const wanted = await rows();
  const posts = w.posted().filter((m) => m.user === 'U0SLUICE' && m.metadata);
  const idOf = (m: (typeof posts)[number]) => (m.metadata?.['event_payload'] as { outbox_id?: string } | undefined)?.outbox_id ?? '';
  for (const row of wanted.filter((r) => !r.dedupeKey.startsWith('left:'))) {
    const standing = posts.filter((m) => idOf(m) === row.id && m.ts === row.sentTs);
    assert.equal(standing.length, 1, `${row.dedupeKey} stands once`);
    assert.equal(standing[0]?.channel, row.sentChannel);
    assert.ok(
      standing[0]?.texts.at(-1)?.includes(row.desired.title),
      `${row.dedupeKey} says ${messageToText(row.desired)}\nin Slack: ${standing[0]?.texts.at(-1)}`,
    );
  }
  const left = new Set(wanted.filter((r) => r.dedupeKey.startsWith('left:')).map((r) => `${r.sentChannel} ${r.sentTs}`));
  const known = new Set(wanted.map((r) => r.id));
  const others = posts.filter((m) => !left.has(`${m.channel} ${m.ts}`));
  assert.equal(new Set(others.map(idOf)).size, others.length, 'no message is there twice');
  assert.ok(others.every((m) => known.has(idOf(m))));
}
async function rowOf(w: AppWorld, key: string) {
  const [row] = await w.database.db.select().from(outboxMessages).where(eq(outboxMessages.dedupeKey, key));
  assert.ok(row, key);
  return row;
}
/** The one message of an incident or an operation. */
async function messageOf(w: AppWorld, key: string): Promise<{ channel: string; text: string }> {
  const row = await rowOf(w, key);
  const found = w.posted().filter((m) => m.ts === row.sentTs && m.channel === row.sentChannel);
  assert.equal(found.length, 1, key);
  return { channel: found[0]?.channel ?? '', text: found[0]?.texts.at(-1) ?? '' };
}

for (const transport of ['http', 'socket'] as const) {
  test(`an outage of one hour over ${transport} ends with the truth posted once, and nothing lost`, {
    timeout: 180_000,
  }, async (t: TestContext) => {
    const w = await startAppWorld(t, { transport });
    const [orders, payments] = [await started(w, 'orders'), await started(w, 'payments')];
    const site = await signIn(w.as('emma'));

    // The last thing that Slack does is to take a post whose answer is lost.
    w.practice.faults({ dropAfterAcceptNext: 1 });
    w.flink.failJob(orders, 'the first to break');
    const first = await firing(w, 'orders');
    await eventually('Slack has taken the post', () => w.posted().some((m) => m.channel === 'C0ALERTS'));
    w.practice.faults({ outage: true });

    w.flink.failJob(payments, 'broken while nobody could be told');
    const second = await firing(w, 'payments');
    const clicks = await onThePage(w, site, 'clicks');
    await ends(w, clicks);
    const again = await onThePage(w, site, 'payments');
    await ends(w, again);
    await firing(w, 'payments', 'resolved');
    await eventually('it was tried in vain', async () => {
      const rows = await w.database.db.select().from(outboxMessages).where(eq(outboxMessages.state, 'pending'));
      return rows.length >= 3 && rows.some((row) => row.attempts > 0);
    });
    await w.pass(hour / 2);
    // Tried in vain in the middle of it too: what is looked for afterwards must not begin there.
    const { attempts } = await rowOf(w, `incident:${first.id}`);
    await eventually('it is tried once more', async () => (await rowOf(w, `incident:${first.id}`)).attempts > attempts);
    await w.pass(hour / 2);
    w.practice.faults({ outage: false });

    await truthIsTold(w);
    assert.match((await messageOf(w, `incident:${first.id}`)).text, /orders failed/);
    const resolved = await messageOf(w, `incident:${second.id}`);
    assert.match(resolved.text, /Resolved: .*payments/);
    assert.equal(resolved.channel, 'C0ALERTS');
    for (const id of [clicks, again]) {
      const told = await messageOf(w, `operation:${id}`);
      assert.match(told.text, /runs|running|is up/i);
      assert.equal(told.channel, 'C0ETL');
    }
    await eventually('Slack reaches Sluice', () => {
      const { connected, wanted } = w.app.slack?.state().sockets ?? {};
      return connected === wanted;
    });
    assert.match((await w.as('emma').says('/flink status clicks', { channel: 'etl' })).text, /clicks/);
  });
}

test('a kicked bot: what was told goes on in the fallback channel, what has none waits for the invitation; once each, and the old place says so', {
  timeout: 180_000,
}, async (t: TestContext) => {
  const w = await startAppWorld(t, { alertChannel: privateChannels.alerts, channel: privateChannels.alerts });
  const [orders, payments] = [await started(w, 'orders'), await started(w, 'payments')];
  const emma = w.as('emma');
  // An operation that was begun in a private channel, whose own channel is another private one.
  w.flink.set({ submitDelayMs: 3000 });
  const clicks = await asked(w, 'start clicks', 'ops');
  await eventually('its message stands where it was typed', () =>
    w.posted().some((m) => m.channel === privateChannels.ops && m.texts.join().includes('clicks')),
  );
  w.flink.failJob(orders, 'broken before');
  const before = await firing(w, 'orders');
  await eventually('the incident is told', () =>
    w.posted().some((m) => m.channel === privateChannels.alerts && m.texts.join().includes('orders failed')),
  );

  await w.control('channels', { channel: 'ops', kickBot: true });
  await ends(w, clicks);
  await eventually(
    'the operation is told elsewhere',
    async () => (await rowOf(w, `operation:${clicks}`)).sentChannel === privateChannels.alerts,
  );
  await w.control('channels', { channel: 'secret-alerts', kickBot: true });
  w.flink.failJob(payments, 'broken while nobody could be told');
  const during = await firing(w, 'payments');
  const again = await onThePage(w, await signIn(emma), 'payments');
  await ends(w, again);
  await firing(w, 'payments', 'resolved');
  await eventually(
    "the incident is told in the installation's channel",
    async () => (await rowOf(w, `incident:${during.id}`)).sentChannel === 'C0ALERTS',
  );
  await eventually('the operation is refused', async () => (await rowOf(w, `operation:${again}`)).state === 'failed');
  await w.pass(2 * hour);

  await emma.says('/invite @sluice', { channel: 'secret-alerts' });
  await emma.says('/invite @sluice', { channel: 'ops' });
  await truthIsTold(w);
  assert.match((await messageOf(w, `incident:${during.id}`)).text, /Resolved: .*payments/);
  assert.match((await messageOf(w, `incident:${before.id}`)).text, /orders failed/);
  assert.match((await messageOf(w, `operation:${clicks}`)).text, /clicks/);
  const old = w.posted().filter((m) => m.channel === privateChannels.ops && m.user === 'U0SLUICE');
  assert.deepEqual(
    old.map((m) => /told elsewhere now/.test(m.texts.at(-1) ?? '')),
    [true],
  );
  const told = w.posted().filter((m) => m.channel === 'D0EMMA');
  assert.ok(
    told.some((m) => /I cannot post where you typed/.test(m.texts.at(-1) ?? '')),
    'who asked is told where it went',
  );
});

test('a revoked token: it is said at once on the page, messages wait, and all of them are told once when it is taken again', {
  timeout: 180_000,
}, async (t: TestContext) => {
  const w = await startAppWorld(t);
  const [orders, payments] = [await started(w, 'orders'), await started(w, 'payments')];
  const site = await signIn(w.as('emma'));
  w.flink.failJob(orders, 'broken before');
  const before = await firing(w, 'orders');
  await eventually('the incident is told', () => w.posted().some((m) => m.channel === 'C0ALERTS'));

  w.practice.faults({ tokenRevoked: true });
  await eventually('the page says so', async () =>
    (await site.get('/')).body.includes('The bot token was revoked in Slack. Reinstall the app'),
  );
  const health = (await (await fetch(`${w.app.url}/healthz`)).json()) as { ok: boolean; slack: { problem: string } };
  assert.equal(health.ok, false);
  assert.match(health.slack.problem, /SLACK_BOT_TOKEN.*none is lost/);
  const posted = w.posted().length;
  const restart = await onThePage(w, site, 'orders');
  await ends(w, restart);
  await firing(w, 'orders', 'resolved');
  w.flink.failJob(payments, 'broken while nobody could be told');
  const during = await firing(w, 'payments');
  assert.equal((await rowOf(w, `incident:${during.id}`)).state, 'pending');
  assert.equal(w.posted().length, posted);
  await w.pass(hour);
  w.practice.faults({ tokenRevoked: false });

  await truthIsTold(w);
  assert.match((await messageOf(w, `incident:${before.id}`)).text, /Resolved: .*orders/);
  assert.match((await messageOf(w, `incident:${during.id}`)).text, /payments failed/);
  assert.equal((await messageOf(w, `operation:${restart}`)).channel, 'C0ETL');
  await eventually('the page is quiet again', async () => !(await site.get('/')).body.includes('bot token'));
});
