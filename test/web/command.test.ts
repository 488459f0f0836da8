import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HandleCommand } from '../../src/commands/request.ts';
import { message } from '../../src/core/message.ts';
import { listOperations } from '../../src/operations/operations.store.ts';
import { fillCommand } from '../../src/web/fill-command.ts';
import { createRig } from './rig.ts';
import { emma, lena, vic } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

test('a button of the page is the same command as in Slack, and a double submit is one operation', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const before = (await listOperations(rig.database.db, 'etl-orders')).length;
  const fields = await person.guards('/jobs/etl-orders', 'value="savepoint etl-orders"');
  assert.equal(fields['line'], 'savepoint etl-orders');
  const answers = await Promise.all([1, 2, 3].map(() => person.post('/command', fields, { 'hx-request': 'true' })));
  for (const answer of answers) {
    assert.equal(answer.status, 200);
    assert.match(answer.body, /^<article class="message neutral">/);
    assert.match(answer.body, /Accepted/);
  }
  assert.equal(new Set(answers.map((a) => /op_[0-9a-z]{12}/.exec(a.body)?.[0])).size, 1);
  const [op, ...rest] = await listOperations(rig.database.db, 'etl-orders');
  assert.equal(rest.length, before);
  assert.equal(op?.kind, 'savepoint');
  assert.equal(op?.origin.kind, 'web');
  assert.equal(op?.actor.userId, emma.userId);
  const again = await person.post(
    '/command',
    await person.guards('/jobs/etl-orders', 'Sign out').then((f) => ({ ...fields, _csrf: f['_csrf'] ?? '' })),
  );
  assert.match(again.body, /You asked: <code>savepoint etl-orders<\/code>/);
  assert.match(again.body, /<a href="\/jobs\/etl-orders">Back<\/a>/);
});

test('a number of one person cannot be replayed by another', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const [one, two] = [await rig.as(emma), await rig.as(lena)];
  const fields = await one.guards('/jobs/etl-orders', 'value="savepoint etl-orders"');
  await one.post('/command', fields);
  await two.post('/command', { ...fields, _csrf: (await two.guards('/', 'Sign out'))['_csrf'] ?? '' });
  assert.equal(new Set(rig.asked.map((r) => r.deliveryKey)).size, 2);
});

test('a viewer who forges the form is refused by the command itself', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(vic);
  const before = (await listOperations(rig.database.db, undefined)).length;
  const { _csrf = '' } = await person.guards('/', 'Sign out');
  const answer = await person.post(
    '/command',
    { _csrf, nonce: 'n_000000000000', line: 'stop etl-orders', back: '/jobs/etl-orders' },
    { 'hx-request': 'true' },
  );
  assert.match(answer.body, /You may not (use )?stop/);
  assert.equal((await listOperations(rig.database.db, undefined)).length, before);
});

test('an action that asks first: restore from a chosen point with a reason', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const listed = await person.post('/command', await person.guards('/jobs/etl-orders', 'value="restore etl-orders"'), {
    'hx-request': 'true',
  });
  assert.match(listed.body, /<select name="choice" required>/);
  const choice = /<option value="([^"]+)"/.exec(listed.body)?.[1] ?? '';
  const hidden = Object.fromEntries(
    [...listed.body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map((m) => [m[1] as string, m[2] as string]),
  );
  const target = /hx-target="#(ask_[^"]+)"/.exec(listed.body)?.[1];
  assert.match(listed.body, new RegExp(`<div id="${target}"`), 'the answer comes below the form, so what was typed stays');
  const empty = await person.post('/command', { ...hidden, choice, input: ' ' }, { 'hx-request': 'true' });
  assert.match(empty.body, /Something is missing/);
  await person.post('/command', { ...hidden, choice, input: 'late "orders"\r\nare lost' }, { 'hx-request': 'true' });
  assert.equal(rig.asked.at(-1)?.line, `restore etl-orders --from ${choice} --reason "late 'orders'\nare lost"`);
});

test('the late answer of a slow command is what the page shows', async (t) => {
  const handle: HandleCommand = async () => ({ message: message('busy', 'Looking…'), later: Promise.resolve(message('good', 'Found it')) });
  const rig = await createRig(t, { handle });
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const answer = await person.post('/command', await person.guards('/jobs/etl-orders', 'value="savepoint etl-orders"'));
  assert.match(answer.body, /Found it/);
  assert.doesNotMatch(answer.body, /Looking/);
});

test('a form without its number does nothing', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const { nonce: _, ...fields } = await person.guards('/jobs/etl-orders', 'value="savepoint etl-orders"');
  const answer = await person.post('/command', fields, { 'hx-request': 'true' });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers['hx-retarget'], '#reply');
  assert.equal(rig.asked.length, 0);
});

test('typed text is one word of the command, whatever it holds', () => {
  const fill = (input: string, multiline = false) => fillCommand('reject op_1 --reason {input}', { input, choice: '', multiline });
  assert.equal(fill('no'), 'reject op_1 --reason no');
  assert.equal(fill('a\n"b" --break-glass {choice}'), `reject op_1 --reason "a 'b' --break-glass {choice}"`);
  assert.equal(fill('“curly”'), `reject op_1 --reason "'curly'"`);
  assert.equal(fill('a\r\nb', true), 'reject op_1 --reason "a\nb"');
});
