import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { putPerson, putTeam } from '../../src/access/people.store.ts';
import type { Role } from '../../src/access/policy.ts';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import { commands } from '../../src/commands/index.ts';
import { newSecret } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { now } from '../../src/db/clock.ts';
import { type Database, openDb } from '../../src/db/db.ts';
import type { JobDefinition } from '../../src/db/schema/index.ts';
import { commitChange, startGitServer } from '../../src/demo/git-server.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { createJob } from '../../src/jobs/jobs.store.ts';
import { connectPractice, type PracticeClient } from '../../src/practice/client.ts';
import { createPractice, defaultSeed, type Practice } from '../../src/practice/server.ts';
import { recordArtifact } from '../../src/projects/builds.store.ts';
import { putProject } from '../../src/projects/projects.store.ts';
import { buildManifest } from '../../src/slack/manifest.ts';
import { makeZip } from '../build/zip.ts';
import { createTestTarget } from '../helpers/test-db.ts';
import { type FlinkRelease, type FlinkStandIn, startFlinkStandIn } from './flink/stand-in.ts';
import type { PersonAt } from './history/history.ts';
import { peopleAt } from './history/read.ts';
import { type Fleet, startFleet, startFront } from './replicas.ts';
import { watchForStaleWrites } from './stale-writes.ts';
import { databaseAddress, startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** The whole of Sluice as processes that may die, with everything it talks to behind a proxy that may fail. */
export interface FaultWorld {
  dir: string;
  home: string;
  practice: Practice;
  client: PracticeClient;
  fleet: Fleet;
  /** Absent on real Flink. */
  flink: FlinkStandIn | undefined;
  proxies: { postgres: TcpProxy; flink: TcpProxy; slack: TcpProxy };
  /** The database itself, past the proxy. */
  database: Database;
  /** Posts that Slack took and whose answer it lost on purpose. */
  lostPosts: number;
  /** How many jobs there are: two that are started at the same moment upload the artifact that they share twice. */
  readonly jobs: number;
  /** Who was allowed to what since when. */
  people: readonly PersonAt[];
  /** Takes a person's role away. */
  dropRole(name: string): Promise<void>;
  /** Makes a job that has an artifact; a development job unless told otherwise. */
  addJob(name: string, change?: Partial<JobDefinition>): Promise<void>;
}
export interface WorldOptions {
  replicas?: number;
  release?: FlinkRelease;
  /** A real cluster's address and folders instead of the stand-in. */
  cluster?: { url: string; checkpointDir: string; savepointDir: string; artifact: { path: string; name: string; mainClass: string } };
  frozenForMs?: number;
  imports?: readonly string[];
  env?: Record<string, string>;
}

export const channel = 'C0ETL';
const team = 'data';
const roles: Record<string, Role | undefined> = { emma: 'engineer', erik: 'engineer', lena: 'lead', lars: 'lead', omar: 'on-call' };
export const personOf = (name: string) => {
  const found = defaultSeed.people.find((person) => person.name === name);
  if (!found) throw new Error(`nobody is called ${name}`);
  return { teamId: defaultSeed.team.id, userId: found.id, name };
};

/** Starts it all; everything is stopped, and its folder removed, after the test. */
export async function startFaultWorld(t: TestContext, options: WorldOptions = {}): Promise<FaultWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-faults-'));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }));
  const home = join(dir, 'home');
  const target = await createTestTarget(t);
  const database = openDb({ log: silentLog, max: 5, queryTimeoutMs: 20_000, connectTimeoutMs: 20_000, ...target });
  t.after(() => database.close());
  const postgres = await startTcpProxy({ to: databaseAddress(target) });
  t.after(() => postgres.close());
  const flink = options.cluster
    ? undefined
    : await startFlinkStandIn({ version: options.release ?? '1.20.5', dir: join(dir, 'flink'), timing: { checkpointIntervalMs: 1000 } });
  if (flink) t.after(() => flink.close());
  const cluster = options.cluster ?? { url: flink!.url, checkpointDir: flink!.checkpointDir, savepointDir: flink!.savepointDir };
  const flinkProxy = await startTcpProxy({ to: { host: '127.0.0.1', port: Number(new URL(cluster.url).port) } });
  t.after(() => flinkProxy.close());

  const gitPassword = newSecret();
  await writeFile(join(dir, 'git-password'), gitPassword);
  const git = await startGitServer({ dir: join(dir, 'git'), port: 0, user: 'sluice', password: gitPassword });
  t.after(() => git.close());
  await commitChange({ dir: join(dir, 'git'), branch: 'fails', files: { FAIL: 'yes\n' }, message: 'A build that fails' });
  const botToken = `xoxb-faults-${newSecret()}`;
  const signingSecret = newSecret();
  const practice = await createPractice({
    port: 0,
    botToken,
    signingSecret,
    transport: 'http',
    limits: 'off',
    manifest: buildManifest({ transport: 'http', publicUrl: 'http://127.0.0.1', commands: [...commands] }),
  });
  t.after(() => practice.close());
  const client = connectPractice(practice.url);
  t.after(async () => client.close());
  const slack = await startTcpProxy({ to: { host: '127.0.0.1', port: Number(new URL(practice.url).port) } });
  t.after(() => slack.close());

  await mkdir(join(home, 'artifacts'), { recursive: true });
  await writeFile(
    join(dir, 'sluice.yaml'),
    stringify({
      admins: [{ teamId: defaultSeed.team.id, userId: 'U0LENA', name: 'lena' }],
      slack: { defaultChannel: channel, alertChannel: 'C0ALERTS', teamId: defaultSeed.team.id },
      git: { plainHttpHosts: [new URL(git.url).host] },
      builds: { minFreeDisk: '1 MB', mavenCommand: await fakeMaven(dir, options.cluster?.artifact.path) },
      starts: { runningWithin: '20s', firstCheckpointWithin: '30s' },
      incidents: { restartingFor: '1s' },
      logLevel: 'warn',
    }),
  );
  await watchForStaleWrites(target);
  const fleet = startFleet({
    count: options.replicas ?? 1,
    cwd: dir,
    ...(options.frozenForMs === undefined ? {} : { frozenForMs: options.frozenForMs }),
    ...(options.imports ? { imports: options.imports } : {}),
    env: {
      HOME: dir,
      SLUICE_CONFIG: join(dir, 'sluice.yaml'),
      SLUICE_HOME: home,
      SLUICE_HOST: '127.0.0.1',
      SLUICE_PORT: '0',
      SLACK_BOT_TOKEN: botToken,
      SLACK_SIGNING_SECRET: signingSecret,
      SLACK_API_URL: practice.apiUrl.replace(/:\d+/, `:${slack.port}`),
      DATABASE_URL: urlThrough(postgres, target),
      ...options.env,
    },
  });
  t.after(() => fleet.close());
  const front = await startFront(() => fleet.replicas);
  t.after(() => front.close());
  practice.setRequestUrl(`http://127.0.0.1:${front.port}/slack/events`);

  const artifact = options.cluster?.artifact ?? (await plainJar(dir));
  const { sha256, size } = await createFolderStore(join(home, 'artifacts')).put(artifact.path);
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: team, channel, alertChannel: 'C0ALERTS' });
    for (const { name, bot } of defaultSeed.people) {
      const role = roles[name];
      if (!bot) await putPerson(tx, { ...personOf(name), memberships: role ? [{ team, role }] : [] });
    }
    await putCluster(tx, { name: 'standalone', kind: 'standalone', url: `http://127.0.0.1:${flinkProxy.port}`, pathsReadable: true });
    await putProject(tx, {
      name: 'etl',
      team,
      url: git.url,
      branch: 'main',
      credential: { kind: 'password', username: 'sluice', secret: { file: join(dir, 'git-password') } },
      module: null,
      buildArgs: [],
      artifact: null,
    });
    await recordArtifact(tx, { sha256, size, name: artifact.name, mainClass: artifact.mainClass, source: 'upload', createdAt: now });
  });
  let jobs = 0;
  const people = await peopleAt(database.db, new Date(0));
  await fleet.ready();
  return {
    lostPosts: 0,
    get jobs() {
      return jobs;
    },
    people,
    async dropRole(name) {
      await database.transaction((tx) => putPerson(tx, { ...personOf(name), memberships: [] }));
      people.push(...(await peopleAt(database.db)));
    },
    dir,
    home,
    practice,
    client,
    fleet,
    flink,
    proxies: { postgres, flink: flinkProxy, slack },
    database,
    async addJob(name, change = {}) {
      jobs++;
      const definition: JobDefinition = {
        cluster: 'standalone',
        environment: 'development',
        artifact: sha256,
        mainClass: artifact.mainClass,
        args: [],
        parallelism: 1,
        checkpointInterval: '1s',
        checkpointDir: `file://${cluster.checkpointDir}`,
        savepointDir: `file://${cluster.savepointDir}`,
        flink: {},
        links: [],
        ...change,
      };
      await database.transaction(async (tx) => {
        await createJob(tx, {
          name,
          team,
          kind: 'jar',
          mode: 'streaming',
          project: 'etl',
          definition,
          origin: 'apply',
          createdBy: personOf('lena'),
        });
      });
    },
  };
}

