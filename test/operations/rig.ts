import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { putPerson, putTeam } from '../../src/access/people.store.ts';
import type { Right, Role } from '../../src/access/policy.ts';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import { newId } from '../../src/core/ids.ts';
import { silentLog } from '../../src/core/log.ts';
import { type Message, messageToText, type PersonRef } from '../../src/core/message.ts';
import { sleep } from '../../src/core/time.ts';
import { now } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import type { JobDefinition } from '../../src/db/schema/index.ts';
import { createJob, findJob, type Job } from '../../src/jobs/jobs.store.ts';
import { findRun, insertRun, type Run, type RunInput } from '../../src/jobs/runs.store.ts';
import { type AcceptRequest, accept } from '../../src/operations/accept.ts';
import { execute } from '../../src/operations/execute.ts';
import { claim, findOperation, listSteps } from '../../src/operations/operations.store.ts';
import { stepNamesOf } from '../../src/operations/points.ts';
import type { Execution } from '../../src/operations/run-step.ts';
import type { Json, Operation, OperationKind, Services, Settings } from '../../src/operations/types.ts';
import { findMessage } from '../../src/outbox/outbox.store.ts';
import { recordArtifact } from '../../src/projects/builds.store.ts';
import { makeZip } from '../build/zip.ts';
import { type FakeDeployer, fakeDeployer, fakeDeployers } from '../helpers/fake-deployer.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const jar = makeZip([
  { name: 'META-INF/MANIFEST.MF', data: 'Manifest-Version: 1.0\nMain-Class: shop.Orders\n' },
  { name: 'shop/Orders.class', data: 'x' },
]);
export const sha = createHash('sha256').update(jar).digest('hex');
export const person = (name: string): PersonRef & { name: string } => ({ teamId: 'T1', userId: `U${name.toUpperCase()}`, name });
export const ann = person('ann');
export const lee = person('lee');
export const lou = person('lou');
const settings: Settings = {
  publicUrl: 'http://sluice.example',
  plainHttpHosts: [],
  buildTimeoutMs: 60_000,
  buildNoOutputTimeoutMs: 60_000,
  minFreeDiskBytes: 0,
  mavenCommand: 'mvn',
  runningWithinMs: 60_000,
  approvalLifetimeMs: 3_600_000,
};
export const definition: JobDefinition = {
  cluster: 'standalone',
  environment: 'production',
  artifact: sha,
  args: ['--rate', '100'],
  parallelism: 4,
  savepointDir: 's3://lake/savepoints',
  flink: {},
  links: [],
};

/** Team etl with an engineer (ann), leads (lee, lou) and an on-call (ole); the job etl-orders at v1 with an artifact. */
export async function seed(database: Database, change: Partial<JobDefinition> = {}): Promise<Job> {
  await database.transaction(async (tx) => {
    await putTeam(tx, { name: 'etl', channel: 'C0ETL', alertChannel: null });
    const roles: [string, Role][] = [
      ['ann', 'engineer'],
      ['lee', 'lead'],
      ['lou', 'lead'],
      ['ole', 'on-call'],
      ['vic', 'viewer'],
    ];
    for (const [name, role] of roles) await putPerson(tx, { ...person(name), memberships: [{ team: 'etl', role }] });
    await recordArtifact(tx, { sha256: sha, name: 'orders.jar', size: 10, mainClass: 'shop.Orders', source: 'upload', createdAt: now });
    await createJob(tx, {
      name: 'etl-orders',
      team: 'etl',
      kind: 'jar',
      mode: 'streaming',
      project: null,
      definition: { ...definition, ...change },
      origin: 'form',
      createdBy: ann,
    });
  });
  return (await findJob(database.db, 'etl-orders')) as Job;
}

export interface Rig {
  database: Database;
  services: Services;
  deployer: FakeDeployer;
  job: Job;
  accept(kind: OperationKind, change?: Partial<Omit<AcceptRequest, 'input'>> & { input?: Json & { right?: Right } }): Promise<Operation>;
  /** Claims the next operation as `owner` and runs it to its end, as the engine does. */
  carryOut(kinds: readonly OperationKind[], owner?: string): Promise<Operation>;
  /** Claims it without running it. */
  claim(kinds: readonly OperationKind[], owner?: string): Promise<Execution>;
  run(change?: Partial<RunInput>): Promise<Run>;
  steps(op: Operation): Promise<Record<string, string>>;
  /** What the operation's message says, as text. */
  said(op: Operation): Promise<string>;
  message(op: Operation): Promise<Message>;
}

