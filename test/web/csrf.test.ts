import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditOf } from '../../src/access/audit.store.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { listOperations } from '../../src/operations/operations.store.ts';
import { createRig, type Rig } from './rig.ts';
import { emma, signedIn } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

/** Everything a forged request could have changed. */
async function world({ database, asked }: Rig): Promise<unknown> {
  const { db } = database;
  const job = await findJob(db, 'etl-orders');
  return [asked.length, job?.currentVersion, (await listOperations(db, undefined)).length, (await auditOf(db, 'job:etl-orders')).length];
}

/** Each address that takes a POST, as the router itself lists them. */
function postRoutes(rig: Rig): string[] {
  const lines = rig.web.app.printRoutes({ commonPrefix: false, includeHooks: false }).split('\n');
  const stack: string[] = [];
  const found: string[] = [];
  for (const line of lines) {
    const match = /^((?:[│ ] {3})*)(?:└|├)── (.*?)(?: \((.*)\))?$/.exec(line);
    if (!match) continue;
    const depth = (match[1] ?? '').length / 4;
    stack.length = depth;
    stack[depth] = match[2] ?? '';
    if (match[3]?.includes('POST')) found.push(stack.join('').replace(':name', 'etl-orders'));
  }
  return [...new Set(found)];
}

test('every route that changes something refuses other sites, a missing or wrong token, and GET', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const other = await rig.as(emma);
  const routes = postRoutes(rig).filter((r) => !r.includes('*') && !r.startsWith('/sign-'));
  assert.deepEqual(routes.sort(), ['/command', '/jobs/etl-orders/parameters', '/jobs/etl-orders/upload']);
  const form = await person.guards('/jobs/etl-orders/parameters', 'name="base"');
  const foreignToken = (await other.guards('/', 'Sign out'))['_csrf'] ?? '';
  assert.notEqual(foreignToken, form['_csrf']);
  const good = { ...form, line: 'savepoint etl-orders', parallelism: '16', back: '/' };
  const before = await world(rig);
  for (const route of routes) {
    const multipart = route.endsWith('/upload');
    const post = (fields: Record<string, string>, headers: Record<string, string> = {}) =>
      multipart ? postMultipart(rig, person.cookie, route, fields, headers) : person.post(route, fields, headers).then((a) => a.status);
    assert.equal(await post({ ...good, _csrf: '' }), 403, `${route} without a token`);
    assert.equal(await post({ ...good, _csrf: foreignToken }), 403, `${route} with the token of another session`);
    assert.equal(await post({ ...good, _csrf: '' }, { 'x-csrf-token': 'x' }), 403, `${route} with a wrong header`);
    assert.equal(await post(good, { origin: 'https://evil.example' }), 403, `${route} from another origin`);
    assert.equal(await post(good, { origin: 'null', 'sec-fetch-site': 'cross-site' }), 403, `${route} from an opaque origin`);
    for (const site of ['cross-site', 'same-site']) assert.equal(await post(good, { 'sec-fetch-site': site }), 403, `${route} ${site}`);
    const asGet = await person.get(`${route}?${new URLSearchParams(good)}`);
    assert.ok([200, 303, 404].includes(asGet.status), `${route} as GET`);
  }
  assert.deepEqual(await world(rig), before);
  assert.equal((await person.post('/command', good)).status, 200);
  assert.notDeepEqual(await world(rig), before, 'the same request of the page itself has an effect');
});

test('without a session nothing is done, whatever token comes along', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const good = { ...(await person.guards('/jobs/etl-orders/parameters', 'name="base"')), line: 'savepoint etl-orders' };
  const before = await world(rig);
  for (const cookie of ['', `sluice_session=${'x'.repeat(43)}`]) {
    const answer = await rig.web.app.inject({
      method: 'POST',
      url: '/command',
      headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams(good).toString(),
    });
    assert.equal(answer.statusCode, 401);
  }
  assert.deepEqual(await world(rig), before);
  assert.ok(await signedIn(rig.database, emma));
});

async function postMultipart(
  rig: Rig,
  cookie: string,
  url: string,
  fields: Record<string, string>,
  headers: Record<string, string>,
): Promise<number> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set('jar', new Blob(['x']), 'x.jar');
  const encoded = new Response(form);
  const answer = await rig.web.app.inject({
    method: 'POST',
    url,
    headers: { cookie, 'content-type': encoded.headers.get('content-type') ?? '', ...headers },
    payload: Buffer.from(await encoded.arrayBuffer()),
  });
  return answer.statusCode;
}
