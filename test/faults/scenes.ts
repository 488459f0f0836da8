import assert from 'node:assert/strict';
import { sleep } from '../../src/core/time.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { listOperations } from '../../src/operations/operations.store.ts';
import type { Operation } from '../../src/operations/types.ts';
import { listRestorePoints } from '../../src/restore-points/restore-points.store.ts';
import { operationEnds } from './settle.ts';
import { channel, type FaultWorld, personOf } from './world.ts';

/** One operation as a person asks for it, with what has to be there before. Together the scenes pass through every step of every kind. */
export interface Scene {
  name: string;
  kind: string;
  /** What it ends as when nothing but planted faults happen. */
  ends: Operation['state'];
  /** Makes the job so; gives back the line to be typed. */
  prepare(w: FaultWorld, job: string): Promise<string>;
}

/** Types a line (or waits no longer: the id of an operation that is there) and gives back the operation that was accepted: also when the answer comes late, or its process dies before it is told. */
export async function ask(w: FaultWorld, line: string, who = 'emma'): Promise<string> {
  if (/^op_\w+$/.test(line)) return line;
  const job = line.split(' ')[1] ?? '';
  const before = await listOperations(w.database.db, job);
  const fresh = async () => (await listOperations(w.database.db, job)).find((op) => !before.some((old) => old.id === op.id));
  for (let asked = 0; ; asked++) {
    const answer = await w.client.as(who).says(`/flink ${line}`, { channel, timeoutMs: 20_000 });
    const id = /op_[0-9a-z]{12}/.exec(answer.text)?.[0];
    if (id && /^Accepted/.test(answer.text)) return id;
    // Between two lives of a process Slack tells the person that nobody answered: look, and type it again.
    const nobody = /dispatch_failed|operation_timeout/.test(answer.text) && asked < 20;
    // What was typed before came through after all, and it is what keeps the job busy.
    const busyWithIt = asked > 0 && /is busy/.test(answer.text);
    assert.ok(nobody || busyWithIt || answer.text.startsWith('⏳'), `"${line}" was answered: ${answer.text}`);
    for (let tries = 0; tries < (nobody ? 10 : 200); tries++) {
      const op = await fresh();
      if (op) return op.id;
      await sleep(100);
    }
    // What follows a "still working on it" may be a refusal while the state store is busy: then a person types it again.
    assert.ok(nobody || asked < 5, `"${line}" was answered "${answer.text}" and nothing came of it`);
  }
}
async function done(w: FaultWorld, line: string): Promise<void> {
  const op = await operationEnds(w, await ask(w, line));
  assert.equal(op.state, 'succeeded', `${line}: ${JSON.stringify(op.outcome)}`);
}
async function runningJob(w: FaultWorld, job: string): Promise<void> {
  await w.addJob(job);
  await done(w, `start ${job}`);
}
/** A version that refuses to come up. */
async function addBrokenVersion(w: FaultWorld, job: string): Promise<number> {
  const found = await findJob(w.database.db, job);
  assert.ok(found);
  return w.database.transaction((tx) =>
    addVersion(tx, job, {
      definition: { ...found.current.definition, args: ['--throw-main', 'boom'] },
      origin: 'set',
      note: 'broken',
      createdBy: personOf('emma'),
    }),
  );
}
async function restorePoint(w: FaultWorld, job: string, kind: 'savepoint' | 'checkpoint'): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const point = (await listRestorePoints(w.database.db, job)).find((p) => p.kind === kind);
    if (point) return point.path;
    await sleep(100);
  }
  return assert.fail(`${job} has no ${kind}`);
}

