import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UpstreamError } from '../../core/errors.ts';
import { run, startDaemon } from '../../core/process.ts';
import { sleep } from '../../core/time.ts';
import { freePort } from '../../demo/free-port.ts';
import { planArrivals } from './arrivals.ts';
import type { Closing } from './closing.ts';
import type { Conversation } from './conversation.ts';
import type { EmptyBoltOrder } from './empty-bolt.ts';
import type { LoadAnswer, LoadOrder } from './load.ts';
import type { BenchOptions } from './options.ts';
import { cpuMsOf, family } from './processes.ts';
import type { Aim, Figure } from './report.ts';
import { projectRoot, type Slack, temporaryFolder } from './rig.ts';
import { jobName, sendCommand } from './sluice.ts';
import { differences, formatMs, median, percentile } from './stats.ts';

const sliceSeconds = 10;
const idleMs = 10_000;
/** Slack waits 3 s for an acknowledgement. */
const slackWaitsMs = 3000;

/** How fast `/flink status` is acknowledged, beside an empty Bolt app on the same machine in the same minutes. */
export async function measureAck(
  closing: Closing,
  slack: Slack,
  sluice: { url: string; pid: number; postgresPid: number },
  talk: Conversation,
  options: BenchOptions,
): Promise<Omit<Figure, 'facts'>> {
  await talk.does(`/flink start ${jobName}`);
  await talk.does(`/flink savepoint ${jobName}`);
  const bolt = await startEmptyBolt(closing, slack);
  const order: LoadOrder = {
    urls: [`${sluice.url}/slack/events`, `${bolt.url}/slack/events`],
    signingSecret: slack.signingSecret,
    text: `status ${jobName}`,
    expected: jobName,
    arrivals: planArrivals({ ratePerS: options.rate, seconds: options.seconds, sliceSeconds, warmUpSeconds: 5, sides: 2 }),
  };
  const parts = { sluice: sluice.pid, postgres: sluice.postgresPid, bolt: bolt.pid };
  const idle = await cpuDuring(parts, () => sleep(idleMs));
  let answers: LoadAnswer[] = [];
  const busy = await cpuDuring(parts, async () => {
    answers = await sendLoad(order);
  });
  /** Processor time for each command, without what the process needs anyway. */
  const cpu = (part: keyof typeof parts, side: number) =>
    (busy.cpuMs[part] - (idle.cpuMs[part] * busy.tookMs) / idle.tookMs) / answers.filter((a) => a.side === side).length;
  await talk.does(`/flink stop ${jobName}`);
  const [ours, theirs] = [0, 1].map((side) => answers.filter((a) => a.side === side && a.slice >= 0)) as [LoadAnswer[], LoadAnswer[]];
  const slowest = Math.max(...ours.map(latency));
  const unanswered = ours.filter((a) => a.status !== 200).length;
  const withoutStatus = ours.filter((a) => !a.whole).length;
  const aims: Aim[] = [
    {
      text: `Of ${ours.length} commands ${unanswered === 0 ? 'each was' : `${unanswered} were not`} acknowledged.`,
      met: unanswered === 0,
    },
    { text: `Slack waits 3 s for an acknowledgement; the slowest took ${formatMs(slowest)}.`, met: slowest < slackWaitsMs },
    {
      text: `The acknowledgement held the whole answer ${withoutStatus === 0 ? 'each time' : `but for ${withoutStatus} times`}.`,
      met: withoutStatus === 0,
    },
  ];
  const all = (answers: readonly LoadAnswer[], share: number) => percentile(answers.map(latency), share);
  return {
    name: 'ack',
    title: 'Acknowledgement',
    how:
      `\`/flink status ${jobName}\` of a running job, ${options.rate} commands a second for ${options.seconds} s on each side in turns of ${sliceSeconds} s, after 5 s of warm-up; ` +
      'signed HTTP requests from a process of their own over connections kept open, sent at fixed times whether earlier ones were answered or not, timed from when each was due to the last byte of the answer. ' +
      'Sluice answers with the whole status in the acknowledgement, from its embedded PostgreSQL, while it watches a real cluster; the empty Bolt app has one command that calls `ack()`.',
    tables: [
      {
        head: ['', 'p50', 'p90', 'p99', 'slowest', 'answered'],
        rows: [row('Sluice `/flink status`', ours), row('empty Bolt app', theirs)],
      },
    ],
    aims,
    notes: [
      `Turn by turn, Sluice takes ${formatMs(median(slicePairs(ours, theirs, 0.5)))} more than the empty app at p50 and ${formatMs(median(slicePairs(ours, theirs, 0.99)))} more at p99 (medians over the turns); over all, ${(all(ours, 0.5) / all(theirs, 0.5)).toFixed(1)} times at p50 and ${(all(ours, 0.99) / all(theirs, 0.99)).toFixed(1)} times at p99.`,
      `Processor time for each command: Sluice ${formatMs(cpu('sluice', 0))} and its PostgreSQL ${formatMs(cpu('postgres', 0))}; the empty app ${formatMs(cpu('bolt', 1))}. Without commands, Sluice with its PostgreSQL uses ${(((idle.cpuMs.sluice + idle.cpuMs.postgres) / idle.tookMs) * 100).toFixed(1)} % of a core.`,
      `The load itself was at most ${formatMs(Math.max(...answers.map((a) => a.lateMs)))} late, half of it within ${formatMs(median(answers.map((a) => a.lateMs)))}.`,
    ],
  };
}

