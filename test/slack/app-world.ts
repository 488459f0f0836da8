import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { putPerson, putTeam } from '../../src/access/people.store.ts';
import type { Role } from '../../src/access/policy.ts';
import { type App, createApp } from '../../src/app.ts';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import { commands } from '../../src/commands/index.ts';
import { loadConfig } from '../../src/config/load.ts';
import { silentLog } from '../../src/core/log.ts';
import { sleep } from '../../src/core/time.ts';
import { moveClock, now } from '../../src/db/clock.ts';
import { type Database, openDb } from '../../src/db/db.ts';
import { freePort } from '../../src/demo/free-port.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { connectPractice, type PracticePerson } from '../../src/practice/client.ts';
import { createPractice, defaultSeed, type Practice } from '../../src/practice/server.ts';
import type { StoredMessage } from '../../src/practice/types.ts';
import { recordArtifact } from '../../src/projects/builds.store.ts';
import { buildManifest } from '../../src/slack/manifest.ts';
import { makeZip } from '../build/zip.ts';
import { type FlinkStandIn, startFlinkStandIn } from '../faults/flink/stand-in.ts';
import { databaseAddress, startTcpProxy, type TcpProxy } from '../faults/tcp-proxy.ts';
import { createTestTarget } from '../helpers/test-db.ts';

/** The whole application in this process: real PostgreSQL, Flink's stand-in, the practice workspace with two private channels. */
export interface AppWorld {
  app: App;
  practice: Practice;
  flink: FlinkStandIn;
  /** The state store itself, past the proxy that Sluice reaches it through. */
  database: Database;
  storeProxy: TcpProxy;
  as(name: string): PracticePerson;
  /** POSTs to the practice API. */
  control(path: string, body?: Record<string, unknown>): Promise<unknown>;
  /** Moves every clock: the workspace's and the one that deadlines and delays are read by. Only while no operation runs. */
  pass(ms: number): Promise<void>;
  /** Every message of every channel, ephemeral ones left out. */
  posted(): StoredMessage[];
}
export const privateChannels = { ops: 'C0OPS', alerts: 'C0SECRET' };
const roles: Record<string, Role> = { emma: 'engineer', erik: 'engineer', lena: 'lead', lars: 'lead', omar: 'on-call' };
const team = 'data';
const secrets = { slackBotToken: 'xoxb-world', slackSigningSecret: 'world-secret', slackAppToken: 'xapp-world' };

export interface AppWorldOptions {
  transport?: 'http' | 'socket';
  jobs?: readonly string[];
  /** `development` by default. */
  environment?: 'development' | 'production';
  channel?: string;
  alertChannel?: string;
}