function urlThrough(proxy: TcpProxy, target: Awaited<ReturnType<typeof createTestTarget>>): string {
  if ('url' in target) {
    const url = new URL(target.url);
    url.host = `127.0.0.1:${proxy.port}`;
    return url.href;
  }
  return `postgres://${target.connection.user}@127.0.0.1:${proxy.port}/${target.connection.database}`;
}
const jarOf = (text: string) =>
  makeZip([
    { name: 'META-INF/MANIFEST.MF', data: 'Manifest-Version: 1.0\nMain-Class: shop.Orders\n' },
    { name: 'shop/Orders.class', data: text },
  ]);
/** The same jar as another file: a comment at the end of a zip that has none. */
function withComment(jar: Buffer, comment: string): Buffer {
  const changed = Buffer.concat([jar, Buffer.from(comment)]);
  changed.writeUInt16LE(comment.length, jar.length - 2);
  return changed;
}
async function plainJar(dir: string) {
  const path = join(dir, 'orders.jar');
  await writeFile(path, jarOf('first'));
  return { path, name: 'orders.jar', mainClass: 'shop.Orders' };
}
/** A Maven that compiles nothing and leaves one of a few jars, so that thousands of builds can be made; a file named FAIL in the project makes it fail. */
async function fakeMaven(dir: string, realJar?: string): Promise<string> {
  const jars = join(dir, 'jars');
  await mkdir(jars);
  const real = realJar === undefined ? undefined : await readFile(realJar);
  for (let n = 0; n < 10; n++) await writeFile(join(jars, `${n}.jar`), real ? withComment(real, `build ${n}`) : jarOf(`build ${n}`));
  const file = join(dir, 'mvn');
  await writeFile(
    file,
    `#!/bin/sh\nif [ -f FAIL ]; then echo '[ERROR] COMPILATION ERROR'; echo '[INFO] BUILD FAILURE'; exit 1; fi\nmkdir -p target\n` +
      `cp ${jars}/$(( $$ % 10 )).jar target/orders-1.0.jar\necho '[INFO] BUILD SUCCESS'\n`,
  );
  await chmod(file, 0o755);
  return file;
}
