import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { AuditRow } from '../../src/access/audit.store.ts';
import type { Directory } from '../../src/access/directory.ts';
import { putPerson, putTeam } from '../../src/access/people.store.ts';
import type { Role } from '../../src/access/policy.ts';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import { commands } from '../../src/commands/index.ts';
import { parseCommand } from '../../src/commands/parse.ts';
import { createPickers, type Pickers } from '../../src/commands/picker.ts';
import { questionOf } from '../../src/commands/question.ts';
import type { CommandRequest, HandleCommand } from '../../src/commands/request.ts';
import { createRouter } from '../../src/commands/router.ts';
import type { CommandServices } from '../../src/commands/spec.ts';
import { NotFoundError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { type Action, type Message, messageToText } from '../../src/core/message.ts';
import { sleep } from '../../src/core/time.ts';
import { inMs, moveClock } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { asc, eq, sql } from '../../src/db/query.ts';
import { approvals, audit, operations, outboxMessages } from '../../src/db/schema/index.ts';
import { findCluster, putCluster } from '../../src/deploy/clusters.store.ts';
import type { ClusterFacts, Deployer, RunSight } from '../../src/deploy/deployer.ts';
import type { Deployers } from '../../src/deploy/deployers.ts';
import { addVersion, createJob, findJob, type JobDefinition } from '../../src/jobs/jobs.store.ts';
import { insertRun, type RunChange, updateRun } from '../../src/jobs/runs.store.ts';
import type { Approval } from '../../src/operations/approvals.store.ts';
import { operationKinds } from '../../src/operations/kinds/index.ts';
import type { Operation } from '../../src/operations/types.ts';
import { putProject } from '../../src/projects/projects.store.ts';
import { recordRestorePoint, restorePointsOfRun } from '../../src/restore-points/restore-points.store.ts';
import { fillCommand } from '../../src/web/fill-command.ts';
import { createTestDb } from './test-db.ts';

const T = 'T0TEAM';
export interface Somebody {
  teamId: string;
  userId: string;
  name: string;
}
const somebody = (userId: string, name: string): Somebody => ({ teamId: T, userId, name });
export const emma = somebody('U0EMMA', 'Emma');
export const lena = somebody('U0LENA', 'Lena');
export const lars = somebody('U0LARS', 'Lars');
export const omar = somebody('U0OMAR', 'Omar');
export const otto = somebody('U0OTTO', 'Otto');
export const ada = somebody('U0ADA', 'Ada');
export const vic = somebody('U0VIC', 'Vic');
/** A lead of another team. */
export const nina = somebody('U0NINA', 'Nina');

export const minute = 60_000;
export const hour = 60 * minute;

export const definition: JobDefinition = {
  cluster: 'standalone',
  environment: 'production',
  artifact: 'a'.repeat(64),
  mainClass: 'com.example.etl.OrdersJob',
  args: [],
  parallelism: 2,
  checkpointInterval: '10s',
  flink: {},
  links: [],
};

export interface Said {
  message: Message;
  text: string;
  actions: Action[];
  /** The command line behind a button. */
  button(label: string): string;
}
export interface Where {
  kind?: CommandRequest['origin']['kind'];
  /** `C0ETL` by default; undefined: no channel (the page). */
  channel?: string | undefined;
  threadTs?: string;
  /** Says it as this very delivery; a fresh one by default. */
  key?: string;
}
export interface World {
  database: Database;
  /** A folder whose paths the cluster's file paths may name. */
  dir: string;
  /** What the stub cluster answers; what is not here is not asked for. */
  cluster: StubCluster;
  wakes(): number;
  /** The router itself, for what comes before its last answer. */
  handle: HandleCommand;
  /** The lists behind the forms. */
  pickers: Pickers;
  say(person: Somebody, line: string, where?: Where): Promise<Said>;
  /** Says it and expects a refusal that leaves no row behind. */
  refused(person: Somebody, line: string, why: RegExp, where?: Where): Promise<Said>;
  /** Says it, then delivers the same again: same answer, no second effect. */
  once(person: Somebody, line: string): Promise<Said>;
  /** Five deliveries of the same request at the same moment: one answer for all. */
  fiveAtOnce(person: Somebody, line: string): Promise<Said>;
  /** All at the same moment for certain: each has looked and begun to write before any of them can end; in this order. */
  together(...says: (() => Promise<Said>)[]): Promise<Said[]>;
  operations(job?: string): Promise<Operation[]>;
  /** The only operation there is. */
  theOperation(): Promise<Operation>;
  approval(operationId: string): Promise<Approval | undefined>;
  /** The message under a key of the outbox, as text with its buttons. */
  posted(dedupeKey: string): Promise<Said & { channel: string; version: number }>;
  audited(action: string): Promise<AuditRow[]>;
  moveClock(ms: number): Promise<void>;
  run(job: string, change?: SeededRun): Promise<string>;
  restorePoint(job: string, runId: string, point?: Partial<Parameters<typeof recordRestorePoint>[1]> & { ago?: number }): Promise<string>;
}
export type SeededRun = Omit<RunChange, 'version'> & { ago?: number; version?: number };
export interface StubCluster {
  facts: ClusterFacts | Error | Promise<ClusterFacts>;
  sight: RunSight;
  rootCause: Awaited<ReturnType<Deployer['rootCause']>>;
  logs: { from: string; text: string }[] | Error;
}

/** A refusal leaves nothing but its answer (in deliveries), which a second delivery gets again. */
const counted = ['operations', 'approvals', 'job_versions', 'outbox_messages', 'audit', 'runs', 'incidents'];

/**
 * PostgreSQL with a team, its people (emma engineer, lena and lars leads, omar on-call, vic viewer; ada admin; nina leads another team; otto has no
 * role), a cluster and the jobs etl-orders (production, v1 and v2) and customers (development); the real router over a strict stub of Flink.
 */
export async function createWorld(
  t: TestContext,
  options: {
    pathsReadable?: boolean;
    directory?: Directory;
    defaultChannel?: string | undefined;
    disk?: CommandServices['disk'];
    channels?: CommandServices['channels'];
  } = {},
): Promise<World> {
  const database = await createTestDb(t);
  const dir = await mkdtemp(join(tmpdir(), 'sluice-commands-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const cluster: StubCluster = {
    facts: { flinkVersion: '1.20.5', slotsTotal: 8, slotsAvailable: 6, taskManagers: 2, jobsRunning: 1 },
    sight: { is: 'gone' },
    rootCause: undefined,
    logs: [],
  };
  await seed(database, options.pathsReadable ?? false);
  let wakes = 0;
  let deliveries = 0;
  const services: CommandServices = {
    database,
    deployers: stubDeployers(database, cluster),
    artifacts: createFolderStore(join(dir, 'artifacts')),
    openCredential: () => Promise.reject(new Error('no command opens a credential')),
    buildTurn: async () => () => {},
    workDir: dir,
    settings: {
      publicUrl: 'https://sluice.example.com',
      plainHttpHosts: [],
      buildTimeoutMs: minute,
      buildNoOutputTimeoutMs: minute,
      minFreeDiskBytes: 0,
      mavenCommand: 'mvn',
      runningWithinMs: minute,
      approvalLifetimeMs: hour,
    },
    log: silentLog,
    kinds: operationKinds,
    disk: options.disk,
    ...(options.channels ? { channels: options.channels } : {}),
    directory: options.directory,
    defaultChannel: 'defaultChannel' in options ? options.defaultChannel : 'C0DEFAULT',
    alertChannel: undefined,
    wake: () => wakes++,
  };
  const handle: HandleCommand = createRouter(services, commands);
  const { db } = database;
  async function say(person: Somebody, line: string, where: Where = {}): Promise<Said> {
    const reply = await handle({
      line,
      person,
      origin: {
        kind: where.kind ?? 'typed',
        ...('channel' in where && where.channel === undefined ? {} : { channel: where.channel ?? 'C0ETL' }),
        ...(where.threadTs ? { threadTs: where.threadTs } : {}),
      },
      deliveryKey: where.key ?? `delivery-${++deliveries}`,
    });
    const message = await (reply.later ?? reply.message);
    for (const row of await db.select().from(outboxMessages)) checkButtons(row.desired as Message);
    return said(message);
  }
  async function counts(): Promise<Record<string, number>> {
    const out: Record<string, number> = {};
    for (const table of counted) {
      const { rows } = await db.execute<{ n: number }>(sql`select count(*)::int as n from ${sql.identifier(table)}`);
      out[table] = rows[0]?.n ?? 0;
    }
    return out;
  }
  async function lockWaits(): Promise<number> {
    const { rows } = await db.execute<{ n: number }>(
      sql`select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0]?.n ?? 0;
  }
  const key = () => `delivery-${++deliveries}`;
  return {
    database,
    dir,
    cluster,
    wakes: () => wakes,
    handle,
    pickers: createPickers(services, commands),
    say,
    async refused(person, line, why, where) {
      const before = await counts();
      const reply = await say(person, line, where);
      assert.match(reply.text, why);
      assert.doesNotMatch(reply.text, /inside Sluice/);
      assert.deepEqual(await counts(), before, `"${line}" was refused, and left rows`);
      return reply;
    },
    async once(person, line) {
      const delivery = key();
      const first = await say(person, line, { key: delivery });
      const before = await counts();
      const second = await say(person, line, { key: delivery });
      assert.deepEqual(plain(second.message), plain(first.message));
      assert.deepEqual(await counts(), before, `the second delivery of "${line}" left rows`);
      return first;
    },
    async fiveAtOnce(person, line) {
      const delivery = key();
      const replies = await Promise.all([1, 2, 3, 4, 5].map(() => say(person, line, { key: delivery })));
      for (const reply of replies) assert.deepEqual(plain(reply.message), plain(replies[0]!.message));
      return replies[0]!;
    },
    async together(...says) {
      // Every effect ends with its audit row, so whoever holds the audit's lock holds them all back.
      const holding = Promise.withResolvers<void>();
      const goOn = Promise.withResolvers<void>();
      const holder = database.transaction(async (tx) => {
        await tx.execute(sql`select pg_advisory_xact_lock(7301, 1)`);
        holding.resolve();
        await goOn.promise;
      });
      await holding.promise;
      const running: Promise<Said>[] = [];
      for (const begin of says) {
        let isOver = false;
        running.push(begin().finally(() => (isOver = true)));
        for (let waiting = 0; waiting < running.length && !isOver; await sleep(5)) waiting = await lockWaits();
      }
      goOn.resolve();
      await holder;
      return Promise.all(running);
    },
    operations: (job) =>
      db
        .select()
        .from(operations)
        .where(job === undefined ? undefined : eq(operations.job, job))
        .orderBy(asc(operations.createdAt)),
    async theOperation() {
      const rows = await db.select().from(operations);
      assert.equal(rows.length, 1, `one operation, not ${rows.length}`);
      return rows[0]!;
    },
    approval: async (id) => (await db.select().from(approvals).where(eq(approvals.operationId, id)))[0],
    async posted(dedupeKey) {
      const [row] = await db.select().from(outboxMessages).where(eq(outboxMessages.dedupeKey, dedupeKey));
      assert.ok(row, `no message ${dedupeKey}`);
      return { ...said(row.desired as Message), channel: row.channel, version: row.desiredVersion };
    },
    audited: (action) => db.select().from(audit).where(eq(audit.action, action)),
    moveClock: (ms) => moveClock(db, ms),
    async run(job, { ago = 3 * hour, version, ...change } = {}) {
      const id = `run_${key()}`;
      const current = (await findJob(db, job))!;
      await database.transaction(async (tx) => {
        await insertRun(tx, {
          id,
          job,
          version: version ?? current.currentVersion,
          cluster: 'standalone',
          flinkJobId: String(++deliveries).padStart(32, '0'),
          operationId: 'op_earlier',
          state: 'RUNNING',
          stateAt: inMs(-1000),
          startedBy: emma,
          startedAt: inMs(-ago),
          beginning: 'fresh',
        });
        await updateRun(tx, id, {
          runningAt: inMs(-ago + 2000),
          tasksRunning: 4,
          tasksTotal: 4,
          flinkVersion: '1.20.5',
          checkpointIntervalMs: 10_000,
          ...change,
        });
      });
      return id;
    },
    async restorePoint(job, runId, { ago = 10 * minute, ...point } = {}) {
      await recordRestorePoint(db, {
        job,
        runId,
        version: 1,
        kind: 'savepoint',
        path: `s3://lake/savepoints/savepoint-${++deliveries}`,
        size: 24_000,
        takenAt: new Date(Date.now() - ago),
        flinkVersion: '1.20.5',
        ...point,
      });
      return (await restorePointsOfRun(db, runId))[0]!.id;
    },
  };
}

