import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { ConfigError, ConflictError, UnreachableError, UpstreamError } from '../../../src/core/errors.ts';
import { unknownState } from '../../../src/deploy/deployer.ts';
import { yarn } from '../../../src/deploy/kinds/yarn.ts';
import { appId, jobId, observe, standInYarn } from './stand-in.ts';

const run = (n: number, application: number) => ({ flinkJobId: jobId(n), application: appId(application) });

test('the jobs of all applications are listed, with where they are; filters leave the others out', async (t) => {
  const rm = await standInYarn(t);
  rm.apps.set(appId(1), { name: 'etl-orders', jobs: { [jobId(1)]: 'RUNNING' } });
  rm.apps.set(appId(2), { name: 'etl-session', session: true, queue: 'root.etl', jobs: { [jobId(2)]: 'RUNNING', [jobId(3)]: 'FAILED' } });
  rm.apps.set(appId(3), { name: 'adhoc', user: 'bob', jobs: { [jobId(4)]: 'RUNNING' } });
  rm.apps.set(appId(4), { name: 'etl-new', state: 'ACCEPTED' });
  const all = observe(t, rm.url);
  assert.deepEqual([...(await all.listRuns())].sort(), [
    [jobId(1), 'RUNNING'],
    [jobId(2), 'RUNNING'],
    [jobId(3), 'FAILED'],
    [jobId(4), 'RUNNING'],
  ]);
  const { startedAt, ...seen } = (await all.overview()).get(jobId(2)) ?? {};
  assert.deepEqual(seen, {
    state: 'RUNNING',
    tasksRunning: 2,
    tasksTotal: 2,
    name: 'etl-session job',
    application: appId(2),
    flinkVersion: '1.20.5',
  });
  assert.deepEqual(await all.facts(), { flinkVersion: '1.20.5', slotsTotal: 6, slotsAvailable: 3, taskManagers: 3, jobsRunning: 4 });
  assert.equal(all.runUrl(jobId(2)), `${rm.url}/proxy/${appId(2)}/#/job/running/${jobId(2)}/overview`);
  assert.equal(all.runUrl(jobId(9), appId(7)), `${rm.url}/proxy/${appId(7)}/#/job/running/${jobId(9)}/overview`);
  const some = async (options: Record<string, string>) => [...(await observe(t, rm.url, options).listRuns()).keys()].sort();
  assert.deepEqual(await some({ applications: 'etl-*', users: 'etl\nbob' }), [jobId(1), jobId(2), jobId(3)]);
  assert.deepEqual(await some({ users: 'bob' }), [jobId(4)]);
  assert.deepEqual(await some({ queues: 'etl' }), [jobId(2), jobId(3)]);
});

test('a JobManager that hangs holds up nobody, and its jobs are unknown, not gone', async (t) => {
  const rm = await standInYarn(t);
  rm.apps.set(appId(1), { name: 'good', jobs: { [jobId(1)]: 'RUNNING' } });
  rm.apps.set(appId(2), { name: 'hangs', jobs: undefined });
  const grid = observe(t, rm.url);
  const known = [run(1, 1), run(2, 2)];
  const started = performance.now();
  assert.deepEqual(
    [...(await grid.listRuns({}, known))],
    [
      [jobId(1), 'RUNNING'],
      [jobId(2), unknownState],
    ],
  );
  assert.ok(performance.now() - started < 2500);
  await grid.listRuns({}, known);
  // One request at a time to one that does not answer.
  assert.equal(rm.asked.filter((path) => path === `GET /proxy/${appId(2)}/jobs`).length, 1);
  await assert.rejects(grid.checkpoints(jobId(2)), UpstreamError);
  const again = performance.now();
  await assert.rejects(grid.checkpoints(jobId(2)), UpstreamError);
  assert.equal((await grid.look(jobId(2))).is, 'unknown');
  assert.ok(performance.now() - again < 500);
});

