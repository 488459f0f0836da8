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
  const second = performance.now();
  await grid.listRuns({}, known);
  assert.ok(performance.now() - second < 500, 'what hangs is waited for by one round');
  // One request at a time to one that does not answer.
  assert.equal(rm.asked.filter((path) => path === `GET /proxy/${appId(2)}/jobs`).length, 1);
  await assert.rejects(grid.checkpoints(jobId(2)), UpstreamError);
  const again = performance.now();
  await assert.rejects(grid.checkpoints(jobId(2)), UpstreamError);
  assert.equal((await grid.look(jobId(2))).is, 'unknown');
  assert.ok(performance.now() - again < 500);
});

test('a JobManager that hangs when more is asked holds up nobody either; what it said last counts meanwhile', async (t) => {
  const rm = await standInYarn(t);
  rm.apps.set(appId(1), { name: 'good', jobs: { [jobId(1)]: 'RUNNING' } });
  rm.apps.set(appId(2), { name: 'hangs', jobs: { [jobId(2)]: 'RUNNING' } });
  const grid = observe(t, rm.url);
  await grid.listRuns();
  const both = [jobId(1), jobId(2)];
  assert.deepEqual([...(await grid.overview()).keys()].sort(), both);
  rm.instead = (path) => path.startsWith(`/proxy/${appId(2)}/`) && path.endsWith('/overview');
  const startedAt = Date.now();
  const later = performance.now() + 16_000;
  t.mock.method(performance, 'now', () => later + (Date.now() - startedAt));
  await grid.listRuns();
  assert.deepEqual([...(await grid.overview()).keys()].sort(), both);
  assert.equal((await grid.facts()).slotsTotal, 4);
  assert.ok(Date.now() - startedAt < 2000, `${Date.now() - startedAt} ms`);
});

test('the job that old releases give the same id in every application is one of its own in each', async (t) => {
  const rm = await standInYarn(t);
  const shared = jobId(0);
  for (const n of [1, 2]) rm.apps.set(appId(n), { name: `etl-${n}`, jobs: { [shared]: 'RUNNING' } });
  const grid = observe(t, rm.url);
  const ids = [...(await grid.listRuns()).keys()];
  assert.equal(new Set([...ids, shared]).size, 3);
  const overview = await grid.overview();
  assert.deepEqual(
    ids.map((id) => [overview.get(id)?.application, overview.get(id)?.name]),
    [
      [appId(1), 'etl-1 job'],
      [appId(2), 'etl-2 job'],
    ],
  );
  // Two jobs of one name are told apart by how their ids begin.
  assert.notEqual(ids[0]?.slice(0, 6), ids[1]?.slice(0, 6));
  const [first = '', second = ''] = ids;
  assert.match(first, /^[0-9a-f]{32}$/);
  assert.equal(await grid.state(first), undefined);
  assert.equal(await grid.rootCause(first), undefined);
  assert.ok(rm.asked.some((path) => path.startsWith(`GET /proxy/${appId(1)}/jobs/${shared}/exceptions`)));
  assert.equal(grid.runUrl(second), `${rm.url}/proxy/${appId(2)}/#/job/running/${shared}/overview`);
  // A new attempt goes on with it, and another process of Sluice knows it by the same id.
  rm.apps.set(appId(2), { name: 'etl-2', attempt: 2, jobs: { [shared]: 'RUNNING' } });
  const again = await observe(t, rm.url).listRuns({}, [{ flinkJobId: second, application: appId(2) }]);
  assert.deepEqual([...again.keys()].sort(), [...ids].sort());
});

test('of two live jobs under one id that counts which is known', async (t) => {
  const rm = await standInYarn(t);
  for (const n of [1, 2, 3]) rm.apps.set(appId(n), { name: `etl-${n}`, jobs: { [jobId(1)]: 'RUNNING' } });
  const grid = observe(t, rm.url);
  for (let i = 0; i < 2; i++) {
    assert.deepEqual([...(await grid.listRuns({}, [run(1, 2)]))], [[jobId(1), 'RUNNING']]);
    assert.equal((await grid.overview()).get(jobId(1))?.application, appId(2));
  }
});

test('many applications about which the RM is asked by themselves take turns', async (t) => {
  const rm = await standInYarn(t);
  const numbers = Array.from({ length: 25 }, (_, i) => i + 1);
  for (const n of numbers)
    rm.apps.set(appId(n), { name: 'a', state: n === 25 ? 'FINISHED' : 'ACCEPTED', finalStatus: 'SUCCEEDED', jobs: {} });
  const known = numbers.map((n) => run(n, n));
  const grid = observe(t, rm.url, { applications: 'others' });
  // What is looked at because of a known run is listed; here the RM lists none of them.
  rm.instead = (path, answer) => {
    if (!path.startsWith('/ws/v1/cluster/apps?')) return false;
    answer.writeHead(200, { 'content-type': 'application/json' }).end('{"apps":null}');
    return true;
  };
  let at = performance.now();
  t.mock.method(performance, 'now', () => at);
  const asked = () => rm.asked.filter((path) => path.startsWith('GET /ws/v1/cluster/apps/application'));
  const rounds: number[] = [];
  let states: ReadonlyMap<string, string> = new Map();
  for (let i = 0; i < 3; i++) {
    at += 1000;
    const before = asked().length;
    states = await grid.listRuns({}, known);
    rounds.push(asked().length - before);
  }
  assert.deepEqual(rounds, [10, 10, 5]);
  assert.equal(new Set(asked()).size, 25);
  assert.equal(states.get(jobId(25)), 'FINISHED');
  for (let i = 0; i < 3; i++) {
    at += 10_000;
    await grid.listRuns({}, known);
  }
  // Nothing is asked again about what is over, and the others have had their turn.
  assert.equal(asked().filter((path) => path.endsWith(appId(25))).length, 1);
  assert.ok(numbers.slice(0, 24).every((n) => asked().filter((path) => path.endsWith(appId(n))).length >= 2));
});

test('where attempts are not told, a JobManager that comes back without a job is given time', async (t) => {
  const rm = await standInYarn(t);
  const app = { name: 'orders', hidden: true, jobs: { [jobId(1)]: 'RUNNING' } };
  rm.apps.set(appId(1), app);
  const grid = observe(t, rm.url);
  let at = performance.now();
  t.mock.method(performance, 'now', () => at);
  const listed = async (waitedMs: number) => {
    at += waitedMs;
    await grid.listRuns({}, [run(1, 1)]);
    // What it says while nobody waits counts in the next round.
    await new Promise((resolve) => setTimeout(resolve, 50));
    return (await grid.listRuns({}, [run(1, 1)])).get(jobId(1));
  };
  assert.equal(await listed(0), 'RUNNING');
  rm.apps.set(appId(1), { ...app, broken: true });
  assert.equal(await listed(130_000), unknownState);
  rm.apps.set(appId(1), { ...app, jobs: {} });
  assert.equal(await listed(20_000), unknownState);
  assert.equal((await grid.look(jobId(1))).is, 'unknown');
  assert.equal(await listed(100_000), unknownState);
  assert.equal(await listed(30_000), undefined);
  assert.equal((await grid.look(jobId(1))).is, 'gone');
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
  // A gate that names where one came from is no ResourceManager.
  says((path, answer) => answer.writeHead(302, { location: `${active.url}/login?originalUrl=${path}` }).end());
  await assert.rejects(jobs(standby.url), UnreachableError);
  assert.ok(!active.asked.some((line) => line.includes('login')));

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
