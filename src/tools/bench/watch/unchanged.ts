import { sleep } from '../../../core/time.ts';
import type { Side } from './side.ts';

/** What a second of watching costs, in milliseconds of processor time. */
export interface Cost {
  sluice: number;
  postgres: number;
  /** A loop in this process that asks for the same list once a second and reads it, nothing more. */
  raw: number;
  /** Polls that were counted, in so many seconds. */
  polls: number;
  seconds: number;
}

/** Loading and compiling are over by then, and every job was looked at once at its usual pace. */
const restMs = 60_000;

/** Puts off whatever is slower than a poll (checkpoints, data) for as long as something is measured: it comes in waves, and would hide it. */
export async function pollsAlone<T>(side: Side, measure: () => Promise<T>): Promise<T> {
  await side.restart({ checkpointsEvery: '60m', flowEvery: '60m' });
  // The first look at the data comes at once.
  await sleep(restMs);
  const measured = await measure();
  await side.restart();
  return measured;
}
/** Processor milliseconds of polls. */
export const measurePoll = (side: Side, turns: number, turnMs: number): Promise<Cost> => spend(side, turns, turnMs, false);

/** Costs of watching jobs that nothing happens to, beside the plainest loop, in turns. */
export async function measureUnchanged(side: Side, turns: number): Promise<Cost> {
  await sleep(restMs);
  // Whole minutes: what is looked at once a minute comes in waves.
  return spend(side, turns, 60_000, true);
}
async function spend(side: Side, turns: number, turnMs: number, raw: boolean): Promise<Cost> {
  const total = { sluice: 0, postgres: 0, raw: 0, polls: 0 };
  for (let turn = 0; turn < turns; turn++) {
    const [before, asked] = [await side.cpuMs(), side.fleet.asked.get('/jobs') ?? 0];
    await sleep(turnMs);
    const after = await side.cpuMs();
    total.sluice += after.sluice - before.sluice;
    total.postgres += after.postgres - before.postgres;
    total.polls += (side.fleet.asked.get('/jobs') ?? 0) - asked;
    if (raw) total.raw += await rawLoop(side.fleet.url, rawTimes);
  }
  const seconds = (turns * turnMs) / 1000;
  return {
    sluice: total.sluice / seconds,
    postgres: total.postgres / seconds,
    raw: total.raw / (turns * rawTimes),
    polls: total.polls,
    seconds,
  };
}

/** Polls of the raw loop in each turn. */
const rawTimes = 8;

/** Fetches and reads the list so many times; processor milliseconds of doing so. */
async function rawLoop(url: string, times: number): Promise<number> {
  let spent = 0;
  for (let n = 0; n < times; n++) {
    const answer = await fetch(`${url}/jobs`);
    const text = await answer.text();
    const before = process.cpuUsage();
    const states = new Map((JSON.parse(text) as { jobs: { id: string; status: string }[] }).jobs.map((job) => [job.id, job.status]));
    const { user, system } = process.cpuUsage(before);
    if (states.size === 0) throw new Error('the fleet has no jobs');
    spent += (user + system) / 1000;
    await sleep(1000);
  }
  return spent;
}