test('a job that its JobManager no longer lists is gone; not so while a new attempt is coming up', async (t) => {
  const rm = await standInYarn(t);
  const app = { name: 'orders', jobs: {}, attempt: 1 };
  rm.apps.set(appId(1), app);
  const grid = observe(t, rm.url);
  assert.deepEqual([...(await grid.listRuns({}, [run(1, 1)]))], []);
  assert.equal((await grid.look(jobId(1))).is, 'gone');

  app.attempt = 2;
  let at = performance.now() + 1000;
  t.mock.method(performance, 'now', () => at);
  assert.deepEqual([...(await grid.listRuns({}, [run(1, 1)]))], [[jobId(1), unknownState]]);
  assert.equal((await grid.look(jobId(1))).is, 'unknown');
  at += 121_000;
  assert.deepEqual([...(await grid.listRuns({}, [run(1, 1)]))], []);
  rm.apps.set(appId(1), { ...app, state: 'ACCEPTED' });
  at += 1000;
  assert.deepEqual([...(await grid.listRuns({}, [run(1, 1)]))], [[jobId(1), unknownState]]);
});

test('an application that is over ends its jobs: how and why come from YARN, which is asked about it once', async (t) => {
  const rm = await standInYarn(t);
  const live = { name: 'a', jobs: { [jobId(9)]: 'RUNNING' } };
  for (const n of [1, 2, 3, 4]) rm.apps.set(appId(n), { ...live, session: n === 4, jobs: { [jobId(n)]: 'RUNNING' } });
  const grid = observe(t, rm.url);
  const known = [run(1, 1), run(2, 2), run(3, 3), run(4, 4)];
  await grid.listRuns({}, known);
  rm.apps.set(appId(1), { ...live, state: 'FINISHED', finalStatus: 'SUCCEEDED' });
  rm.apps.set(appId(2), {
    ...live,
    state: 'FAILED',
    finalStatus: 'FAILED',
    diagnostics: 'AM exited with  exitCode: 137\nKilled by external signal',
  });
  rm.apps.set(appId(3), { ...live, state: 'KILLED', finalStatus: 'KILLED', diagnostics: 'Application a was killed by user ann' });
  rm.apps.set(appId(4), { ...live, state: 'FINISHED', finalStatus: 'SUCCEEDED' });
  let at = performance.now();
  t.mock.method(performance, 'now', () => at);
  for (let i = 0; i < 3; i++) {
    at += 20_000;
    assert.deepEqual(known.map(({ flinkJobId }) => flinkJobId).map((await grid.listRuns({}, known)).get, await grid.listRuns({}, known)), [
      'FINISHED',
      'FAILED',
      'CANCELED',
      'CANCELED',
    ]);
  }
  for (const n of [1, 2, 3, 4]) assert.equal(rm.asked.filter((path) => path === `GET /ws/v1/cluster/apps/${appId(n)}`).length, 1);
  const sight = await grid.look(jobId(2));
  assert.ok(sight.is === 'seen' && sight.ended && sight.state === 'FAILED');
  const cause = await grid.rootCause(jobId(2));
  assert.deepEqual([cause?.name, cause?.message], ['YARN', 'AM exited with exitCode: 137 Killed by external signal']);
  assert.equal((await grid.rootCause(jobId(3)))?.message, 'Application a was killed by user ann');
  assert.equal(await grid.rootCause(jobId(1)), undefined);

  // After a restart the run says which application it was; its JobManager's log knows more than an empty text of YARN.
  rm.apps.set(appId(2), { ...live, state: 'FINISHED', finalStatus: 'FAILED' });
  rm.log = `LogContents:\n2026-11-26 06:20:47,798 INFO  X [] - Job o (${jobId(2)}) switched from state FAILING to FAILED.\njava.io.IOException: disk full\n\tat A.b(C.java:1)\n`;
  const again = observe(t, rm.url);
  assert.deepEqual([...(await again.listRuns({}, [run(2, 2)]))], [[jobId(2), 'FAILED']]);
  const logged = await again.rootCause(jobId(2));
  assert.deepEqual([logged?.name, logged?.message], ['IOException', 'disk full']);

  // A JobManager goes some moments before its application is over for YARN.
  rm.apps.set(appId(2), { ...live, jobs: { [jobId(2)]: 'RUNNING' } });
  const last = observe(t, rm.url);
  await last.listRuns({}, [run(2, 2)]);
  // Its own answer may be some seconds old, from before the failure.
  assert.equal((await last.rootCause(jobId(2)))?.message, 'disk full');
  rm.apps.set(appId(2), { ...live, broken: true });
  assert.equal((await last.look(jobId(2))).is, 'unknown');
  assert.equal((await last.rootCause(jobId(2)))?.message, 'disk full');
});