/** A run that is running, as the cluster proves it. */
export const seen: RunSight = {
  is: 'seen',
  state: 'RUNNING',
  ended: false,
  allRunning: true,
  tasksRunning: 4,
  tasksTotal: 4,
  runningAt: undefined,
  acceptedAt: undefined,
  name: 'etl-orders',
};
/** A run that ended by a stop with savepoint. */
export const stopped: SeededRun = { ended: true, endReason: 'stopped', state: 'FINISHED', endedAt: inMs(-10 * minute), tasksRunning: 0 };

function plain(message: Message): unknown {
  return JSON.parse(JSON.stringify(message));
}
function said(message: Message): Said {
  const actions = checkButtons(message);
  return {
    message,
    text: messageToText(message),
    actions,
    button(label) {
      const action = actions.find((a) => a.label === label);
      assert.ok(action?.command, `no button ${label} among ${actions.map((a) => a.label).join(', ') || 'none'}`);
      return action.command;
    },
  };
}
/** Every button of every message types a command that the table knows. */
export function checkButtons(message: Message): Action[] {
  const all = message.parts.flatMap((part) => (part.kind === 'actions' ? part.actions : []));
  for (const action of all) {
    assert.ok(action.command !== undefined || action.url !== undefined, `the button ${action.label} does nothing`);
    if (action.command === undefined) continue;
    assert.equal(/\{input\}/.test(action.command), action.input !== undefined, `${action.command}: {input} and a form belong together`);
    assert.equal(
      /\{choice\}/.test(action.command),
      action.choice !== undefined,
      `${action.command}: {choice} and a choice belong together`,
    );
    const line = fillCommand(action.command, {
      input: 'a "good" reason',
      choice: action.choice?.options[0]?.value ?? '',
      multiline: false,
    });
    // A line that names no job opens the form that asks for one.
    if (!questionOf(line, commands)) assert.equal(parseCommand(line, commands).is, 'command');
  }
  return all;
}