/** Starts it all; everything is stopped after the test. */
export async function startAppWorld(t: TestContext, options: AppWorldOptions = {}): Promise<AppWorld> {
  const { transport = 'http', jobs = ['orders', 'payments', 'clicks'], environment = 'development' } = options;
  const dir = await mkdtemp(join(tmpdir(), 'sluice-slack-'));
  const closing: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })];
  t.after(async () => {
    for (const close of closing.reverse()) await close();
  });
  const target = await createTestTarget(t, { beforeDrop: () => database.close() });
  const database = openDb({ log: silentLog, max: 5, ...target });
  const storeProxy = await startTcpProxy({ to: databaseAddress(target) });
  closing.push(() => storeProxy.close());
  const flink = await startFlinkStandIn({ version: '1.20.5', dir: join(dir, 'flink'), timing: { refreshMs: 200 }, restarts: false });
  closing.push(() => flink.close());

  const everybody = defaultSeed.people.filter((p) => !p.guest && !p.otherTeamId).map((p) => p.id);
  const { slackBotToken, slackSigningSecret, slackAppToken } = secrets;
  const practice = await createPractice({
    port: 0,
    botToken: slackBotToken,
    signingSecret: slackSigningSecret,
    appToken: slackAppToken,
    transport,
    limits: 'off',
    manifest: buildManifest({ transport, publicUrl: 'http://127.0.0.1', commands: [...commands] }),
    workspace: {
      ...defaultSeed,
      channels: [
        ...defaultSeed.channels,
        { id: privateChannels.ops, name: 'ops', private: true, members: everybody },
        { id: privateChannels.alerts, name: 'secret-alerts', private: true, members: everybody },
      ],
    },
  });
  closing.push(() => practice.close());
  const client = connectPractice(practice.url);
  closing.push(async () => client.close());

  const jar = join(dir, 'orders.jar');
  await writeFile(
    jar,
    makeZip([
      { name: 'META-INF/MANIFEST.MF', data: 'Manifest-Version: 1.0\nMain-Class: shop.Orders\n' },
      { name: 'shop/Orders.class', data: 'first' },
    ]),
  );
  const port = await freePort(0);
  const config = loadConfig({
    env: {},
    overrides: {
      home: join(dir, 'home'),
      host: '127.0.0.1',
      port,
      publicUrl: `http://127.0.0.1:${port}`,
      databaseUrl:
        'url' in target
          ? Object.assign(new URL(target.url), { host: `127.0.0.1:${storeProxy.port}` }).href
          : `postgres://${target.connection.user}@127.0.0.1:${storeProxy.port}/${target.connection.database}`,
      slack: { apiUrl: practice.apiUrl, teamId: defaultSeed.team.id, defaultChannel: 'C0ETL', alertChannel: 'C0ALERTS' },
      minFreeDisk: '1 MB',
      watch: { jobsEvery: '200ms', overviewEvery: '1s', checkpointsEvery: '1s' },
      starts: { runningWithin: '20s', firstCheckpointWithin: '60s' },
    },
    secrets: { slackBotToken, ...(transport === 'http' ? { slackSigningSecret } : { slackAppToken }) },
  });
  const { sha256, size } = await createFolderStore(config.artifacts.folder).put(jar);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: team, channel: options.channel ?? 'C0ETL', alertChannel: options.alertChannel ?? 'C0ALERTS', onCall: null });
    for (const { name, id, bot } of defaultSeed.people) {
      const role = roles[name];
      if (!bot) await putPerson(tx, { teamId: defaultSeed.team.id, userId: id, name, memberships: role ? [{ team, role }] : [] });
    }
    await putCluster(tx, { name: 'standalone', kind: 'standalone', url: flink.url, pathsReadable: true });
    await recordArtifact(tx, { sha256, size, name: 'orders.jar', mainClass: 'shop.Orders', source: 'upload', createdAt: now });
    for (const name of jobs)
      await createJob(tx, {
        name,
        team,
        kind: 'jar',
        mode: 'streaming',
        project: null,
        definition: {
          cluster: 'standalone',
          environment,
          artifact: sha256,
          mainClass: 'shop.Orders',
          args: [],
          parallelism: 1,
          checkpointInterval: '1s',
          checkpointDir: `file://${flink.checkpointDir}`,
          savepointDir: `file://${flink.savepointDir}`,
          flink: {},
          links: [],
        },
        origin: 'apply',
        createdBy: { teamId: defaultSeed.team.id, userId: 'U0LENA', name: 'lena' },
      });
  });
  const app = await createApp({ config, log: silentLog, paceMs: 10 });
  closing.push(() => app.stop());
  practice.setRequestUrl(`${app.url}/slack/events`);
  return {
    app,
    practice,
    flink,
    database,
    storeProxy,
    as: (name) => client.as(name),
    control: (path, body) => client.control(path, body),
    async pass(ms) {
      practice.advance(ms);
      await moveClock(database.db, ms);
    },
    posted: () =>
      [...defaultSeed.channels.map((c) => c.id), ...Object.values(privateChannels), ...dms()].flatMap((c) =>
        notEphemeral(practice.messages(c)),
      ),
  };
}
const dms = () => defaultSeed.people.map((p) => `D${p.id.slice(1)}`);
const notEphemeral = (messages: StoredMessage[]) => messages.filter((m) => m.to === undefined);

/** Waits until something is so that sends no events. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 40_000,
): Promise<T> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > until) assert.fail(`not within ${timeoutMs} ms: ${what}`);
    await sleep(50);
  }
}
