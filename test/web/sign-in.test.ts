import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putPerson } from '../../src/access/people.store.ts';
import { createSignInLink } from '../../src/access/sign-in.store.ts';
import { moveClock } from '../../src/db/clock.ts';
import { browser, createRig, type Rig } from './rig.ts';
import { emma, seedBasics } from './seed.ts';

const link = (rig: Rig) => rig.database.transaction((tx) => createSignInLink(tx, emma));
const cookies = (headers: Record<string, unknown>) => [headers['set-cookie'] ?? []].flat().map(String);
const sessionOf = (headers: Record<string, unknown>) =>
  /^([^=]*session|__Host-sluice)=([^;]+)/.exec(cookies(headers).find((c) => /^(sluice_session|__Host-sluice)=[^;]/.test(c)) ?? '')?.[2];

test('looking at a link does not use it up; its button does, once', async (t) => {
  const rig = await createRig(t);
  await seedBasics(rig.database);
  const token = await link(rig);
  const visitor = browser(rig.web, '');
  for (let i = 0; i < 3; i++) {
    const page = await visitor.get(`/sign-in?code=${token}&next=/jobs/etl-orders`);
    assert.equal(page.status, 200);
    assert.match(page.body, /<button[^>]*>Sign in</);
    assert.equal(sessionOf(page.headers), undefined);
  }
  const signedIn = await visitor.post('/sign-in', { code: token, next: '/jobs/etl-orders' });
  assert.equal(signedIn.status, 303);
  assert.equal(signedIn.headers['location'], '/jobs/etl-orders');
  const cookie = cookies(signedIn.headers).find((c) => c.startsWith('sluice_session=')) ?? '';
  assert.match(cookie, /HttpOnly/);
  assert.match(cookie, /SameSite=Lax/);
  assert.match(cookie, /Path=\//);
  const session = sessionOf(signedIn.headers) ?? '';
  assert.equal((await browser(rig.web, `sluice_session=${session}`).get('/jobs/etl-orders')).status, 200);

  const again = await visitor.post('/sign-in', { code: token, next: '/' });
  assert.equal(again.status, 410);
  assert.match(again.body, /used up or too old/);
  assert.equal(sessionOf(again.headers), undefined);
});

test('two clicks at once make one session', async (t) => {
  const rig = await createRig(t);
  await seedBasics(rig.database);
  const token = await link(rig);
  const visitor = browser(rig.web, '');
  const answers = await Promise.all([1, 2, 3].map(() => visitor.post('/sign-in', { code: token, next: '/' })));
  assert.deepEqual(answers.map((a) => a.status).sort(), [303, 410, 410]);
});

test('a link is too old after five minutes, a session after a working day', async (t) => {
  const rig = await createRig(t);
  await seedBasics(rig.database);
  const token = await link(rig);
  const person = await rig.as(emma);
  await moveClock(rig.database.db, 5 * 60_000 + 1000);
  const visitor = browser(rig.web, '');
  assert.equal((await visitor.get(`/sign-in?code=${token}`)).status, 410);
  assert.equal((await visitor.post('/sign-in', { code: token, next: '/' })).status, 410);
  assert.equal((await person.get('/')).status, 200);
  await moveClock(rig.database.db, 10 * 3_600_000);
  assert.equal((await person.get('/')).status, 401);
});

test('the page that a signed-out person wanted survives the sign-in', async (t) => {
  const rig = await createRig(t);
  await seedBasics(rig.database);
  const refused = await browser(rig.web, '').get('/jobs/etl-orders/diff?a=1&b=2');
  assert.equal(refused.status, 401);
  assert.match(refused.body, /Type <code>\/flink web<\/code> in Slack/);
  const remembered = cookies(refused.headers)
    .find((c) => c.startsWith('sluice_next='))
    ?.split(';')[0];
  assert.ok(remembered);
  const signedIn = await browser(rig.web, remembered).post('/sign-in', { code: await link(rig), next: '/' });
  assert.equal(signedIn.headers['location'], '/jobs/etl-orders/diff?a=1&b=2');
});

test('a sign-in never leads to another site, and another site cannot sign anybody in', async (t) => {
  const rig = await createRig(t);
  await seedBasics(rig.database);
  const visitor = browser(rig.web, '');
  const away = await visitor.post('/sign-in', { code: await link(rig), next: '//evil.example/x' });
  assert.equal(away.headers['location'], '/');
  const token = await link(rig);
  for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[])
    assert.equal((await visitor.post('/sign-in', { code: token, next: '/' }, headers)).status, 403);
  assert.equal((await visitor.post('/sign-in', { code: token, next: '/' })).status, 303);
});

test('over https the cookie is bound to the host and secure', async (t) => {
  const rig = await createRig(t, { publicUrl: 'https://sluice.example.com' });
  await seedBasics(rig.database);
  const answer = await browser(rig.web, '').post(
    '/sign-in',
    { code: await link(rig), next: '/' },
    { origin: 'https://sluice.example.com' },
  );
  const cookie = cookies(answer.headers).find((c) => c.startsWith('__Host-sluice=')) ?? '';
  assert.match(cookie, /Secure/);
  assert.match(cookie, /HttpOnly/);
  assert.doesNotMatch(cookie, /Domain/);
  assert.match(String(answer.headers['strict-transport-security']), /max-age/);
});

test('signing out ends the session for good', async (t) => {
  const rig = await createRig(t);
  await seedBasics(rig.database);
  const person = await rig.as(emma);
  const fields = await person.guards('/', 'Sign out');
  assert.equal((await person.post('/sign-out', { _csrf: 'wrong' })).status, 403);
  assert.equal((await person.get('/')).status, 200);
  assert.equal((await person.post('/sign-out', fields)).status, 200);
  assert.equal((await person.get('/')).status, 401);
});

test('a person who was deactivated, or whom Slack restricts, is signed out', async (t) => {
  let restricted = false;
  const rig = await createRig(t, {
    directory: { person: async () => ({ name: 'Emma', restricted }), groupMembers: async () => undefined },
  });
  await seedBasics(rig.database);
  const person = await rig.as(emma);
  assert.equal((await person.get('/')).status, 200);
  restricted = true;
  assert.equal((await person.get('/')).status, 401);
  restricted = false;
  await rig.database.transaction((tx) => putPerson(tx, { ...emma, active: false, memberships: [{ team: 'data', role: 'engineer' }] }));
  assert.equal((await person.get('/')).status, 401);
});
