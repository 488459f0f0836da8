import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../src/core/time.ts';
import { type TestCluster, type TestClusterOptions, untilRunning, untilState } from '../helpers/flink.ts';

/** A running job on a cluster to which something is done. */
export interface Stage {
  flink: TestCluster;
  flinkJobId: string;
  /** While this file exists, what the scene's job talks to is broken or slow. */
  troubleFile: string;
  /** Notes what was done. */
  mark(what: string): void;
  /** Submits the job once more, from nothing, as others do; waits until it runs. */
  startAgain(): Promise<void>;
}
export interface Scene {
  name: string;
  about: string;
  cluster?: Pick<TestClusterOptions, 'taskManagers' | 'slots' | 'conf'>;
  entryClass?: string;
  args?(troubleFile: string): string[];
  parallelism?: number;
  /** What goes through its vertices is recorded as well. */
  withFlow?: true;
  /** Nobody started the job through Sluice: the cluster is only observed. */
  observed?: true;
  /** So many times slower it is played, where a rule looks at hours; how long something took stays as it was. */
  slowedBy?: number;
  act(stage: Stage): Promise<void>;
}
const second = 1000;
const restarts = (attempts: number, delay: string) => ({
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': String(attempts),
  'restart-strategy.fixed-delay.delay': delay,
});
/** Failing checkpoints do not end the job. */
const patient = { 'execution.checkpointing.tolerable-failed-checkpoints': '1000' };

/** Makes a checkpoint directory unwritable, also for root: a file stands where the folder was. Returns what mends it. */
export async function makeUnwritable(dir: string): Promise<() => Promise<void>> {
  await rename(dir, `${dir}-kept`);
  // A checkpoint that begins at this moment makes the folder anew.
  for (let stands = false; !stands; ) {
    await rm(dir, { recursive: true, force: true });
    stands = await writeFile(dir, '', { flag: 'wx' }).then(
      () => true,
      () => false,
    );
  }
  return async () => {
    await rm(dir);
    await rename(`${dir}-kept`, dir);
  };
}

const pausingSource = 'com.example.etl.PausingSourceJob';
/** Long enough before that records are the habit, and after that they are it again. */
async function pause({ troubleFile, mark }: Stage, off: string, on: string): Promise<void> {
  await sleep(29 * second);
  await writeFile(troubleFile, '');
  mark(off);
  await sleep(45 * second);
  await rm(troubleFile);
  mark(on);
  await sleep(25 * second);
}

