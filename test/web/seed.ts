import { putPerson, putTeam } from '../../src/access/people.store.ts';
import { createSignInLink, redeemSignInLink } from '../../src/access/sign-in.store.ts';
import type { Message, ProgressStep } from '../../src/core/message.ts';
import { inMs } from '../../src/db/clock.ts';
import type { Database, Tx } from '../../src/db/db.ts';
import { putCluster } from '../../src/deploy/clusters.store.ts';
import { addVersion, createJob, type JobDefinition } from '../../src/jobs/jobs.store.ts';
import { insertRun, type RunChange, updateRun } from '../../src/jobs/runs.store.ts';
import { findOperation, finish, insertOperation, writeIntent, writeStep } from '../../src/operations/operations.store.ts';
import type { Operation } from '../../src/operations/types.ts';
import { desire } from '../../src/outbox/outbox.store.ts';
import { recordArtifact } from '../../src/projects/builds.store.ts';
import { putProject } from '../../src/projects/projects.store.ts';

const T = 'T0PRACTICE';
export const emma = { teamId: T, userId: 'U0EMMA', name: 'Emma Engineer' };
export const lena = { teamId: T, userId: 'U0LENA', name: 'Lena Lead' };
export const vic = { teamId: T, userId: 'U0VIC', name: 'Vic Viewer' };
export const olli = { teamId: T, userId: 'U0OLLI', name: 'Olli Other' };
const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

export const definition: JobDefinition = {
  cluster: 'standalone',
  environment: 'production',
  artifact: 'a'.repeat(64),
  mainClass: 'com.example.etl.OrdersJob',
  args: ['--rate', '100'],
  parallelism: 4,
  checkpointInterval: '10s',
  flink: { 'taskmanager.memory.process.size': '2g' },
  links: [{ label: 'runbook', url: 'https://wiki.example.com/etl' }],
};

/** A team with an engineer, a lead and a viewer; an outsider of another team; one cluster and the job etl-orders with five versions. */
export async function seedBasics(database: Database): Promise<void> {
  await database.transaction(async (tx) => {
    for (const name of ['data', 'ads']) await putTeam(tx, { name, channel: 'C0ETL', alertChannel: 'C0ALERTS' });
    await putPerson(tx, { ...emma, memberships: [{ team: 'data', role: 'engineer' }] });
    await putPerson(tx, { ...lena, memberships: [{ team: 'data', role: 'lead' }] });
    await putPerson(tx, { ...vic, memberships: [{ team: 'data', role: 'viewer' }] });
    await putPerson(tx, { ...olli, memberships: [{ team: 'ads', role: 'engineer' }] });
    await putCluster(tx, { name: 'standalone', kind: 'standalone', url: 'http://127.0.0.1:1' });
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
    await createJob(tx, {
      name: 'etl-orders',
      team: 'data',
      kind: 'jar',
      mode: 'streaming',
      project: 'etl',
      definition: { ...definition, parallelism: 2 },
      origin: 'apply',
      createdBy: lena,
    });
    await addVersion(tx, 'etl-orders', { definition, origin: 'set', note: 'parallelism', createdBy: emma });
    await recordArtifact(tx, {
      sha256: 'a'.repeat(64),
      name: 'etl-1.0.jar',
      size: 12_400_000,
      mainClass: null,
      source: 'build',
      commit: '3f2a91c0ffee',
      createdBy: emma,
      createdAt: inMs(-hour),
    });
  });
}

/** A session of a person, as its cookie's value. */
export async function signedIn(database: Database, person: { teamId: string; userId: string }): Promise<string> {
  const token = await database.transaction((tx) => createSignInLink(tx, person));
  return (await redeemSignInLink(database, token)) as string;
}

let runs = 0;
/** A run of a job, with what is known of it. */
export async function seedRun(tx: Tx, job: string, change: RunChange & { ago?: number } = {}): Promise<string> {
  const { ago = 3 * hour, ...known } = change;
  const id = `run_${job}_${++runs}`;
  await insertRun(tx, {
    id,
    job,
    version: 1,
    cluster: 'standalone',
    flinkJobId: String(runs).padStart(32, '0'),
    operationId: 'op_000000000000',
    state: 'RUNNING',
    stateAt: inMs(-second),
    startedBy: emma,
    startedAt: inMs(-ago),
    beginning: 'resume',
  });
  await updateRun(tx, id, {
    runningAt: inMs(-ago + 2 * second),
    tasksRunning: 4,
    tasksTotal: 4,
    flinkVersion: '1.20.5',
    checkpointIntervalMs: 10_000,
    ...known,
  });
  return id;
}

let operations = 0;
/** An operation with its message. */
export async function seedOperation(
  tx: Tx,
  job: string,
  kind: string,
  state: Operation['state'],
  title: string,
  ago = minute,
): Promise<Operation> {
  const id = `op_seed${String(++operations).padStart(8, '0')}`;
  const buttons =
    state === 'waiting'
      ? [
          { label: 'Approve', command: `approve ${id}` },
          { label: 'Reject', command: `reject ${id} --reason {input}`, input: { title: 'Reject', label: 'Why not?' } },
        ]
      : state === 'running' || state === 'parked'
        ? [{ label: 'Cancel', command: `cancel ${job} --operation ${id}` }]
        : [];
  const steps: ProgressStep[] = [
    { title: 'Plan', state: 'done' },
    { title: 'Upload', state: 'running', note: '4.2 MB of 12.4 MB' },
    { title: 'Running', state: 'waiting' },
  ];
  const message: Message = {
    tone: 'busy',
    title,
    parts: [...(state === 'running' ? [{ kind: 'progress' as const, steps }] : []), { kind: 'actions', actions: buttons }],
  };
  const messageId = await desire(tx, { dedupeKey: `operation:${id}`, channel: 'C0ETL', message });
  await insertOperation(tx, {
    id,
    kind,
    job,
    state,
    holds: state === 'running' || state === 'parked',
    ...(state === 'running' ? { owner: 'sluice-1:4711:99', leaseUntil: inMs(15 * second), epoch: 2 } : {}),
    input: {},
    idemKey: id,
    actor: emma,
    origin: { kind: 'typed' },
    messageId,
    createdAt: inMs(-ago),
    startedAt: inMs(-ago + second),
    planHash: 'f'.repeat(64),
  });
  const op = (await findOperation(tx, id)) as Operation;
  await writeIntent(tx, op, { name: 'plan', seq: 1, title: 'Plan' }, { version: 2 });
  await writeStep(
    tx,
    op,
    { name: 'plan', seq: 1, title: 'Plan' },
    { state: 'done', result: { cluster: 'standalone', password: 'password=hunter2' } },
  );
  await writeIntent(tx, op, { name: 'upload', seq: 2, title: 'Upload' }, { sha256: 'a'.repeat(64) });
  if (state === 'failed')
    await writeStep(tx, op, { name: 'upload', seq: 2, title: 'Upload' }, { state, note: 'the cluster refused the jar' });
  if (state === 'failed' || state === 'succeeded' || state === 'parked')
    await finish(tx, op, state, { tone: state === 'failed' ? 'bad' : state === 'parked' ? 'warn' : 'good', title, parts: [], actions: [] });
  return op;
}
