import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { stringify } from 'yaml';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import { commands } from '../../src/commands/index.ts';
import { http } from '../../src/core/http.ts';
import { newId, newSecret } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { run } from '../../src/core/process.ts';
import type { Target } from '../../src/db/connection.ts';
import { openDb } from '../../src/db/db.ts';
import { connectEmbedded } from '../../src/db/embedded.ts';
import { sql } from '../../src/db/query.ts';
import { findJob } from '../../src/jobs/jobs.store.ts';
import { connectPractice, type PracticeClient } from '../../src/practice/client.ts';
import { signedHeaders, slackSignature } from '../../src/practice/link/sign.ts';
import { createPractice, defaultSeed, type Practice } from '../../src/practice/server.ts';
import { buildManifest } from '../../src/slack/manifest.ts';
import { applyFolder } from '../../src/tools/apply/apply.ts';
import { type Child, startChild } from '../helpers/child.ts';
import { processesNaming } from '../helpers/processes.ts';
import { createTestTarget } from '../helpers/test-db.ts';

const form = 'application/x-www-form-urlencoded';
const etl = { channel: 'etl', timeoutMs: 30_000 };
const settings = {
  admins: [{ teamId: defaultSeed.team.id, userId: 'U0LENA', name: 'Lena' }],
  slack: { defaultChannel: 'C0ETL' },
  logLevel: 'info',
};

/** Slack's stand-in, the files of an installation, and what starts Sluice on them as an admin would. */
interface Installation {
  dir: string;
  practice: Practice;
  client: PracticeClient;
  signingSecret: string;
  start(env?: Record<string, string>): Running;
  /** Sends what Slack would, signed now, unless told otherwise. */
  post(url: string, body: string, headers?: Record<string, string>): Promise<{ status: number; body: string }>;
  slashCommand(text: string): string;
  close(): Promise<void>;
}
interface Running extends Child {
  /** Where it answers, once it does. */
  ready(): Promise<string>;
}

async function install(): Promise<Installation> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-production-'));
  const botToken = `xoxb-test-${newSecret()}`;
  const signingSecret = newSecret();
  const practice = await createPractice({
    port: 0,
    botToken,
    signingSecret,
    transport: 'http',
    manifest: buildManifest({ transport: 'http', publicUrl: 'http://127.0.0.1', commands: [...commands] }),
  });
  const client = connectPractice(practice.url);
  await writeFile(join(dir, 'sluice.yaml'), stringify(settings));
  const children: Child[] = [];
  return {
    dir,
    practice,
    client,
    signingSecret,
    start(env = {}) {
      const child = startChild('src/main.ts', [], {
        cwd: dir,
        env: {
          HOME: dir,
          SLUICE_CONFIG: join(dir, 'sluice.yaml'),
          SLUICE_HOME: join(dir, 'home'),
          SLUICE_HOST: '127.0.0.1',
          SLUICE_PORT: '0',
          SLACK_BOT_TOKEN: botToken,
          SLACK_SIGNING_SECRET: signingSecret,
          SLACK_API_URL: practice.apiUrl,
          ...env,
        },
      });
      children.push(child);
      const ready = async () => {
        const [, url = ''] = await child.says(/"url":"(http:[^"]+)".*"msg":"Sluice is ready"/, { timeoutMs: 180_000 });
        practice.setRequestUrl(`${url}/slack/events`);
        return url;
      };
      return { ...child, ready };
    },
    post: (url, body, headers) =>
      http(`${url}/slack/events`, {
        method: 'POST',
        body,
        headers: headers ?? signedHeaders(signingSecret, body, form),
        timeoutMs: 30_000,
      }),
    slashCommand: (text) =>
      new URLSearchParams({
        team_id: defaultSeed.team.id,
        channel_id: 'C0ETL',
        user_id: 'U0LENA',
        user_name: 'lena',
        command: '/flink',
        text,
        response_url: `${practice.url}/no/such/address`,
        trigger_id: newId('trigger'),
      }).toString(),
    async close() {
      for (const child of children) child.process.kill('SIGKILL');
      await Promise.all(children.map((child) => child.ended));
      client.close();
      await practice.close();
      // Whatever a failed test left behind.
      for (const [pid, line] of await processesNaming(dir)) if (/postgres/.test(line)) process.kill(pid, 'SIGQUIT');
      await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}

