import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import type { Deployers } from '../../src/deploy/deployers.ts';
import { browser, createRig } from './rig.ts';
import { emma } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

test('a raw route gets the body byte by byte, and its failure is an answer', async (t) => {
  const got: string[] = [];
  const rig = await createRig(t, {
    rawRoutes: [
      {
        method: 'POST',
        path: '/slack/events',
        async handle(request, response) {
          let body = '';
          for await (const chunk of request) body += chunk;
          got.push(body);
          response.writeHead(200, { 'content-type': 'text/plain' });
          response.end('taken');
        },
      },
      {
        method: 'POST',
        path: '/slack/broken',
        handle() {
          throw new Error('boom');
        },
      },
    ],
  });
  const { url } = await rig.web.listen();
  const bodies: [string, string][] = [
    ['application/x-www-form-urlencoded', 'command=%2Fflink&text=a+b'],
    ['application/json; charset=utf-8', '{"a": 1,   "b":[]}'],
    ['application/json', 'not json'],
  ];
  for (const [type, body] of bodies) {
    const answer = await fetch(`${url}/slack/events`, { method: 'POST', headers: { 'content-type': type }, body });
    assert.equal(answer.status, 200);
    assert.equal(await answer.text(), 'taken');
  }
  assert.deepEqual(
    got,
    bodies.map(([, body]) => body),
  );
  assert.equal((await fetch(`${url}/slack/broken`, { method: 'POST', body: 'x' })).status, 500);
});

test('healthz says whether all is well, to anybody', async (t) => {
  let ok = true;
  const rig = await createRig(t, { health: async () => ({ ok, socket: 'up' }) });
  const stranger = browser(rig.web, '');
  const good = await stranger.get('/healthz');
  assert.deepEqual([good.status, JSON.parse(good.body)], [200, { ok: true, socket: 'up' }]);
  ok = false;
  assert.equal((await stranger.get('/healthz')).status, 503);
});

test('static files: htmx and our own, nothing else of the packages', async (t) => {
  const rig = await createRig(t);
  const stranger = browser(rig.web, '');
  for (const path of [
    '/static/base.css',
    '/static/components.css',
    '/static/pages.css',
    '/static/page.js',
    '/static/icon.svg',
    '/static/htmx/htmx.min.js',
  ])
    assert.equal((await stranger.get(path)).status, 200, path);
  for (const path of [
    '/static/htmx/../package.json',
    '/static/htmx/%2e%2e/package.json',
    '/static/htmx/',
    '/static/',
    '/static/..%2f..%2fpackage.json',
  ])
    assert.ok([401, 403, 404].includes((await stranger.get(path)).status), path);
});

test('an unexpected error is a plain sentence with a reference that finds the full text', async (t) => {
  const broken = {
    of() {
      throw new Error('secret detail <script>');
    },
  } as unknown as Deployers;
  const rig = await createRig(t, { deployers: broken });
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const answer = await person.get('/jobs/etl-orders/logs');
  assert.equal(answer.status, 500);
  assert.match(answer.body, /Something went wrong inside Sluice/);
  assert.doesNotMatch(answer.body, /secret detail|at .*\.ts/);
  const reference = /err_[0-9a-z]{12}/.exec(answer.body)?.[0] ?? '';
  const report = await person.get(`/errors/${reference}`);
  assert.match(report.body, /secret detail &lt;script&gt;/);
  assert.equal((await browser(rig.web, '').get(`/errors/${reference}`)).status, 401);
});

test('logs: the root exception first, then the lines that contain what was asked for, secrets hidden', async (t) => {
  const deployer = {
    rootCause: async () => ({ name: 'E', message: 'boom', task: 'Map', at: Date.now(), stack: 'E: boom\n\tat x.y(Z.java:1)' }),
    logTails: async () => [{ from: 'JobManager', text: 'one\ntwo password=hunter2\nthree' }],
    runUrl: () => 'http://flink.example/#/job/1',
    state: async () => undefined,
  };
  const rig = await createRig(t, { deployers: { of: async () => ({ deployer }) } as unknown as Deployers });
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const { body } = await person.get('/jobs/etl-orders/logs?grep=TWO');
  assert.ok(body.indexOf('Root exception') < body.indexOf('JobManager'));
  assert.match(body, /Z\.java:1/);
  assert.match(body, /two password=\*\*\*/);
  assert.doesNotMatch(body, /hunter2|three/);
});

test('a cluster that does not answer is said in a sentence, and a database that is gone too', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const logs = await person.get('/jobs/etl-orders/logs');
  assert.equal(logs.status, 200);
  assert.match(logs.body, /cannot be read now/);
  const gone = await createRig(t, {
    directory: { person: () => Promise.reject(new UnreachableError('The database does not answer.')), groupMembers: async () => undefined },
  });
  await seedFleet(gone.database);
  const answer = await (await gone.as(emma)).get('/');
  assert.equal(answer.status, 503);
  assert.match(answer.body, /The database does not answer/);
  const poll = await (await gone.as(emma)).get('/', { 'hx-request': 'true' });
  assert.equal(poll.headers['hx-reswap'], 'none', 'a failed poll leaves what is shown');
});
