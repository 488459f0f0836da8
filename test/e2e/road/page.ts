import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redeem, type Site, signIn, signInLink } from '../site.ts';
import { etl, eventually, onlyJobIs } from '../world.ts';
import type { Conversation } from './conversation.ts';

/** The sign-in link, and the admin page: the same facts and the same commands as in Slack. */
export function page(so: Conversation): void {
  let site: Site;

  test('web: a one-time link that a preview does not burn, for a session of one person', async () => {
    const { w } = so;
    const answer = await w.emma.says('/flink web', etl);
    assert.ok(answer.ephemeral);
    const link = signInLink(answer);
    const preview = await fetch(link);
    assert.equal(preview.status, 200);
    await preview.text();
    const first = await redeem(link);
    assert.equal(first.status, 303);
    const shown = await fetch(new URL('/', link), { headers: { cookie: first.cookie as string } });
    const body = await shown.text();
    assert.match(body, /etl-orders/);
    assert.match(body, /emma/);
    const second = await redeem(link);
    assert.deepEqual([second.status, second.cookie], [410, undefined], 'the link works once');
  });

  test('a link from a message survives the sign-in', async () => {
    const { w } = so;
    const path = `/operations/${so.failedOperation}`;
    const closed = await fetch(new URL(path, w.demo.sluiceUrl), { redirect: 'manual' });
    assert.equal(closed.status, 401);
    const body = await closed.text();
    assert.match(body, /Sign in from Slack/);
    assert.doesNotMatch(body, /etl-orders/);
    const remembered = closed.headers.getSetCookie()[0]?.split(';')[0] as string;
    const signedIn = await redeem(signInLink(await w.emma.says('/flink web', etl)), remembered);
    assert.equal(signedIn.location, path);
  });

  test('the page shows versions, runs, builds with their log, restore points and operations', async () => {
    site = await signIn(so.w.emma);
    const table: [string, RegExp[]][] = [
      ['/', [/etl-orders/, /customers/, /running/]],
      ['/jobs/etl-orders', [/running/, /Savepoint/]],
      ['/jobs/etl-orders/versions', [/v3\b/, /commit [0-9a-f]{8}/, /current/, /never ran/, /emma/]],
      ['/jobs/etl-orders/runs', [new RegExp(so.flinkJobId.slice(0, 8)), /RUNNING|running/, /failed|never-started/]],
      ['/jobs/etl-orders/restore-points', [new RegExp(so.savepoint), /mid-run/, /final/]],
      ['/jobs/etl-orders/operations', [new RegExp(so.failedOperation), /break-glass|restore/]],
      ['/jobs/etl-orders/logs', [/JobManager/, /TaskManager/]],
      ['/operations', [/build of customers|customers/]],
      ['/clusters', [/standalone/, new RegExp(so.version.replaceAll('.', '\\.'))]],
    ];
    for (const [path, expected] of table) {
      const { status, body } = await site.get(path);
      assert.equal(status, 200, path);
      for (const words of expected) assert.match(body, words, path);
    }
    const builds = await site.get('/jobs/etl-orders/builds');
    for (const state of ['succeeded', 'failed', 'canceled']) assert.match(builds.body, new RegExp(state));
    const logs = new Set([...builds.body.matchAll(/\/builds\/bld_[0-9a-z]{12}/g)].map(([path]) => path));
    const texts = await Promise.all([...logs].map(async (path) => (await site.get(path)).body));
    assert.ok(
      texts.some((text) => /BUILD SUCCESS/.test(text)),
      'the log of a build',
    );
    assert.ok(texts.some((text) => /Broken\.java/.test(text)));
    assert.equal((await site.get('/jobs/etl-order')).status, 404);
  });

  test('the full error of what failed is found by its id', async () => {
    const failed = await site.get(`/operations/${so.failedOperation}`);
    assert.equal(failed.status, 200);
    assert.match(failed.body, /The order system has no configuration boom/);
    assert.match(failed.body, /preflight|Check what would be started/i);
    assert.equal((await site.get('/operations/op_zzzzzzzzzzzz')).status, 404);
  });

  test('live parts come alone when htmx asks, and not at all when nothing has changed', async () => {
    const alone = { 'hx-request': 'true' };
    // Ages on it ("12 s ago") may change between two looks, so more than one pair is tried.
    await eventually('the part says that nothing has changed', async () => {
      const part = await site.get('/jobs/etl-orders/operations', alone);
      assert.equal(part.status, 200);
      assert.doesNotMatch(part.body, /<html/);
      const again = /hx-get="([^"]*seen=[^"]*)"/.exec(part.body)?.[1];
      return again && (await site.get(again, alone)).status === 204;
    });
  });

  test('the form saves the next version; what cannot be used comes back beside its field', async () => {
    const { w } = so;
    const path = '/jobs/etl-orders/parameters';
    const wrong = await site.submit(path, 'name="parallelism"', { parallelism: 'many', args: '--rate 51' });
    assert.equal(wrong.status, 422);
    assert.match(wrong.body, /whole number from 1/);
    assert.match(wrong.body, /value="many"/);
    assert.match(wrong.body, /--rate 51/, 'what was typed comes back');
    const saved = await site.submit(path, 'name="parallelism"', { parallelism: '1', 'restart-strategy': 'fixed-delay(4, 2s)' });
    assert.equal(saved.status, 200);
    const versions = await w.emma.says('/flink versions etl-orders', etl);
    const newest = Number(/v(\d+)/.exec(versions.text)?.[1]);
    const diff = await site.get(`/jobs/etl-orders/diff?a=3&b=${newest}`);
    assert.match(diff.body, /fixed-delay\(4, 2s\)/);
    assert.match(diff.body, /parallelism/);
    const made = await site.submit(`/jobs/etl-orders/diff?a=${newest}&b=3`, 'value="use etl-orders v3"');
    assert.match(made.body, /v3 is current/);
    assert.match((await w.emma.says('/flink versions etl-orders', etl)).text, /v3\b[^\n]*current/);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('a button of the page is the same command as in Slack: done once, told in the channel, and refused alike', async () => {
    const { w } = so;
    const before = await savepoints(so);
    const answer = await site.submit('/jobs/etl-orders', 'value="savepoint etl-orders"');
    const id = /op_[0-9a-z]{12}/.exec(answer.body)?.[0];
    assert.ok(id, answer.body);
    await w.lena.sees((m) => !m.ephemeral && m.text.includes(id) && /Savepoint of etl-orders taken|No savepoint/.test(m.text), {
      ...etl,
      since: 'start',
      timeoutMs: 60_000,
    });
    await eventually('Flink has one savepoint more', async () => (await savepoints(so)) === before + 1);
    const oncall = await signIn(w.omar);
    const shown = await oncall.get('/jobs/etl-orders/parameters');
    assert.match(shown.body, /To change them you need to be an engineer or a lead/);
    assert.doesNotMatch(shown.body, /name="parallelism"/);
    const refused = await oncall.submit('/jobs/etl-orders', 'value="savepoint etl-orders"', { line: 'build etl-orders' });
    assert.match(refused.body, /You may not/);
    assert.match((await w.otto.says('/flink web', etl)).text, /You may not/);
  });
}

async function savepoints({ w, flinkJobId }: Conversation): Promise<number> {
  const { history } = await w.flink.checkpoints(flinkJobId);
  return history.filter((c) => c.is_savepoint && c.status === 'COMPLETED').length;
}