/** A team, a cluster that is nowhere and a job, as YAML files. */
async function writeObjects(dir: string): Promise<string> {
  const folder = await mkdtemp(join(dir, 'objects-'));
  const write = (file: string, value: object) => writeFile(join(folder, file), stringify(value));
  await write('team.yaml', { kind: 'team', name: 'data', channel: 'C0ETL' });
  await write('cluster.yaml', { kind: 'cluster', name: 'standalone', type: 'standalone', url: 'http://127.0.0.1:9' });
  await write('job.yaml', { kind: 'job', name: 'etl-orders', team: 'data', cluster: 'standalone', parameters: { parallelism: 2 } });
  return folder;
}
async function versionOf(target: Target, job: string): Promise<number | undefined> {
  const database = openDb({ ...target, log: silentLog, max: 1 });
  const found = await findJob(database.db, job);
  await database.close();
  return found?.currentVersion;
}
async function health(url: string): Promise<unknown> {
  const answer = await http(`${url}/healthz`);
  return { status: answer.status, ok: (JSON.parse(answer.body) as { ok: boolean }).ok };
}
async function postgresPid(dir: string): Promise<number> {
  return Number((await readFile(join(dir, 'home/db/postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
}

describe('Sluice as it runs in production, with its embedded PostgreSQL', { timeout: 900_000 }, () => {
  let it: Installation;
  let first: Running;
  let url: string;
  before(async () => {
    it = await install();
    first = it.start();
    url = await first.ready();
  });
  after(() => it?.close());
  const target = async (): Promise<Target> => connectEmbedded({ dataDir: join(it.dir, 'home/db') });

  test('is healthy, and answers a command typed in Slack', async () => {
    assert.deepEqual(await health(url), { status: 200, ok: true });
    assert.equal(await it.practice.verifyRequestUrl(), true);
    const lena = await it.client.as('lena').says('/flink whoami', etl);
    assert.match(lena.text, /You are Lena[\s\S]*T0PRACTICE \/ U0LENA[\s\S]*admin/);
    assert.equal(lena.ephemeral, true);
    assert.match((await it.client.as('otto').says('/flink whoami', etl)).text, /Sluice does not know you/);
  });

  test('keeps its secrets to itself', async () => {
    for (const secret of [it.signingSecret, 'xoxb-test-']) {
      assert.ok(!first.stderr().includes(secret) && !first.stdout().includes(secret));
      assert.doesNotMatch(await readFile(`/proc/${first.pid}/cmdline`, 'utf8'), new RegExp(secret));
    }
    assert.equal((await stat(join(it.dir, 'home/db'))).mode & 0o077, 0, 'others may not enter the database');
  });

  test('objects are applied beside it while it runs', async () => {
    const script = join(import.meta.dirname, '../../src/tools/apply.ts');
    const folder = await writeObjects(it.dir);
    const applied = await run(process.execPath, [script, folder], {
      cwd: it.dir,
      env: { SLUICE_HOME: join(it.dir, 'home') },
      timeoutMs: 120_000,
    });
    assert.equal(applied.code, 0, applied.tail.join('\n'));
    assert.match((await it.client.as('lena').says('/flink list', etl)).text, /etl-orders/);
  });

  test('a request that is forged, too old or from the future is refused and does nothing', async () => {
    const body = it.slashCommand('set etl-orders parallelism=9');
    const at = (offsetS: number, secret = it.signingSecret) => {
      const timestamp = Math.floor(Date.now() / 1000) + offsetS;
      return {
        'content-type': form,
        'x-slack-request-timestamp': String(timestamp),
        'x-slack-signature': slackSignature(secret, timestamp, body),
      };
    };
    const { 'x-slack-signature': _, ...unsigned } = at(0);
    for (const [what, headers] of Object.entries({ forged: at(0, 'another secret'), future: at(3600), old: at(-3600), unsigned })) {
      const answer = await it.post(url, body, headers);
      assert.equal(answer.status, 401, what);
      assert.doesNotMatch(answer.body, /etl-orders|secret/);
    }
    const signed = signedHeaders(it.signingSecret, body, form);
    assert.equal((await it.post(url, body.replace('parallelism%3D9', 'parallelism%3D8'), signed)).status, 401, 'changed on the way');
    assert.equal(await versionOf(await target(), 'etl-orders'), 1);
  });

  let replay: { body: string; headers: Record<string, string> };
  test('a request that comes twice is done once, and answered the same', async () => {
    const body = it.slashCommand('set etl-orders parallelism=3');
    replay = { body, headers: signedHeaders(it.signingSecret, body, form) };
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => it.post(url, replay.body, replay.headers)));
    assert.deepEqual([one?.status, two?.status, three?.status], [200, 200, 200]);
    assert.match(one?.body ?? '', /etl-orders/);
    assert.deepEqual([two?.body, three?.body], [one?.body, one?.body]);
    assert.equal(await versionOf(await target(), 'etl-orders'), 2);
  });

  test('a second one on the same data directory refuses, and names the first', async () => {
    const second = it.start();
    assert.deepEqual(await second.ended, { code: 1, signal: null });
    assert.match(
      second.stderr(),
      new RegExp(`Sluice already runs on the data directory .*: process ${first.pid} owns it\\.\nStop process ${first.pid} first`),
    );
    assert.doesNotMatch(second.stderr(), /^ +at /m);
    assert.deepEqual(await health(url), { status: 200, ok: true });
  });

  test('killed and started again it takes over its database with everything in it', async () => {
    const server = await postgresPid(it.dir);
    assert.equal((await first.end('SIGKILL')).signal, 'SIGKILL');
    first = it.start();
    url = await first.ready();
    assert.match(first.stderr(), /still runs; taking it over/);
    assert.equal(await postgresPid(it.dir), server);
    assert.deepEqual(await health(url), { status: 200, ok: true });
    assert.match((await it.client.as('lena').says('/flink versions etl-orders', etl)).text, /v2/);
    // What was done before the crash is not done again when Slack, or somebody else, sends it again.
    const answer = await it.post(url, replay.body, signedHeaders(it.signingSecret, replay.body, form));
    assert.equal(answer.status, 200);
    assert.equal(await versionOf(await target(), 'etl-orders'), 2);
  });

  test('killed together with its database it recovers that too', async () => {
    const server = await postgresPid(it.dir);
    await first.end('SIGKILL');
    process.kill(server, 'SIGKILL');
    first = it.start();
    url = await first.ready();
    assert.notEqual(await postgresPid(it.dir), server);
    assert.match((await it.client.as('lena').says('/flink versions etl-orders', etl)).text, /v2/);
  });

  test('SIGTERM ends it in order, within seconds, and nothing is left', async () => {
    const { code, signal, tookMs } = await first.end('SIGTERM');
    assert.deepEqual([code, signal], [0, null]);
    assert.ok(tookMs < 10_000, `it took ${Math.round(tookMs)} ms`);
    assert.deepEqual(await processesNaming(it.dir), new Map());
    await assert.rejects(http(`${url}/healthz`, { timeoutMs: 2000 }));
  });

  test('while its disk has less room than it is to keep, it says so in its health and its log, and reads on', async () => {
    const file = join(it.dir, 'no-room.yaml');
    await writeFile(file, stringify({ ...settings, minFreeDisk: '8000 TB' }));
    const full = it.start({ SLUICE_CONFIG: file });
    url = await full.ready();
    const answer = await http(`${url}/healthz`);
    assert.equal(answer.status, 503);
    assert.match((JSON.parse(answer.body) as { disk: string }).disk, /^The disk of the data directory is full \(.* free, .* in reserve\)$/);
    await full.says(/new work is refused: a disk is full/);
    assert.match((await it.client.as('lena').says('/flink list', etl)).text, /etl-orders/);
    assert.equal((await full.end('SIGTERM')).code, 0);
  });

  test('SIGTERM during the start leaves nothing either', async () => {
    const starting = it.start();
    await starting.says(/Starting the state store/);
    const { code, signal } = await starting.end('SIGTERM');
    assert.deepEqual([code, signal], [0, null], starting.stderr());
    assert.deepEqual(await processesNaming(it.dir), new Map());
    const again = it.start();
    url = await again.ready();
    assert.deepEqual(await health(url), { status: 200, ok: true });
    assert.equal((await again.end('SIGINT')).code, 0);
  });
});

describe('two replicas on one database', { timeout: 600_000 }, () => {
  test('answer side by side, do what comes to both once, and one goes on when the other dies', async (t: TestContext) => {
    const it = await install();
    t.after(() => it.close());
    const database = await createTestTarget(t);
    const seeding = openDb({ ...database, log: silentLog });
    await applyFolder(seeding, createFolderStore(join(it.dir, 'artifacts')), await writeObjects(it.dir), []);
    await seeding.close();
    const replica = (name: string) => it.start({ SLUICE_HOME: join(it.dir, name), DATABASE_URL: urlOf(database) });
    const [a, b] = [replica('a'), replica('b')];
    const [urlA, urlB] = await Promise.all([a.ready(), b.ready()]);
    assert.deepEqual(await Promise.all([health(urlA), health(urlB)]), [
      { status: 200, ok: true },
      { status: 200, ok: true },
    ]);
    assert.deepEqual(
      [...(await processesNaming(it.dir)).values()].filter((line) => /postgres/.test(line)),
      [],
      'no database of their own',
    );
    const lena = it.client.as('lena');
    for (const url of [urlA, urlB]) {
      it.practice.setRequestUrl(`${url}/slack/events`);
      assert.match((await lena.says('/flink list', etl)).text, /etl-orders/);
    }
    for (let version = 2; version <= 4; version++) {
      const body = it.slashCommand(`set etl-orders parallelism=${version + 1}`);
      const answers = await Promise.all([urlA, urlB, urlA, urlB].map((url) => it.post(url, body)));
      for (const answer of answers) assert.equal(answer.status, 200);
      assert.equal(await versionOf(database, 'etl-orders'), version);
    }
    await a.end('SIGKILL');
    it.practice.setRequestUrl(`${urlB}/slack/events`);
    assert.match((await lena.says('/flink set etl-orders parallelism=7', etl)).text, /v5/);
    assert.deepEqual(await health(urlB), { status: 200, ok: true });
    assert.equal((await b.end('SIGTERM')).code, 0);
    const left = openDb({ ...database, log: silentLog, max: 1 });
    const { rows } = await left.db.execute(sql`select count(*)::int as n from audit where action = 'version.created'`);
    await left.close();
    assert.deepEqual(rows, [{ n: 4 }]);
  });
});

/** The target as DATABASE_URL takes it; a Unix socket is a parameter, as in libpq. */
function urlOf(target: Target): string {
  if ('url' in target) return target.url;
  const { host, user, database } = target.connection;
  return `postgres:///${database}?${new URLSearchParams({ host, user })}`;
}

test('a wrong configuration is told at once, as a table, without a secret, and nothing is started', { timeout: 120_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-wrong-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const file = join(dir, 'sluice.yaml');
  await writeFile(
    file,
    'bulds:\n  timeout: 5 min\nadmins:\n  - teamId: acme\n    userId: U0LENA\ndatabaseUrl: postgres://sluice:hunter2@db/sluice\n',
  );
  const child = startChild('src/main.ts', [], {
    cwd: dir,
    env: {
      HOME: dir,
      SLUICE_CONFIG: file,
      SLUICE_HOME: join(dir, 'home'),
      SLUICE_PORT: '99999',
      SLACK_BOT_TOKEN: 'hunter2-is-no-token',
      SLUICE_HOSTS: '1',
    },
  });
  assert.deepEqual(await child.ended, { code: 1, signal: null });
  const said = child.stderr();
  assert.match(said, /^The configuration has 6 problems:\n/);
  for (const line of [
    /sluice\.yaml:1:1 +bulds +is no key that Sluice knows\n.*did you mean builds\?/,
    /sluice\.yaml:4:13 +admins\[0\]\.teamId +"acme" is not a Slack workspace id\n.*expected a Slack workspace id, for example T024BE7LD/,
    /sluice\.yaml:6:14 +databaseUrl +the address holds a password/,
    /environment +SLUICE_PORT +99999 is not between 0 and 65535/,
    /environment +SLACK_BOT_TOKEN +the value has the wrong form/,
    /environment +SLUICE_HOSTS +is no variable that Sluice reads\n.*did you mean SLUICE_HOST\?/,
  ])
    assert.match(said, line);
  assert.match(said, /docs\/configuration\.md/);
  assert.doesNotMatch(said, /hunter2|^ +at /m);
  assert.equal(child.stdout(), '');
  await assert.rejects(stat(join(dir, 'home')), { code: 'ENOENT' });
});
