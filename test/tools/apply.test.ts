import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { auditOf } from '../../src/access/audit.store.ts';
import { findPerson, listPeople, listTeams } from '../../src/access/people.store.ts';
import { type ArtifactStore, createFolderStore } from '../../src/build/artifact-store.ts';
import type { ConfigProblem } from '../../src/config/problems.ts';
import { ConfigError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { run } from '../../src/core/process.ts';
import { type Database, openDb } from '../../src/db/db.ts';
import { startEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { sql } from '../../src/db/query.ts';
import { listClusters, listDistributions } from '../../src/deploy/clusters.store.ts';
import { yarnOptions } from '../../src/deploy/yarn/options.ts';
import { changeWords } from '../../src/incidents/changes.ts';
import { addVersion, findJob, listJobs, listVersions } from '../../src/jobs/jobs.store.ts';
import { findArtifact } from '../../src/projects/builds.store.ts';
import { createDatabaseStore } from '../../src/projects/database-artifact-store.ts';
import { listProjects } from '../../src/projects/projects.store.ts';
import { applyFolder } from '../../src/tools/apply/apply.ts';
import { makeZip } from '../build/zip.ts';
import { processesNaming } from '../helpers/processes.ts';
import { sharedDb } from '../helpers/shared-db.ts';

type Files = Record<string, object | string | Buffer>;
const team = {
  kind: 'team',
  name: 'data',
  channel: 'C0ETL',
  alertChannel: 'C0ALERTS',
  onCall: 'S0ONCALL',
  escalateTo: 'S0LEADS',
  thresholds: { 'recoverable-within': '15 min' },
};
const cluster = {
  kind: 'cluster',
  name: 'standalone',
  type: 'standalone',
  url: 'http://jobmanager:8081',
  team: 'data',
  distribution: 'flink-1.20.5',
  pathsReadable: true,
  checkpointDir: 's3://lake/checkpoints',
};
const project = {
  kind: 'project',
  name: 'etl-jobs',
  team: 'data',
  url: 'https://git.example.com/data/etl.git',
  branch: 'main',
  module: 'jobs',
  buildArgs: ['-Pfast'],
  credential: { type: 'token', secret: { env: 'GIT_TOKEN' } },
};
const job = {
  kind: 'job',
  name: 'etl-orders',
  team: 'data',
  project: 'etl-jobs',
  cluster: 'standalone',
  parameters: { parallelism: 2, args: '--rate 50', 'execution.checkpointing.timeout': '5 min' },
};
const all: Files = {
  'teams/data.yaml': team,
  'people/emma.yml': {
    kind: 'person',
    name: 'Emma',
    slackTeamId: 'T0TEAM',
    slackUserId: 'U0EMMA',
    roles: [{ team: 'data', role: 'engineer' }],
  },
  'people/ada.yaml': { kind: 'person', name: 'Ada', slackTeamId: 'T0TEAM', slackUserId: 'U0ADA', admin: true },
  'distribution.yaml': { kind: 'distribution', name: 'flink-1.20.5', version: '1.20.5', home: '/opt/flink-1.20.5', default: true },
  'cluster.yaml': cluster,
  'project.yaml': project,
  'jobs/orders.yaml': job,
  'notes.txt': 'kind: nothing',
};
const someJar = (text = 'x') =>
  makeZip([
    { name: 'META-INF/MANIFEST.MF', data: 'Manifest-Version: 1.0\r\nMain-Class: shop.Orders\r\n\r\n' },
    { name: 'shop/Orders.class', data: text },
  ]);

async function writeFolder(t: TestContext, files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-apply-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await change(folder, files);
  return folder;
}
async function change(folder: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), typeof content === 'string' || Buffer.isBuffer(content) ? content : stringify(content));
  }
}
interface Rig {
  database: Database;
  artifacts: ArtifactStore;
  folder: string;
  apply(plainHttpHosts?: string[]): ReturnType<typeof applyFolder>;
  /** How many rows there are in everything that a folder can change. */
  counts(): Promise<Record<string, number>>;
  /** The problems that applying is refused with, by file and line, and the table of them. */
  problems(): Promise<{ table: string; rows: ConfigProblem[] }>;
}
async function setUp(t: TestContext, files: Files): Promise<Rig> {
  const database = await sharedDb(t);
  const folder = await writeFolder(t, files);
  const artifacts = createFolderStore(join(folder, '..', `${folder}-artifacts`));
  t.after(() => rm(`${folder}-artifacts`, { recursive: true, force: true }));
  const apply = (hosts: string[] = []) => applyFolder(database, artifacts, folder, hosts);
  return {
    database,
    artifacts,
    folder,
    apply,
    async counts() {
      const out: Record<string, number> = {};
      for (const table of [
        'teams',
        'people',
        'memberships',
        'clusters',
        'distributions',
        'projects',
        'jobs',
        'job_versions',
        'artifacts',
        'artifact_chunks',
        'audit',
      ]) {
        const { rows } = await database.db.execute<{ n: number }>(sql`select count(*)::int as n from ${sql.identifier(table)}`);
        out[table] = rows[0]?.n ?? 0;
      }
      return out;
    },
    async problems() {
      const error = await apply().then(
        () => assert.fail('the folder was applied'),
        (e: unknown) => e,
      );
      assert.ok(error instanceof ConfigError, String(error));
      const rows = (error.details['problems'] as ConfigProblem[]).map((p) => ({
        ...p,
        where: p.where.replace(`${relative(process.cwd(), folder)}/`, ''),
      }));
      return { table: error.message, rows };
    },
  };
}