test('an application that the RM does not know is not over at once', async (t) => {
  const rm = await standInYarn(t);
  const grid = observe(t, rm.url);
  let at = performance.now();
  t.mock.method(performance, 'now', () => at);
  assert.deepEqual([...(await grid.listRuns({}, [run(1, 1)]))], [[jobId(1), unknownState]]);
  at += 121_000;
  assert.deepEqual([...(await grid.listRuns({}, [run(1, 1)]))], []);
  assert.equal((await grid.look(jobId(1))).is, 'gone');
});

test('the RM is asked for its list once a second, whoever asks; only GETs are sent, whatever is wanted', async (t) => {
  const rm = await standInYarn(t);
  rm.apps.set(appId(1), { name: 'orders', jobs: { [jobId(1)]: 'RUNNING' } });
  const grid = observe(t, rm.url);
  await grid.listRuns();
  await Promise.all([grid.listRuns(), grid.look(jobId(1)), grid.state(jobId(1)), grid.look(jobId(5))]);
  assert.equal(rm.asked.filter((path) => path.startsWith('GET /ws/v1/cluster/apps?')).length, 1);
  for (const act of [
    grid.cancel(jobId(1)),
    grid.triggerStop(jobId(1), jobId(2), undefined),
    grid.triggerSavepoint(jobId(1), jobId(2), undefined),
    grid.placeArtifact({ sha256: 'a', name: 'a.jar', path: '/a.jar' }),
  ])
    await assert.rejects(act, ConflictError);
  assert.ok(rm.asked.every((line) => line.startsWith('GET ')));
  assert.throws(() => yarn.open({ name: 'grid', url: rm.url, webUrl: null, options: {}, observed: false }), ConfigError);
});

test('the active RM is found behind its standby, by redirect, refresh or the list of addresses; what is no RM is said', async (t) => {
  const [active, standby] = [await standInYarn(t), await standInYarn(t)];
  active.apps.set(appId(1), { name: 'orders', jobs: { [jobId(1)]: 'RUNNING' } });
  const saying = 'This is standby RM. The redirect url is: /';
  const says = (act: (path: string, answer: ServerResponse) => void) => {
    standby.instead = (path, answer) => {
      act(path, answer);
      return true;
    };
  };
  const jobs = async (url: string, options = {}) => [...(await observe(t, url, options).listRuns()).keys()];
  says((path, answer) => answer.writeHead(307, { location: active.url + path }).end(saying));
  assert.deepEqual(await jobs(standby.url), [jobId(1)]);
  says((path, answer) => answer.writeHead(200, { refresh: `3; url=${active.url}${path}` }).end(saying));
  assert.deepEqual(await jobs(standby.url), [jobId(1)]);
  says((_, answer) => answer.writeHead(503).end('There is no active RM right now.'));
  assert.deepEqual(await jobs(standby.url, { otherUrls: active.url }), [jobId(1)]);
  await assert.rejects(
    jobs(standby.url),
    (error) => error instanceof UnreachableError && /is a standby, and no active one/.test(error.message),
  );
  says((_, answer) => answer.writeHead(401, { 'www-authenticate': 'Negotiate' }).end('<html>login</html>'));
  await assert.rejects(jobs(standby.url), (error) => error instanceof UnreachableError && /Kerberos is not spoken/.test(error.hint ?? ''));
  await assert.rejects(jobs('http://127.0.0.1:9'), UnreachableError);

  // A login goes to the address it was given for, and nowhere else; an old release knows fewer things to leave out.
  const seen: (string | undefined)[] = [];
  const logins: (string | undefined)[] = [];
  active.instead = (path, answer) => {
    if (path.endsWith('/jobs')) logins.push(answer.req.headers.authorization);
    if (!path.includes('resourceInfo')) return false;
    answer.writeHead(400, { 'content-type': 'application/json' }).end('{"RemoteException":{"message":"Invalid deSelects string"}}');
    return true;
  };
  says((path, answer) => {
    seen.push(answer.req.headers.authorization);
    answer.writeHead(307, { location: active.url + path }).end(saying);
  });
  assert.deepEqual(await jobs(standby.url.replace('//', '//ann:pw@')), [jobId(1)]);
  assert.equal(seen[0], `Basic ${Buffer.from('ann:pw').toString('base64')}`);
  assert.deepEqual(logins, [undefined]);
  const before = observe(t, standby.url.replace('//', '//ann:pw@'));
  assert.equal(before.runUrl(jobId(1), appId(1)), `${standby.url}/proxy/${appId(1)}/#/job/running/${jobId(1)}/overview`);
});