const latency = (answer: LoadAnswer) => answer.latencyMs;
function row(name: string, answers: readonly LoadAnswer[]): string[] {
  const all = answers.map(latency);
  const good = answers.filter((a) => a.status === 200).length;
  return [name, ...[0.5, 0.9, 0.99, 1].map((share) => formatMs(percentile(all, share))), `${good} of ${answers.length}`];
}
function slicePairs(first: readonly LoadAnswer[], second: readonly LoadAnswer[], share: number): number[] {
  const slices = [...new Set(first.map((a) => a.slice))];
  const of = (answers: readonly LoadAnswer[]) =>
    slices.map((slice) => percentile(answers.filter((a) => a.slice === slice).map(latency), share));
  return differences(of(first), of(second));
}

/** Processor time that processes use while something happens, each with those that descend from it then. */
async function cpuDuring<K extends string>(parts: Record<K, number>, work: () => Promise<void>) {
  const names = Object.keys(parts) as K[];
  const read = async () => new Map(await Promise.all(names.map(async (name) => [name, await cpuMsOf(await family(parts[name]))] as const)));
  const before = await read();
  const started = performance.now();
  await work();
  const after = await read();
  const cpuMs = Object.fromEntries(names.map((name) => [name, (after.get(name) ?? 0) - (before.get(name) ?? 0)])) as Record<K, number>;
  return { cpuMs, tookMs: performance.now() - started };
}

async function startEmptyBolt(closing: Closing, slack: Slack): Promise<{ url: string; pid: number }> {
  const dir = await temporaryFolder(closing);
  const port = await freePort(0);
  const order: EmptyBoltOrder = {
    port,
    slackApiUrl: slack.practice.apiUrl,
    botToken: slack.botToken,
    signingSecret: slack.signingSecret,
  };
  const file = join(dir, 'order.json');
  await writeFile(file, JSON.stringify(order), { mode: 0o600 });
  const script = join(import.meta.dirname, 'empty-bolt.ts');
  const logFile = join(dir, 'bolt.log');
  const daemon = await startDaemon(process.execPath, [script, file], { cwd: projectRoot, logFile });
  closing.add(() => daemon.stop('SIGTERM', 3000));
  const url = `http://127.0.0.1:${port}`;
  for (const deadline = performance.now() + 30_000; (await sendCommand(url, slack, 'status')) === undefined; await sleep(50))
    if (performance.now() > deadline) throw new UpstreamError('The empty Bolt app did not start.', { details: { logFile } });
  return { url, pid: daemon.pid };
}

async function sendLoad(order: LoadOrder): Promise<LoadAnswer[]> {
  const last = order.arrivals.at(-1)?.atMs ?? 0;
  const ended = await run(process.execPath, [join(import.meta.dirname, 'load.ts')], {
    cwd: projectRoot,
    input: JSON.stringify(order),
    timeoutMs: last + 60_000,
    maxOutput: 64 * 1024 * 1024,
  });
  if (ended.code !== 0) throw new UpstreamError(`The load could not be sent: ${ended.tail.slice(-3).join(' ')}`);
  return ended.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LoadAnswer);
}