describe('a folder that is applied', () => {
  it('registers every kind of object, with all that its file says', async (t) => {
    const { database, apply } = await setUp(t, all);
    const { db } = database;
    assert.deepEqual(await apply(), { created: ['etl-orders'], changed: [], unchanged: 0 });
    const { kind: _, ...teamRow } = team;
    assert.deepEqual(await listTeams(db), [teamRow]);
    assert.deepEqual(
      (await listPeople(db)).map((p) => [p.ref.name, p.ref.userId, p.admin, p.active, p.memberships]),
      [
        ['Ada', 'U0ADA', true, true, []],
        ['Emma', 'U0EMMA', false, true, [{ team: 'data', role: 'engineer' }]],
      ],
    );
    assert.deepEqual(await listDistributions(db), [
      { name: 'flink-1.20.5', version: '1.20.5', home: '/opt/flink-1.20.5', isDefault: true },
    ]);
    const [c] = await listClusters(db);
    assert.deepEqual(
      [c?.name, c?.kind, c?.url, c?.team, c?.distribution, c?.pathsReadable, c?.options],
      ['standalone', 'standalone', 'http://jobmanager:8081', 'data', 'flink-1.20.5', true, { checkpointDir: 's3://lake/checkpoints' }],
    );
    const [p] = await listProjects(db);
    assert.deepEqual(
      [p?.name, p?.url, p?.branch, p?.module, p?.buildArgs, p?.credential],
      ['etl-jobs', project.url, 'main', 'jobs', ['-Pfast'], { kind: 'token', secret: { env: 'GIT_TOKEN' } }],
    );
    const j = await findJob(db, 'etl-orders');
    assert.deepEqual(
      [j?.team, j?.project, j?.kind, j?.mode, j?.currentVersion, j?.current.origin],
      ['data', 'etl-jobs', 'jar', 'streaming', 1, 'apply'],
    );
    assert.deepEqual(j?.current.definition, {
      cluster: 'standalone',
      environment: 'production',
      parallelism: 2,
      args: ['--rate', '50'],
      flink: { 'execution.checkpointing.timeout': '5 min' },
      links: [],
    });
  });

  it('an observed cluster needs a team for the jobs that appear there', async (t) => {
    const seen = await setUp(t, {
      ...all,
      'cluster-old.yaml': { kind: 'cluster', name: 'old', type: 'standalone', url: 'http://old:8081', team: 'data', observe: true },
    });
    await seen.apply();
    assert.deepEqual(
      (await listClusters(seen.database.db)).map((one) => [one.name, one.observed]),
      [
        ['old', true],
        ['standalone', false],
      ],
    );
    const lacking = await setUp(t, {
      ...all,
      'cluster-old.yaml': { kind: 'cluster', name: 'old', type: 'standalone', url: 'http://old:8081', observe: true },
    });
    assert.match((await lacking.problems()).table, /observe.*needs a team/);
  });

  it('a YARN is only observed, with what it looks at', async (t) => {
    const grid = { kind: 'cluster', name: 'grid', type: 'yarn', url: 'http://rm1:8088', team: 'data', observe: true };
    const chosen = { otherUrls: ['http://rm2:8088'], users: ['etl', 'ann'], queues: ['root.etl'], applications: ['etl-*'] };
    const seen = await setUp(t, { ...all, 'grid.yaml': { ...grid, yarn: chosen } });
    await seen.apply();
    const stored = (await listClusters(seen.database.db)).find((one) => one.name === 'grid');
    assert.deepEqual(yarnOptions(stored!), {
      urls: ['http://rm1:8088', 'http://rm2:8088'],
      proxyUrl: undefined,
      filter: { users: ['etl', 'ann'], queues: ['root.etl'], names: ['etl-*'] },
    });
    const { observe: _, ...acting } = grid;
    const refused = await setUp(t, { ...all, 'grid.yaml': acting, 'cluster.yaml': { ...cluster, name: 'other', yarn: chosen } });
    const { table } = await refused.problems();
    assert.match(table, /type.*a YARN can only be observed/);
    assert.match(table, /yarn.*is for clusters of type yarn/);
  });

  it('a second time changes nothing', async (t) => {
    const { apply, counts } = await setUp(t, all);
    await apply();
    const { audit: _, ...before } = await counts();
    assert.deepEqual(await apply(), { created: [], changed: [], unchanged: 1 });
    const { audit: __, ...after } = await counts();
    assert.deepEqual(after, before);
  });

  it('makes the next version of a job whose parameters changed, and keeps the artifact that was built', async (t) => {
    const { database, folder, apply } = await setUp(t, all);
    await apply();
    const built = 'b'.repeat(64);
    const { current } = (await findJob(database.db, 'etl-orders'))!;
    await database.transaction((tx) =>
      addVersion(tx, 'etl-orders', {
        definition: { ...current.definition, artifact: built },
        origin: 'build',
        createdBy: { teamId: 'T', userId: 'U' },
      }),
    );
    assert.deepEqual(await apply(), { created: [], changed: [], unchanged: 1 }, 'a build is no change of the folder');
    await change(folder, { 'jobs/orders.yaml': { ...job, parameters: { ...job.parameters, parallelism: 8 } } });
    assert.deepEqual(await apply(), { created: [], changed: ['etl-orders'], unchanged: 0 });
    const versions = await listVersions(database.db, 'etl-orders');
    assert.deepEqual(
      versions.map((v) => [v.number, v.origin, v.definition.parallelism, v.definition.artifact]),
      [
        [3, 'apply', 8, built],
        [2, 'build', 2, built],
        [1, 'apply', 2, undefined],
      ],
    );
    assert.equal((await findJob(database.db, 'etl-orders'))?.currentVersion, 3);
  });

  it('changes what is there and takes nothing away that has no file any more', async (t) => {
    const { database, folder, apply } = await setUp(t, all);
    await apply();
    await rm(join(folder, 'people/emma.yml'));
    await change(folder, {
      'teams/data.yaml': { kind: 'team', name: 'data' },
      'teams/other.yaml': { kind: 'team', name: 'other' },
      'jobs/orders.yaml': { ...job, team: 'other' },
    });
    assert.deepEqual(await apply(), { created: [], changed: ['etl-orders'], unchanged: 0 });
    assert.deepEqual(
      (await listTeams(database.db)).map((row) => [row.name, row.channel]),
      [
        ['data', null],
        ['other', null],
      ],
    );
    assert.ok(await findPerson(database.db, { teamId: 'T0TEAM', userId: 'U0EMMA' }));
    const moved = await findJob(database.db, 'etl-orders');
    assert.deepEqual([moved?.team, moved?.currentVersion], ['other', 1]);
  });

  it('keeps a jar that a job names by its path, in either store, and takes a new one for a new version', async (t) => {
    for (const inDatabase of [false, true]) {
      const {
        database,
        folder,
        apply,
        artifacts: inFolder,
      } = await setUp(t, { ...all, 'jobs/orders.yaml': { ...job, jar: '../jars/orders.jar' }, 'jars/orders.jar': someJar() });
      const artifacts = inDatabase ? createDatabaseStore(database) : inFolder;
      const applied = () => (inDatabase ? applyFolder(database, artifacts, folder, []) : apply());
      await applied();
      const sha256 = (await findJob(database.db, 'etl-orders'))?.current.definition.artifact ?? '';
      const row = await findArtifact(database.db, sha256);
      assert.deepEqual([row?.name, row?.size, row?.mainClass, row?.source], ['orders.jar', someJar().length, 'shop.Orders', 'path']);
      assert.ok((await readFile(await artifacts.openPath(sha256, join(folder, 'out')))).equals(someJar()));
      assert.deepEqual(await applied(), { created: [], changed: [], unchanged: 1 });
      await change(folder, { 'jars/orders.jar': someJar('changed') });
      assert.deepEqual(await applied(), { created: [], changed: ['etl-orders'], unchanged: 0 });
      assert.equal((await listJobs(database.db))[0]?.currentVersion, 2);
    }
  });

  it('lets plain http through to the hosts that an admin listed, and to no other', async (t) => {
    const { apply, problems } = await setUp(t, { ...all, 'project.yaml': { ...project, url: 'http://git.internal:3000/etl.git' } });
    const { rows } = await problems();
    assert.deepEqual([rows.length, rows[0]?.where, rows[0]?.key], [1, 'project.yaml:4:6', 'url']);
    assert.match(
      `${rows[0]?.problem} ${rows[0]?.expected}`,
      /Plain http:\/\/ to git\.internal:3000 is not allowed.*ask an admin to list git\.internal:3000/,
    );
    await apply(['git.internal:3000']);
  });
});