/** What happens to real clusters, each as its own history. */
export const scenes: readonly Scene[] = [
  {
    name: 'tm-killed',
    about: 'The only TaskManager is killed and comes back 45 s later; Flink restarts the job as often as it takes.',
    cluster: { conf: restarts(1000, '1 s') },
    async act({ flink, flinkJobId, mark }) {
      await flink.cluster.kill('taskmanager');
      mark('TaskManager killed');
      await sleep(45 * second);
      await flink.cluster.restart('taskmanager');
      mark('TaskManager started');
      await untilState(flink.client, flinkJobId, 'RUNNING');
      await sleep(15 * second);
    },
  },
  {
    name: 'jm-killed',
    about: 'The JobManager is killed and a new process takes its place 8 s later; without high availability.',
    async act({ flink, mark }) {
      await flink.cluster.kill('jobmanager');
      mark('JobManager killed');
      await sleep(8 * second);
      await flink.cluster.restart('jobmanager');
      mark('JobManager started');
      await flink.cluster.waitReady();
      await sleep(8 * second);
    },
  },
  {
    name: 'jm-frozen',
    about: 'The JobManager answers nothing for 12 s, then goes on; the job runs all the time.',
    // What waits for an answer of its own is patient, as in most clusters.
    cluster: { conf: { 'heartbeat.timeout': '50000', 'pekko.ask.timeout': '60 s' } },
    async act({ flink, mark }) {
      await flink.cluster.kill('jobmanager', 0, 'SIGSTOP');
      mark('JobManager frozen');
      await sleep(12 * second);
      await flink.cluster.kill('jobmanager', 0, 'SIGCONT');
      mark('JobManager goes on');
      await sleep(12 * second);
    },
  },
  {
    name: 'checkpoint-directory',
    about: 'The checkpoint directory cannot be written for 45 s; the job tolerates failed checkpoints and runs on.',
    cluster: { conf: patient },
    async act({ flink, mark }) {
      const mend = await makeUnwritable(flink.cluster.checkpointDir);
      mark('checkpoint directory unwritable');
      await sleep(45 * second);
      await mend();
      mark('checkpoint directory writable');
      await sleep(50 * second);
    },
  },
  {
    name: 'source-failing',
    about: 'What the job talks to fails; Flink restarts it 3 times, 5 s apart, then gives up.',
    cluster: { conf: restarts(3, '5 s') },
    args: (troubleFile) => ['--fail-file', troubleFile],
    async act({ flink, flinkJobId, troubleFile, mark }) {
      await writeFile(troubleFile, '');
      mark('source fails');
      await untilState(flink.client, flinkJobId, 'FAILED');
      await sleep(5 * second);
    },
  },
  {
    name: 'crash-loop',
    about: 'What the job talks to fails for 45 s; Flink restarts it each time, 2 s later, and it runs for a moment.',
    cluster: { conf: restarts(1000, '2 s') },
    args: (troubleFile) => ['--fail-file', troubleFile],
    async act({ flink, flinkJobId, troubleFile, mark }) {
      await writeFile(troubleFile, '');
      mark('source fails');
      await sleep(45 * second);
      await rm(troubleFile);
      mark('source works');
      await untilRunning(flink.client, flinkJobId);
      await sleep(15 * second);
    },
  },
  {
    name: 'slow-sink',
    about: 'A sink takes one record in 300 ms for 90 s: backpressure, and no checkpoint completes within its timeout of 15 s.',
    cluster: { conf: { ...patient, 'execution.checkpointing.timeout': '15 s' } },
    entryClass: 'com.example.etl.SlowSinkJob',
    args: (troubleFile) => ['--slow-file', troubleFile],
    withFlow: true,
    async act({ troubleFile, mark }) {
      await writeFile(troubleFile, '');
      mark('sink slow');
      await sleep(90 * second);
      await rm(troubleFile);
      mark('sink fast');
      await sleep(50 * second);
    },
  },
  {
    name: 'out-of-slots',
    about: 'One of two TaskManagers is lost for good: each of 8 restarts, 5 s apart, fails for want of slots; then Flink gives up.',
    cluster: { taskManagers: 2, slots: 1, conf: { ...restarts(8, '5 s'), 'slot.request.timeout': '8000' } },
    parallelism: 2,
    async act({ flink, flinkJobId, mark }) {
      await flink.cluster.kill('taskmanager', 1);
      mark('TaskManager killed');
      await untilState(flink.client, flinkJobId, 'FAILED');
      await sleep(5 * second);
    },
  },
  {
    name: 'canceled-outside',
    about: 'Somebody cancels the job on the page of Flink.',
    async act({ flink, flinkJobId, mark }) {
      await flink.client.cancelJob(flinkJobId);
      mark('canceled');
      await untilState(flink.client, flinkJobId, 'CANCELED');
      await sleep(5 * second);
    },
  },
  {
    name: 'stopped-outside',
    about: 'Somebody stops the job with a savepoint by the command line of Flink.',
    async act({ flink, flinkJobId, mark }) {
      await flink.client.stopWithSavepoint({
        jobId: flinkJobId,
        triggerId: 'b'.repeat(32),
        targetDirectory: join(flink.dir, 'savepoints'),
      });
      mark('stopped');
      await untilState(flink.client, flinkJobId, 'FINISHED');
      await sleep(5 * second);
    },
  },
  {
    name: 'source-dry',
    about: 'A source has nothing to give for 45 s, as a topic without new records, then goes on.',
    entryClass: pausingSource,
    args: (troubleFile) => ['--pause-file', troubleFile],
    withFlow: true,
    act: (stage) => pause(stage, 'source dry', 'records again'),
  },
  {
    name: 'partition-idle',
    about: 'One of two tasks of a source has nothing to give for 45 s, as one idle partition: records come, the watermark stands.',
    entryClass: pausingSource,
    args: (troubleFile) => ['--pause-file', troubleFile, '--pause-task', '0'],
    parallelism: 2,
    withFlow: true,
    act: (stage) => pause(stage, 'partition idle', 'partition active'),
  },
  {
    name: 'state-grown',
    about:
      'State that nobody clears: checkpoints of 128 KB come to hold 128 MB for 35 s. What is usual takes hours to know, so it is played 120 times slower.',
    cluster: { conf: { 'taskmanager.memory.task.heap.size': '512m' } },
    entryClass: 'com.example.etl.GrowingStateJob',
    args: (troubleFile) => ['--grow-file', troubleFile],
    slowedBy: 120,
    async act({ troubleFile, mark }) {
      // Seven hours, as it is played.
      await sleep(210 * second);
      await writeFile(troubleFile, '');
      mark('state grows');
      await sleep(35 * second);
      await rm(troubleFile);
      mark('state cleared');
      await sleep(30 * second);
    },
  },
  {
    name: 'started-empty',
    about: 'Somebody cancels a job that was not started through Sluice, and starts it again 8 s later without its state.',
    args: () => ['--name', 'orders'],
    observed: true,
    async act({ flink, flinkJobId, mark, startAgain }) {
      await flink.client.cancelJob(flinkJobId);
      mark('canceled');
      await untilState(flink.client, flinkJobId, 'CANCELED');
      await sleep(8 * second);
      await startAgain();
      await sleep(15 * second);
    },
  },
  {
    name: 'copy-started',
    about: 'Somebody submits the job once more by hand, from nothing, beside the one that runs, and cancels that copy after 75 s.',
    cluster: { slots: 4 },
    // The program says itself what it is called; a name that every program has proves nothing.
    args: () => ['--name', 'orders to lake'],
    async act({ flink, flinkJobId, mark, startAgain }) {
      await startAgain();
      await sleep(75 * second);
      const copy = (await flink.client.jobs()).find((one) => one.id !== flinkJobId && one.status === 'RUNNING');
      if (!copy) throw new Error('the copy does not run');
      await flink.client.cancelJob(copy.id);
      mark('copy canceled');
      await sleep(10 * second);
    },
  },
  {
    name: 'job-removed',
    about:
      'The job is canceled by hand on a cluster that keeps nothing of what has ended: it is gone from the list, and the JobManager is the same.',
    cluster: { conf: { 'jobstore.max-capacity': '0' } },
    async act({ flink, flinkJobId, mark }) {
      await flink.client.cancelJob(flinkJobId);
      mark('removed');
      await sleep(20 * second);
    },
  },
];
