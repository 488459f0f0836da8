import { formatBytes } from '../../core/time.ts';
import type { Closing } from './closing.ts';
import { createClosing } from './closing.ts';
import type { Aim, Figure } from './report.ts';
import { formatMs } from './stats.ts';
import { type Changes, measureChanges } from './watch/changes.ts';
import { type Delays, measureDelays } from './watch/delay.ts';
import { type JobManagerCost, measureJobManager } from './watch/job-manager.ts';
import { measureIdle, observeFleet } from './watch/side.ts';
import { measureStorm, type Storm } from './watch/storm.ts';
import { type Cost, measurePoll, measureUnchanged, pollsAlone } from './watch/unchanged.ts';

const sizes = [60, 1000, 10_000] as const;

interface Row {
  size: number;
  /** Of polls alone. */
  poll: Cost;
  cost: Cost;
  delays: Delays;
}
/** What watching costs, how soon an alert stands in Slack, and what ten thousand failures at once do; on fleets of three sizes, one after the other. */
export async function measureWatch(
  everything: Closing,
  options: { samples: number; flink: string },
  say: (line: string) => void,
): Promise<Omit<Figure, 'facts'>> {
  const rows: Row[] = [];
  let changes: Changes | undefined;
  let storm: Storm | undefined;
  say('watch: nothing to watch');
  const nothing = createClosing((error) => say(`Not closed: ${String(error)}`));
  everything.add(() => nothing.all());
  const idle = await measureIdle(nothing);
  await nothing.all();
  for (const size of sizes) {
    const closing = createClosing((error) => say(`Not closed: ${String(error)}`));
    everything.add(() => closing.all());
    const side = await observeFleet(closing, size, say);
    say(`watch: ${size} jobs that nothing happens to`);
    const poll = await pollsAlone(side, async () => {
      const alone = await measurePoll(side, 3, 20_000);
      if (size === 10_000) changes = await measureChanges(side, say);
      return alone;
    });
    const cost = await measureUnchanged(side, 2);
    say(`watch: ${options.samples} of ${size} jobs fail, one after the other`);
    const delays = await measureDelays(side, options.samples);
    rows.push({ size, poll, cost, delays });
    // At once: the whole takes half an hour.
    say(
      `watch: ${size} jobs: ${formatMs(cost.sluice)} a second, PostgreSQL ${formatMs(cost.postgres)}, raw ${formatMs(cost.raw)}; alerts p50 ${formatMs(delays.p50)}, p99 ${formatMs(delays.p99)}`,
    );
    if (size === 10_000) {
      say('watch: the others fail in one second');
      storm = await measureStorm(side, size);
      say(`watch: storm: ${JSON.stringify(storm)}`);
    }
    await closing.all();
  }
  const closing = createClosing((error) => say(`Not closed: ${String(error)}`));
  everything.add(() => closing.all());
  const real = await measureJobManager(closing, options.flink, say);
  await closing.all();
  return figureOf(rows, idle, storm as Storm, changes as Changes, real, options);
}