it('what a folder changed is in the audit by the names of fields and parameters; what it leaves alone is not', async (t) => {
  const rig = await setUp(t, all);
  await rig.apply();
  await rig.apply();
  const told = async (subject: string) => (await auditOf(rig.database.db, subject)).map((row) => changeWords(row));
  assert.deepEqual([await told('cluster:standalone'), await told(`job:${job.name}`)], [[], []]);
  await change(rig.folder, {
    'cluster.yaml': { ...cluster, url: 'http://other:8081', checkpointDir: 's3://lake/other' },
    'jobs/orders.yaml': { ...job, parameters: { ...job.parameters, parallelism: 7 } },
  });
  await rig.apply();
  assert.deepEqual(await told('cluster:standalone'), ['cluster standalone: url, checkpointDir changed by apply']);
  assert.match((await told(`job:${job.name}`))[0] ?? '', /^v2 by apply: parallelism .* → 7$/);
});

describe('a folder with mistakes', () => {
  it('says of a threshold of a team which one it does not know, and what is no duration', async (t) => {
    const thresholds = { 'recoverable-within': 'soon', 'restarting-for': '1 min', 'recoverable-wihtin': '1h' };
    const { rows } = await (await setUp(t, { ...all, 'teams/data.yaml': { ...team, thresholds } })).problems();
    assert.deepEqual(
      rows.map((row) => [row.key, row.nearest ?? row.expected]),
      [
        ['thresholds.recoverable-within', 'a duration of at least 1.0 s: a number with ms, s, min, h or d'],
        ['thresholds.recoverable-wihtin', 'recoverable-within'],
      ],
      JSON.stringify(rows),
    );
  });
  it('is refused with every one of them at once, in order, each with its place and what was meant; and nothing is written', async (t) => {
    const { problems, counts } = await setUp(t, {
      ...all,
      'cluster-2.yaml': { kind: 'cluster', name: 'other', type: 'mesos', url: 'ftp://x', team: 'dat', distribution: 'flink-1.20.6' },
      'cluster-3.yaml': { ...cluster, name: 'third', team: 'dat', distribution: 'flink-1.20.6' },
      'jobs/bad.yaml': {
        kind: 'job',
        name: 'bad',
        team: 'dta',
        cluster: 'standalon',
        project: 'etl-job',
        jar: 'missing.jar',
        parameters: { paralellism: 2, parallelism: 'many', cluster: 'x', 'checkpoint-interval': '10s' },
      },
      'jobs/good.yaml': { ...job, name: 'good', jar: '../good.jar' },
      'good.jar': someJar(),
      'jobs/orders-again.yaml': job,
      'kindless.yaml': 'name: x\n',
      'kinds.yaml': { kind: 'teem', name: 'platform' },
      'person.yaml': { kind: 'person', name: 'Omar', slackTeamId: 'T0TEAM', slackUserId: 'omar', roles: [] },
      'person-2.yaml': {
        kind: 'person',
        name: 'Lars',
        slackTeamId: 'T0TEAM',
        slackUserId: 'U0LARS',
        roles: [
          { team: 'data', role: 'lead' },
          { team: 'dota', role: 'lead' },
        ],
      },
      'project-2.yaml': {
        ...project,
        name: 'two',
        url: 'https://emma:hunter2@git.example.com/etl.git',
        buildArgs: ['--file=/etc/pom.xml'],
        module: '../up',
      },
      'project-3.yaml': {
        kind: 'project',
        name: 'three',
        team: 'platform',
        url: 'https://git.example.com/x.git',
        credential: { type: 'token', secret: 'hunter2' },
      },
      'syntax.yaml': 'kind: team\nname: [\n',
      'teams/extra.yaml': { kind: 'team', name: 'extra', chanel: 'C0ETL' },
      'uses-extra.yaml': { ...job, name: 'uses-extra', team: 'extra', cluster: 'other' },
    });
    const before = await counts();
    const { table, rows } = await problems();
    const found = rows.map((p) => `${p.where.replace(/:\d+$/, '')} ${p.key}: ${p.problem}${p.nearest ? ` (${p.nearest})` : ''}`);
    const expected = [
      'cluster-2.yaml:3 type: "mesos" cannot be used here',
      'cluster-2.yaml:4 url: "ftp://x" cannot be used here',
      'cluster-3.yaml:5 team: there is no team dat (data)',
      'cluster-3.yaml:6 distribution: there is no distribution flink-1.20.6 (flink-1.20.5)',
      'jobs/bad.yaml:3 team: there is no team dta (data)',
      'jobs/bad.yaml:4 cluster: there is no cluster standalon (standalone)',
      'jobs/bad.yaml:5 project: there is no project etl-job (etl-jobs)',
      'jobs/bad.yaml:6 jar: There is no file missing.jar.',
      'jobs/bad.yaml:8 parameters.paralellism: There is no parameter paralellism. Did you mean parallelism?',
      'jobs/bad.yaml:9 parameters.parallelism: parallelism is a whole number from 1 to 32768, not many.',
      'jobs/bad.yaml:10 parameters.cluster: cluster stands beside parameters, not in them',
      'jobs/orders.yaml:2 name: job etl-orders is also in ',
      'kindless.yaml:1 kind: is missing',
      'kinds.yaml:1 kind: teem is no kind (team)',
      'person-2.yaml:8 roles.1.team: there is no team dota (data)',
      'person.yaml:4 slackUserId: "omar" cannot be used here',
      'project-2.yaml:4 url: The repository address holds a user name or password.',
      'project-2.yaml:6 module: “../up” is not the path of a module.',
      'project-2.yaml:8 buildArgs: ',
      'project-3.yaml:6 credential: a group of keys cannot be used here',
      'syntax.yaml:3 (syntax): ',
      'teams/extra.yaml:3 chanel: is no key that Sluice knows (channel)',
    ];
    assert.equal(found.length, expected.length, found.join('\n'));
    for (const [i, start] of expected.entries()) assert.ok(found[i]?.startsWith(start), `${found[i]}\nis not\n${start}`);
    for (const p of rows) assert.ok(p.expected || p.key.startsWith('parameters.'), `${p.where} says nothing of what is expected`);
    assert.equal(rows.find((p) => p.key === 'team' && p.where.startsWith('jobs/bad'))?.expected, 'one of data, platform, extra');
    assert.equal(rows.find((p) => p.key === 'credential')?.expected?.includes('{env: NAME}'), true);
    assert.match(table, /^The folder has \d+ problems:\n/);
    assert.doesNotMatch(table, /hunter2/);
    assert.deepEqual(await counts(), before);
  });

  it('that is not there, or empty, says so', async (t) => {
    const { database, artifacts, apply } = await setUp(t, {});
    assert.deepEqual(await apply(), { created: [], changed: [], unchanged: 0 });
    await assert.rejects(applyFolder(database, artifacts, '/no/such/folder', []), /There is no folder \/no\/such\/folder/);
  });
});