let files: ReturnType<typeof makeFiles> | undefined;
after(async () => {
  const made = await files;
  if (made) await rm(made.workDir, { recursive: true, force: true });
});
/** A folder with the artifact, once per file of tests: steps only read it. */
async function makeFiles() {
  const workDir = await mkdtemp(join(tmpdir(), 'sluice-operations-'));
  await writeFile(join(workDir, 'orders.jar'), jar);
  const artifacts = createFolderStore(join(workDir, 'store'));
  await artifacts.put(join(workDir, 'orders.jar'));
  return { workDir, artifacts };
}

/** A real database, a scripted cluster named standalone, and the services that steps use. */
export async function createRig(
  t: TestContext,
  options: { definition?: Partial<JobDefinition>; pathsReadable?: boolean } = {},
): Promise<Rig> {
  const database = await sharedDb(t);
  // What runs on the cluster besides what a test scripts: nothing.
  const deployer = fakeDeployer(t).always('listRuns', new Map());
  files ??= makeFiles();
  const { workDir, artifacts } = await files;
  const notUsed = () => Promise.reject(new Error('not used here'));
  const services: Services = {
    database,
    deployers: fakeDeployers({ standalone: deployer }, options),
    artifacts,
    openCredential: notUsed,
    buildTurn: async () => () => {},
    workDir,
    settings,
    log: silentLog,
  };
  const job = await seed(database, options.definition);
  const claimOne: Rig['claim'] = async (kinds, owner = 'other-host:1:1') => {
    const claimed = await claim(
      database.db,
      owner,
      kinds.map((k) => k.kind),
      stepNamesOf(kinds),
      [],
    );
    assert.ok(claimed, 'there is an operation to claim');
    return {
      op: claimed.op,
      kind: kinds.find((k) => k.kind === claimed.op.kind) as OperationKind,
      abort: new AbortController(),
      crashed: claimed.crashed,
    };
  };
  const read = async (op: Operation) => (await findOperation(database.db, op.id)) as Operation;
  const message: Rig['message'] = async (op) => (await findMessage(database.db, op.messageId))!.desired;
  return {
    database,
    services,
    deployer,
    job,
    message,
    claim: claimOne,
    accept: (kind, change = {}) =>
      database.transaction((tx) =>
        accept(tx, {
          kind,
          job,
          actor: ann,
          origin: { kind: 'typed', channel: 'C0ETL' },
          idemKey: newId('key'),
          jobChannel: 'C0ETL',
          ...change,
          input: { right: 'operate', ...change.input },
        }),
      ),
    async carryOut(kinds, owner) {
      const execution = await claimOne(kinds, owner);
      await execute(services, execution, () => {});
      return read(execution.op);
    },
    async run(change = {}) {
      const id = (change.id as string | undefined) ?? newId('run');
      await database.transaction((tx) =>
        insertRun(tx, {
          id,
          job: 'etl-orders',
          version: 1,
          cluster: 'standalone',
          flinkJobId: 'f'.repeat(32),
          operationId: 'op_before',
          state: 'RUNNING',
          stateAt: now,
          startedBy: ann,
          startedAt: new Date(Date.now() - 600_000),
          runningAt: new Date(Date.now() - 590_000),
          beginning: 'fresh',
          tasksRunning: 4,
          tasksTotal: 4,
          flinkVersion: '2.3.0',
          ...change,
        }),
      );
      return (await findRun(database.db, id)) as Run;
    },
    steps: async (op) => Object.fromEntries((await listSteps(database.db, op.id)).map((step) => [step.name, step.state])),
    said: async (op) => messageToText(await message(op)),
  };
}

/** Waits until something is so; the limit is far beyond what it takes. */
export async function until<T>(what: () => Promise<T | undefined | false>, limitMs = 10_000): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await what();
    if (value) return value;
    assert.ok(performance.now() < end, 'waited too long');
    await sleep(10);
  }
}
