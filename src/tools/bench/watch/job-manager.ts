import { basename } from 'node:path';
import { newFlinkId } from '../../../core/ids.ts';
import { sleep } from '../../../core/time.ts';
import { createFlinkClient } from '../../../flink/client.ts';
import type { Closing } from '../closing.ts';
import { cpuMsOf } from '../processes.ts';
import { benchJob, startFlink } from '../rig.ts';
import { observe } from './side.ts';

const jobs = 50;
// Whole minutes: what is looked at once a minute comes in waves.
const turnMs = 60_000;

export interface JobManagerCost {
  jobs: number;
  /** Processor milliseconds a minute of the JobManager, without and with Sluice watching, of each turn. */
  alone: number[];
  watched: number[];
  /** Of Sluice itself while it watched. */
  sluice: number[];
}

/** What being watched costs a real JobManager with fifty running jobs: Sluice is stopped and let go on in turns. */
export async function measureJobManager(closing: Closing, version: string, say: (line: string) => void): Promise<JobManagerCost> {
  const flink = await startFlink(closing, version, say, jobs / 2);
  const client = createFlinkClient({ url: flink.url });
  closing.add(() => client.close());
  const { jarId } = await client.uploadJar(flink.jar, basename(flink.jar));
  for (let n = 0; n < jobs; n++)
    await client.runJar({
      jarId,
      jobId: newFlinkId(),
      entryClass: benchJob.mainClass,
      programArgs: [...benchJob.args, '--name', `watched-${n}`],
      parallelism: 1,
      flinkConfiguration: { 'execution.checkpointing.interval': '10 s' },
    });
  const { sluicePid } = await observe(closing, flink.url, jobs, say);
  const jobManager = flink.jobManagerPid;
  say(`watch: ${jobs} jobs on a real cluster, watched and not`);
  // Its JVM compiles for minutes.
  await sleep(180_000);
  const perMinute = (ms: number) => (ms * 60_000) / turnMs;
  const cost: JobManagerCost = { jobs, alone: [], watched: [], sluice: [] };
  const alone = async () => {
    process.kill(sluicePid(), 'SIGSTOP');
    const before = await cpuMsOf([jobManager]);
    await sleep(turnMs);
    cost.alone.push(perMinute((await cpuMsOf([jobManager])) - before));
    process.kill(sluicePid(), 'SIGCONT');
    // What had waited is caught up with first.
    await sleep(5000);
  };
  const watched = async () => {
    const [then, ours] = [await cpuMsOf([jobManager]), await cpuMsOf([sluicePid()])];
    await sleep(turnMs);
    cost.watched.push(perMinute((await cpuMsOf([jobManager])) - then));
    cost.sluice.push(perMinute((await cpuMsOf([sluicePid()])) - ours));
  };
  // What grows less with time must not be counted for one of them.
  for (const turn of [alone, watched, watched, alone, alone, watched]) await turn();
  return cost;
}