describe('npm run apply', { timeout: 300_000 }, () => {
  const script = fileURLToPath(new URL('../../src/tools/apply.ts', import.meta.url));
  async function home(t: TestContext): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-apply-home-'));
    t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
    return dir;
  }
  const program = (homeDir: string, ...args: string[]) =>
    run(process.execPath, [script, ...args], { cwd: homeDir, env: { SLUICE_HOME: homeDir }, timeoutMs: 120_000 });

  it('works without a running Sluice and beside one, and ends what it started', async (t) => {
    const homeDir = await home(t);
    const folder = await writeFolder(t, all);
    const first = await program(homeDir, folder);
    assert.deepEqual([first.code, first.stdout], [0, `Applied ${folder}: 1 job created, 0 changed, 0 unchanged.\n`], first.tail.join('\n'));
    assert.deepEqual(await processesNaming(homeDir), new Map(), 'its PostgreSQL is left');

    const dataDir = join(homeDir, 'db');
    const server = await startEmbedded({ dataDir, log: silentLog });
    try {
      await migrate({ connection: server.connection, log: silentLog });
      await change(folder, { 'jobs/orders.yaml': { ...job, parameters: { parallelism: 3 } } });
      const beside = await program(homeDir, folder);
      assert.deepEqual(
        [beside.code, beside.stdout],
        [0, `Applied ${folder}: 0 jobs created, 1 changed, 0 unchanged.\n`],
        beside.tail.join('\n'),
      );
      const database = openDb({ connection: server.connection, log: silentLog });
      assert.equal((await findJob(database.db, 'etl-orders'))?.currentVersion, 2, 'the server runs on and has what was applied');
      await database.close();
    } finally {
      await server.stop();
    }
  });

  it('tells what is wrong without a stack trace, and fails', async (t) => {
    const homeDir = await home(t);
    const none = await program(homeDir);
    assert.equal(none.code, 1);
    assert.deepEqual(none.tail, ['Which folder?', 'npm run apply -- <folder of YAML files>']);
    const wrong = await program(homeDir, await writeFolder(t, { 'job.yaml': { ...job, team: 'nobody' } }));
    assert.equal(wrong.code, 1);
    assert.match(wrong.tail.join('\n'), /The folder has 3 problems:\n.*job\.yaml:3:7 +team +there is no team nobody/);
    assert.doesNotMatch(wrong.tail.join('\n'), /^ +at /m);
  });
});
