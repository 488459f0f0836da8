import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { causeInLog } from '../../../src/deploy/yarn/am-log.ts';
import {
  amLogOf,
  applicationsSchema,
  attemptOf,
  diagnosticsLine,
  endOf,
  isWanted,
  oneApplicationSchema,
  proxyOf,
  type YarnApplication,
} from '../../../src/deploy/yarn/application.ts';

/** What a ResourceManager 3.4.3 said of real applications of Flink 1.20.5. */
const recorded = JSON.parse(await readFile(new URL('./answers.json', import.meta.url), 'utf8')) as Record<string, unknown>;
const live = applicationsSchema.parse(recorded['live']).apps?.app ?? [];
const ended = (name: string) => oneApplicationSchema.parse(recorded[name]).app;
const session = live[0] as YarnApplication;
const second = live[1] as YarnApplication;

test('what lives, and at which attempt, is read from the list; an empty one comes in two forms', () => {
  assert.deepEqual(
    live.map((app) => [app.name, app.state, attemptOf(app), endOf(app, false)]),
    [
      ['sess', 'RUNNING', 1, undefined],
      ['one', 'RUNNING', 2, undefined],
    ],
  );
  assert.deepEqual(
    [{ apps: {} }, { apps: null }].map((none) => applicationsSchema.parse(none).apps?.app ?? []),
    [[], []],
  );
  assert.equal(attemptOf({ amContainerLogs: 'http://nm:8042/node/containerlogs/container_1410901177871_0001_03_000001/etl' }), 3);
  // Between two attempts.
  assert.equal(endOf({ ...second, state: 'ACCEPTED' }, false), undefined);
});

test('an end is told in the words of Flink', () => {
  assert.deepEqual(endOf(ended('failed'), false), { state: 'FAILED', diagnostics: '' });
  assert.deepEqual(endOf(ended('killed'), false), {
    state: 'CANCELED',
    diagnostics: 'Application application_1795673548846_0001 was killed by user ann',
  });
  assert.equal(endOf(ended('amKilled'), false)?.state, 'FAILED');
  const said = (state: string, finalStatus: string, isSession = false) => endOf({ ...session, state, finalStatus }, isSession)?.state;
  assert.equal(said('FINISHED', 'SUCCEEDED'), 'FINISHED');
  // A session that is shut down says SUCCEEDED, whatever its jobs were doing.
  assert.equal(said('FINISHED', 'SUCCEEDED', true), 'CANCELED');
  assert.equal(said('FINISHED', 'KILLED'), 'CANCELED');
  assert.equal(said('FINISHED', 'UNDEFINED'), 'FAILED');
  assert.equal(
    diagnosticsLine(ended('amKilled').diagnostics ?? ''),
    'Application application_1795673548846_0002 failed 1 times (global limit =4; local limit is =1) due to AM Container for appattempt_1795673548846_0002_000001 exited with exitCode: 137 Diagnostics: Container killed on request. Exit code is 137 Container exited with a non-zero exit code 137. Killed by external signal',
  );
});

test('a JobManager is asked through the proxy of the RM that answered, unless the proxy is a server of its own', () => {
  const id = 'application_1795673548846_0002';
  assert.equal(proxyOf(session, 'http://rm.internal:28088', undefined), `http://rm.internal:28088/proxy/${id}`);
  assert.equal(proxyOf(session, 'http://rm.internal:8088', undefined), `http://localhost:28088/proxy/${id}`);
  assert.equal(proxyOf(session, 'https://gate/yarn', 'https://gate/yarn/proxy'), `https://gate/yarn/proxy/${id}`);
  assert.equal(proxyOf({ ...session, trackingUrl: 'http://jm:8081/' }, 'http://rm:8088', undefined), 'http://jm:8081');
  assert.equal(proxyOf({ ...session, state: 'ACCEPTED' }, 'http://rm:8088', undefined), undefined);
  assert.equal(proxyOf({ ...session, trackingUrl: undefined }, 'http://rm:8088', undefined), undefined);
  assert.deepEqual(amLogOf(session), { origin: 'http://localhost:28042', container: 'container_e01_1795673548846_0002_01_000001' });
});

test('users, queues and names choose what is looked at', () => {
  const app = { name: 'etl-orders (v2)', user: 'ann', queue: 'root.etl.nightly' };
  const wanted = (users: string[], queues: string[], names: string[]) => isWanted(app, { users, queues, names });
  assert.ok(wanted([], [], []));
  assert.ok(wanted(['bob', 'ann'], ['root.etl'], ['etl-*']));
  assert.ok(wanted([], ['nightly'], ['*orders*v2*']));
  assert.ok(wanted([], ['etl'], ['etl-orders (v2)']));
  assert.ok(!wanted(['bob'], [], []));
  assert.ok(!wanted([], ['night', 'root.et', 'root.nightly'], []));
  assert.ok(!wanted([], [], ['etl', 'orders*', '*v2', '*)*)']));
  const piece = fc.string({ maxLength: 5 }).map((text) => text.replaceAll('*', 'x'));
  fc.assert(
    fc.property(fc.array(fc.tuple(piece, piece), { minLength: 1, maxLength: 4 }), (parts) => {
      const pattern = parts.map(([text]) => text).join('*');
      const name = parts.map(([text, between], n) => (n < parts.length - 1 ? text + between : text)).join('');
      assert.ok(isWanted({ ...app, name }, { users: [], queues: [], names: [pattern] }), `${pattern} ${name}`);
    }),
  );
});

test('the cause is what the job failed with, not what was logged while its process went', async () => {
  const log = await readFile(new URL('./jobmanager-log.txt', import.meta.url), 'utf8');
  const job = '7bf150bcbbc1243f5ffc0f497212f062';
  const { stack, ...cause } = causeInLog(log, job, false) ?? {};
  assert.deepEqual(cause, { name: 'RuntimeException', message: 'rig failure at 50' });
  assert.match(stack ?? '', /Caused by: java.lang.RuntimeException: rig failure at 50/);
  const main = [
    '2026-11-26 06:20:40,001 INFO  a.b.C [] - starting',
    '2026-11-26 06:20:48,247 ERROR a.b.C [] - Fatal error occurred in the cluster entrypoint.',
    'java.lang.IllegalStateException: no configuration',
    '\tat Main.main(Main.java:8)',
  ].join('\n');
  assert.equal(causeInLog(main, job, true)?.message, 'no configuration');
  assert.equal(causeInLog(main, job, false), undefined);
  assert.equal(causeInLog('', job, true), undefined);
});
