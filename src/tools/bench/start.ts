import type { Database } from '../../db/db.ts';
import type { Conversation } from './conversation.ts';
import { forgetJars, type JobTimes, readJobTimes } from './flink-times.ts';
import type { BenchOptions } from './options.ts';
import type { Aim, Figure, Table } from './report.ts';
import { benchJob, type Flink } from './rig.ts';
import { differences, formatMs, formatSpread, median } from './stats.ts';
import { stepTable } from './step-times.ts';
import { type Attempt, commandLineWay, restWay, sluiceWay, type Way } from './ways.ts';

interface Sample {
  start: Attempt;
  stop: Attempt;
  times: JobTimes;
}
const overRawMs = 150;

/** Start until every task runs, and stop with savepoint: Sluice, a script over REST, and Flink's command line, in turns. */
export async function measureStart(
  flink: Flink,
  talk: Conversation,
  records: Database,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<Omit<Figure, 'facts'>> {
  const sluice = sluiceWay('Sluice', talk, records);
  const again = sluiceWay('Sluice, artifact already there', talk, records);
  const raw = restWay(flink);
  const ways: Way[] = [sluice, raw, again, commandLineWay(flink)];
  const samples = new Map(ways.map((way) => [way.name, [] as Sample[]]));
  const measure = async (way: Way): Promise<Sample> => {
    if (way !== again) await forgetJars(flink.url);
    const start = await way.start();
    await readJobTimes(flink.url, start.flinkJobId, 'runningAt');
    const stop = await way.stop(start.flinkJobId);
    return { start, stop, times: await readJobTimes(flink.url, start.flinkJobId, 'finishedAt') };
  };
  say('start: one round that does not count');
  for (const way of ways) await measure(way);
  for (let pair = 0; pair < options.pairs; pair++) {
    say(`start: round ${pair + 1} of ${options.pairs}`);
    // `again` comes after a way that left its jar, which is Sluice's own.
    const order = pair % 2 === 0 ? [sluice, again, raw] : [raw, sluice, again];
    for (const way of [...order, ways[3] as Way]) samples.get(way.name)?.push(await measure(way));
  }
  const of = (way: Way, pick: (s: Sample) => number) => (samples.get(way.name) ?? []).map(pick);
  const more = median(differences(of(sluice, startFromAccept), of(raw, startFromAccept)));
  const moreAgain = median(differences(of(again, startFromAccept), of(raw, startFromAccept)));
  const moreStop = median(differences(of(sluice, stopFromAccept), of(raw, stopFromAccept)));
  const aims: Aim[] = [
    {
      text: `From accept, Sluice takes ${formatMs(more)} more than raw REST until every task runs (median of ${options.pairs} pairs); aimed at were ${overRawMs} ms at most.`,
      met: more <= overRawMs,
    },
  ];
  const ids = (way: Way, which: 'start' | 'stop') => (samples.get(way.name) ?? []).flatMap((s) => s[which].operationId ?? []);
  return {
    name: 'start',
    title: 'Start and stop',
    how:
      `The demo's etl-orders with parallelism ${benchJob.parallelism} on a session cluster of two TaskManagers with three slots, from nothing each time, the same jar for all; ${options.pairs} rounds in which the ways take turns, after one that does not count. ` +
      "Every task runs when Flink's `/subtasktimes` says so of the last one, a job has ended at the FINISHED of its `timestamps`; both are read afterwards, when Flink's cache of 3 s has passed, and nothing else is asked meanwhile. " +
      'Sent is when the request left (Sluice: when the command was typed; the command line: when the program was started), accepted is `created_at` of the operation; told is when the last word stood in Slack, the last answer came, or the program ended. Jars are removed from the cluster before each start but the second row.',
    tables: [
      wayTable('start until every task runs', ways, of, startFromSent, startFromAccept, (s) => s.start.toldAt - s.start.sentAt),
      wayTable(
        'stop with savepoint until ended',
        [sluice, raw, ways[3] as Way],
        of,
        stopFromSent,
        stopFromAccept,
        (s) => s.stop.toldAt - s.stop.sentAt,
      ),
      await stepTable('start, part by part', records, ids(sluice, 'start')),
      await stepTable('stop, part by part', records, ids(sluice, 'stop')),
    ],
    aims,
    notes: [
      `${(median(of(sluice, startFromAccept)) / median(of(raw, startFromAccept))).toFixed(1)} times raw REST; with the artifact already on the cluster, as for any second start of a version, the difference is ${formatMs(moreAgain)}.`,
      `Stop with savepoint: ${formatMs(moreStop)} more than raw REST.`,
      `The last word stands in Slack ${formatSpread(of(sluice, (s) => s.start.toldAt - (s.times.runningAt ?? Number.NaN)))} after the last task began to run: Sluice says it when Flink's own answer proves it, which Flink caches for 3 s.`,
      `By the vertices' \`start-time\` (deployed, not yet running) of \`/jobs/:id\`: Sluice ${formatSpread(of(sluice, deployedFromAccept))}, raw REST ${formatSpread(of(raw, deployedFromAccept))}.`,
    ],
  };
}

const startFromSent = (s: Sample) => (s.times.runningAt ?? Number.NaN) - s.start.sentAt;
const startFromAccept = (s: Sample) => (s.times.runningAt ?? Number.NaN) - s.start.acceptedAt;
const deployedFromAccept = (s: Sample) => (s.times.deployedAt ?? Number.NaN) - s.start.acceptedAt;
const stopFromSent = (s: Sample) => (s.times.finishedAt ?? Number.NaN) - s.stop.sentAt;
const stopFromAccept = (s: Sample) => (s.times.finishedAt ?? Number.NaN) - s.stop.acceptedAt;

function wayTable(
  what: string,
  ways: readonly Way[],
  of: (way: Way, pick: (s: Sample) => number) => number[],
  ...picks: ((s: Sample) => number)[]
): Table {
  return {
    head: [what, 'from being sent', 'from accept', 'told after'],
    rows: ways.map((way) => [way.name, ...picks.map((pick) => formatSpread(of(way, pick)))]),
  };
}