function figureOf(
  rows: readonly Row[],
  idle: number,
  storm: Storm,
  changes: Changes,
  real: JobManagerCost,
  options: { samples: number; flink: string },
): Omit<Figure, 'facts'> {
  const of = (size: number) => rows.find((row) => row.size === size) as Row;
  const [small, thousand, large] = [of(60), of(1000), of(10_000)];
  const median = (turns: readonly number[]) => [...turns].sort((a, b) => a - b)[Math.floor(turns.length / 2)] ?? 0;
  const spread = (turns: readonly number[]) => `${formatMs(median(turns))} (${turns.map(formatMs).join(', ')})`;
  const more = median(real.watched) - median(real.alone);
  // What ten thousand cost more than sixty, for each of them.
  const perJob = (of: (row: Row) => number) => ((of(large) - of(small)) / (large.size - small.size)) * 1000;
  const microseconds = (value: number) => `${value.toFixed(1)} µs`;
  const perMinute = (small.cost.sluice * 60) / 1000;
  const perPoll = ({ poll: { sluice, postgres, polls, seconds } }: Row) => ((sluice + postgres - idle) * seconds) / polls;
  const poll = perPoll(large);
  const aim = (met: boolean, text: string): Aim => ({ met, text });
  return {
    name: 'watch',
    title: 'Watching',
    how:
      'Each fleet is a stand-in that answers in the shapes of Flink 1.20.5, observed by `src/main.ts` as a process of its own with embedded PostgreSQL and the practice workspace as Slack; every job was found and its checkpoints were read before anything counts. ' +
      `Cost: 2 turns of 60 s in which nothing happens (checkpoints and data are looked at once a minute, in waves), the default settings (states each second, tasks each 10 s, checkpoints each minute), processor time of the processes by /proc. A poll alone: 3 turns of 20 s with checkpoints and data put off, less what a Sluice takes that watches nothing (${formatMs(idle)} a second, one minute), divided by the polls that there were; it has its share of the overview of each 10 s in it. The raw loop only reads /jobs once a second and makes a map of it, in turns with that. ` +
      `Delay: ${options.samples} jobs fail one after the other, each of a cause of its own, until the message stands in the workspace. ` +
      'Changes: with the same put off, so many jobs restart for 2 s, and what is used in 20 s more than in the 20 s before; twice each. ' +
      'Storm: the rest of ten thousand jobs fails within one second, of one cause; one minute is looked at. ' +
      `The real cluster is Flink ${options.flink}; Sluice is stopped and let go on in turns of 60 s (stopped, watching, watching, stopped, stopped, watching), from three minutes after all its jobs were known.`,
    tables: [
      {
        head: ['jobs', 'Sluice, CPU a second', 'PostgreSQL', 'both, a poll alone', 'raw loop', 'alert p50', 'p99', 'slowest'],
        rows: rows.map((row) => [
          String(row.size),
          formatMs(row.cost.sluice),
          formatMs(row.cost.postgres),
          formatMs(perPoll(row)),
          formatMs(row.cost.raw),
          formatMs(row.delays.p50),
          formatMs(row.delays.p99),
          formatMs(row.delays.slowest),
        ]),
      },
      {
        head: ['10,000 jobs fail in one second', ''],
        rows: [
          ['first message', formatMs(storm.firstMessageMs)],
          ['every incident stored', formatMs(storm.allStoredMs)],
          ['every cause read', storm.causesReadMs === undefined ? 'later than a minute' : formatMs(storm.causesReadMs)],
          ['posts, edits in the first minute', `${storm.posts}, ${storm.edits}`],
          ['memory more, at the highest', formatBytes(storm.growth)],
        ],
      },
      {
        head: ['jobs of 10,000 that restart at once', 'CPU more, Sluice and PostgreSQL', 'for each of them'],
        rows: changes.map(({ changed, ms }) => [String(changed), formatMs(ms), formatMs(ms / changed)]),
      },
      {
        head: [`a real cluster with ${real.jobs} jobs, CPU a minute`, 'median (each turn)'],
        rows: [
          ['JobManager, nobody watches', spread(real.alone)],
          ['JobManager, Sluice watches', spread(real.watched)],
          ['Sluice', spread(real.sluice)],
        ],
      },
    ],
    aims: [
      aim(
        more <= 1500,
        `A real JobManager with ${real.jobs} jobs takes ${formatMs(more)} more processor time a minute when it is watched; aimed at were 1.5 s.`,
      ),
      aim(
        median(real.sluice) <= 1000,
        `Beside it Sluice takes ${formatMs(median(real.sluice))} a minute for them, without PostgreSQL; aimed at was 1 s.`,
      ),
      aim(
        thousand.delays.p50 <= 1000 && thousand.delays.p99 <= 2500,
        `At 1,000 jobs an alert stands in Slack after ${formatMs(thousand.delays.p50)} at p50 and ${formatMs(thousand.delays.p99)} at p99; aimed at were 1 s and 2.5 s.`,
      ),
      aim(
        perMinute <= 1,
        `Watching 60 jobs takes ${perMinute.toFixed(2)} s of processor time a minute, without PostgreSQL; aimed at was 1 s for 50.`,
      ),
      aim(poll <= 60, `A poll of 10,000 unchanged jobs takes ${formatMs(poll)} of processor time with the database; aimed at were 60 ms.`),
      aim(
        storm.firstMessageMs <= 2000 && storm.allStoredMs <= 10_000,
        `Of 10,000 failures the first message came after ${formatMs(storm.firstMessageMs)} (aim 2 s), all were stored after ${formatMs(storm.allStoredMs)} (aim 10 s).`,
      ),
      aim(
        storm.posts <= 3 && storm.edits <= 50,
        `They made ${storm.posts} posts and ${storm.edits} edits in a minute; aimed at were 3 and 50.`,
      ),
      aim(storm.growth <= 100e6, `They took ${formatBytes(storm.growth)} of memory more; aimed at were 100 MB.`),
    ],
    notes: [
      `An unchanged job costs a poll ${microseconds(perJob(perPoll))} more, of which the raw loop, which only reads and parses the list, takes ${microseconds(perJob(({ cost }) => cost.raw))}; a changed one costs what the third table says.`,
    ],
  };
}