async function seed(database: Database, pathsReadable: boolean): Promise<void> {
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'data', channel: 'C0ETL', alertChannel: 'C0ALERTS' });
    await putTeam(tx, { name: 'ads', channel: 'C0ADS', alertChannel: null });
    const roles: [Somebody, Role, string?][] = [
      [emma, 'engineer'],
      [lena, 'lead'],
      [lars, 'lead'],
      [omar, 'on-call'],
      [vic, 'viewer'],
      [nina, 'lead', 'ads'],
    ];
    for (const [person, role, team = 'data'] of roles) await putPerson(tx, { ...person, memberships: [{ team, role }] });
    await putPerson(tx, { ...otto, memberships: [] });
    await putPerson(tx, { ...ada, admin: true, memberships: [] });
    await putCluster(tx, { name: 'standalone', kind: 'standalone', url: 'http://127.0.0.1:1', pathsReadable });
    await putProject(tx, {
      name: 'etl',
      team: 'data',
      url: 'https://git.example.com/etl.git',
      branch: 'main',
      credential: { kind: 'none' },
      module: null,
      buildArgs: [],
      artifact: null,
    });
    const job = { team: 'data', kind: 'jar', mode: 'streaming', origin: 'apply', createdBy: ada } as const;
    await createJob(tx, { ...job, name: 'etl-orders', project: 'etl', definition });
    await addVersion(tx, 'etl-orders', {
      definition: { ...definition, parallelism: 4 },
      origin: 'set',
      note: 'parallelism',
      createdBy: emma,
    });
    await createJob(tx, { ...job, name: 'customers', project: null, definition: { ...definition, environment: 'development' } });
  });
}

/** A cluster of which only what commands read can be asked; everything else fails the test. */
function stubDeployers(database: Database, stub: StubCluster): Deployers {
  const answer = async <T>(value: T | Error | Promise<T>): Promise<T> => {
    if (value instanceof Error) throw value;
    return value;
  };
  const known: Partial<Deployer> = {
    facts: () => answer(stub.facts),
    look: () => answer(stub.sight),
    rootCause: () => answer(stub.rootCause),
    checkpoints: () => answer({ completed: [], failed: [], lastFailed: undefined, restored: undefined }),
    logTails: () => answer(stub.logs),
    runUrl: (id) => `https://flink.example.com/#/job/${id}`,
    state: async () => undefined,
  };
  const deployer = new Proxy(known, {
    get(target, name) {
      const found = Reflect.get(target, name);
      if (found === undefined && typeof name === 'string') throw new Error(`a command asked the cluster for ${name}`);
      return found;
    },
  }) as Deployer;
  return {
    async of(name) {
      const cluster = await findCluster(database.db, name);
      if (!cluster) throw new NotFoundError(`There is no cluster ${name}.`);
      return { cluster, deployer };
    },
    close: async () => {},
  };
}