export const scenes: readonly Scene[] = [
  {
    name: 'a build',
    kind: 'build',
    ends: 'succeeded',
    async prepare(w, job) {
      await w.addJob(job);
      return `build ${job}`;
    },
  },
  {
    name: 'a build that fails',
    kind: 'build',
    ends: 'failed',
    async prepare(w, job) {
      await w.addJob(job);
      return `build ${job} --branch fails`;
    },
  },
  {
    name: 'a first start with a build',
    kind: 'start',
    ends: 'succeeded',
    async prepare(w, job) {
      await w.addJob(job);
      return `start ${job} --build`;
    },
  },
  {
    name: 'a start whose build fails',
    kind: 'start',
    ends: 'failed',
    async prepare(w, job) {
      await w.addJob(job);
      return `start ${job} --build --branch fails`;
    },
  },
  {
    name: 'a resume',
    kind: 'start',
    ends: 'succeeded',
    async prepare(w, job) {
      await runningJob(w, job);
      await done(w, `stop ${job}`);
      return `start ${job}`;
    },
  },
  {
    name: 'a start that does not come up',
    kind: 'start',
    ends: 'failed',
    async prepare(w, job) {
      await w.addJob(job, { args: ['--throw-main', 'boom'] });
      return `start ${job}`;
    },
  },
  {
    name: 'a savepoint',
    kind: 'savepoint',
    ends: 'succeeded',
    async prepare(w, job) {
      await runningJob(w, job);
      return `savepoint ${job}`;
    },
  },
  {
    name: 'a stop',
    kind: 'stop',
    ends: 'succeeded',
    async prepare(w, job) {
      await runningJob(w, job);
      return `stop ${job}`;
    },
  },
  {
    name: 'a stop without a savepoint',
    kind: 'stop',
    ends: 'succeeded',
    async prepare(w, job) {
      await runningJob(w, job);
      return `stop ${job} --no-savepoint`;
    },
  },
  {
    name: 'a restart with a build',
    kind: 'restart',
    ends: 'succeeded',
    async prepare(w, job) {
      await runningJob(w, job);
      return `restart ${job} --build`;
    },
  },
  {
    name: 'a restart whose build fails',
    kind: 'restart',
    ends: 'failed',
    async prepare(w, job) {
      await runningJob(w, job);
      return `restart ${job} --build --branch fails`;
    },
  },
  {
    name: 'a restart without a savepoint',
    kind: 'restart',
    ends: 'succeeded',
    async prepare(w, job) {
      await runningJob(w, job);
      await restorePoint(w, job, 'checkpoint');
      return `restart ${job} --no-savepoint`;
    },
  },
  {
    name: 'a restart to a version that does not come up',
    kind: 'restart',
    ends: 'failed',
    async prepare(w, job) {
      await runningJob(w, job);
      return `restart ${job} --version v${await addBrokenVersion(w, job)}`;
    },
  },
  {
    name: 'a restore from a savepoint',
    kind: 'restore',
    ends: 'succeeded',
    async prepare(w, job) {
      await runningJob(w, job);
      await done(w, `savepoint ${job}`);
      return `restore ${job} --from ${await restorePoint(w, job, 'savepoint')} --reason "wrong prices"`;
    },
  },
  {
    name: 'a restore from a checkpoint of what runs',
    kind: 'restore',
    ends: 'succeeded',
    async prepare(w, job) {
      // One checkpoint a minute, the first at once (Flink 2): it must still be there after some deaths of Sluice.
      await w.addJob(job, { checkpointInterval: '60s' });
      await done(w, `start ${job}`);
      return `restore ${job} --from ${await restorePoint(w, job, 'checkpoint')} --reason "wrong prices"`;
    },
  },
  {
    name: 'a restore that does not come up',
    kind: 'restore',
    ends: 'failed',
    async prepare(w, job) {
      await runningJob(w, job);
      await done(w, `savepoint ${job}`);
      const from = await restorePoint(w, job, 'savepoint');
      return `restore ${job} --from ${from} --version v${await addBrokenVersion(w, job)} --reason "wrong prices"`;
    },
  },
];

/** Not for the crash points: what was running is only brought back once. */
export const takenOver: Scene = {
  name: 'a restart of what a new JobManager does not list yet',
  kind: 'restart',
  ends: 'failed',
  async prepare(w, job) {
    await runningJob(w, job);
    await restorePoint(w, job, 'checkpoint');
    w.flink?.takeOver(8000);
    return `restart ${job}`;
  },
};
/** Not for the crash points: a plan that was allowed when it was asked for, and is not any more when it is approved. */
export const lostRole: Scene = {
  name: 'a restore whose requester has lost the role',
  kind: 'restore',
  ends: 'failed',
  async prepare(w, job) {
    await w.addJob(job, { environment: 'production' });
    await done(w, `start ${job}`);
    await done(w, `savepoint ${job}`);
    const line = `restore ${job} --from ${await restorePoint(w, job, 'savepoint')} --reason "wrong prices"`;
    await w.client.as('emma').says(`/flink ${line}`, { channel, timeoutMs: 20_000 });
    const [op] = await listOperations(w.database.db, job);
    assert.equal(op?.state, 'waiting');
    await w.dropRole('emma');
    await w.client.as('lena').says(`/flink approve ${op.id}`, { channel, timeoutMs: 20_000 });
    return op.id;
  },
};
