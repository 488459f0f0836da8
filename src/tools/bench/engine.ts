import { join } from 'node:path';
import { silentLog } from '../../core/log.ts';
import { sleep } from '../../core/time.ts';
import { startEmbedded } from '../../db/embedded.ts';
import type { Closing } from './closing.ts';
import { converse } from './conversation.ts';
import { postgresVersion } from './machine.ts';
import type { BenchOptions } from './options.ts';
import type { Aim, Figure } from './report.ts';
import { createFineClock, type SeenRequest, startRequestLog } from './request-log.ts';
import { type Flink, type Slack, temporaryFolder } from './rig.ts';
import { applyObjects, install, jobName, startSluice } from './sluice.ts';
import { beyondIdle, countingSettings, openCounter, type StatementCount } from './statements.ts';
import { formatMs, median, percentile } from './stats.ts';

const aimMs = 30;
const idleMs = 10_000;
/** After the last word stands in Slack, its being sent is noted. */
const settleMs = 300;

/** What is typed, by the kind of operation; in this order a round begins and ends with a job that does not run. */
const kinds = { start: `start ${jobName} --fresh`, savepoint: `savepoint ${jobName}`, stop: `stop ${jobName}` } as const;
type Kind = keyof typeof kinds;
interface Sample {
  /** From the commit of the acceptance, ms: until the first request at Flink, until the first that changes something there. */
  firstRequestMs: number;
  firstChangeMs: number;
  cost: StatementCount;
}

/** Accept until first effect, and what one operation costs the database, on a PostgreSQL of its own that counts; its version is in `facts`. */
export async function measureEngine(
  closing: Closing,
  slack: Slack,
  flink: Flink,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<Figure> {
  const dir = await temporaryFolder(closing);
  const server = await startEmbedded({ dataDir: join(dir, 'postgres'), log: silentLog, settings: countingSettings });
  closing.add(() => server.stop());
  const { host, user, database } = server.connection;
  const installation = await install(slack, join(dir, 'sluice'), {
    databaseUrl: `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}`,
    // Idle: else some of the requests are those of the watch.
    watch: { jobsEvery: '60 min' },
  });
  await startSluice(closing, installation);
  let clock = createFineClock();
  const log = await startRequestLog(closing, flink.url, () => clock());
  await applyObjects(installation, join(dir, 'objects'), { ...flink, url: log.url });
  const counter = await openCounter(closing, server.connection);
  const talk = converse(slack);

  const idle = async (): Promise<StatementCount> => {
    const [before, began] = [await counter.count(), performance.now()];
    await sleep(idleMs);
    const [after, tookMs] = [await counter.count(), performance.now() - began];
    const perMs = (key: keyof StatementCount) => (after[key] - before[key]) / tookMs;
    return { statements: perMs('statements'), commits: perMs('commits'), ms: perMs('ms') };
  };
  const measure = async (kind: Kind, idle: StatementCount): Promise<Sample> => {
    clock = createFineClock();
    log.seen.length = 0;
    const [before, began] = [await counter.count(), performance.now()];
    const { operationId } = await talk.does(`/flink ${kinds[kind]}`);
    await sleep(settleMs);
    const [after, tookMs] = [await counter.count(), performance.now() - began];
    const acceptedAt = await counter.acceptedAt(operationId);
    return { ...firstAfter(log.seen, acceptedAt), cost: beyondIdle(before, after, tookMs, idle) };
  };

  say('engine: one round that does not count');
  const nothing = { statements: 0, commits: 0, ms: 0 };
  for (const kind of Object.keys(kinds) as Kind[]) await measure(kind, nothing);
  const anyway = await idle();
  const samples: Record<Kind, Sample[]> = { start: [], savepoint: [], stop: [] };
  for (let round = 1; round <= options.starts; round++) {
    if (round % 10 === 0) say(`engine: round ${round} of ${options.starts}`);
    for (const kind of Object.keys(kinds) as Kind[]) samples[kind].push(await measure(kind, anyway));
  }
  const of = (kind: Kind, pick: (s: Sample) => number) => samples[kind].map(pick);
  const p50 = percentile(
    of('start', (s) => s.firstRequestMs),
    0.5,
  );
  const spread = (values: readonly number[]) => [0.5, 0.99].map((share) => formatMs(percentile(values, share)));
  const each = (kind: Kind, pick: (c: StatementCount) => number) => median(of(kind, (s) => pick(s.cost)));
  const aims: Aim[] = [
    {
      text: `From accept to the first request at Flink, a start takes ${formatMs(p50)} at p50; aimed at were ${aimMs} ms.`,
      met: p50 <= aimMs,
    },
  ];
  return {
    name: 'engine',
    title: 'Accept to first effect, and what an operation costs the database',
    how:
      `\`/flink start\` from nothing, \`/flink savepoint\` and \`/flink stop\` of one job, ${options.starts} rounds after one that does not count, each when the one before is over. ` +
      "A relay before Flink notes when requests arrive; the acceptance counts from its commit, by PostgreSQL's `track_commit_timestamp`. The first request looks at the cluster, the first change is the first that is no GET. " +
      'Statements and their time are the difference of `pg_stat_statements` from before the command is typed until its last word is noted as sent, so with the command itself and its messages, without what Sluice asks anyway; a round trip that begins a transaction counts as three. ' +
      'The time is that of the server for planning and carrying out, without what commits wait for the disk. The watch rests meanwhile.',
    tables: [
      {
        head: ['from accept', 'first request p50', 'p99', 'first change p50', 'p99'],
        rows: (Object.keys(kinds) as Kind[]).map((kind) => [
          kind,
          ...spread(of(kind, (s) => s.firstRequestMs)),
          ...spread(of(kind, (s) => s.firstChangeMs)),
        ]),
      },
      {
        head: ['one operation', 'statements', 'transactions committed', 'time of the database'],
        rows: (Object.keys(kinds) as Kind[]).map((kind) => [
          kind,
          String(Math.round(each(kind, (c) => c.statements))),
          String(Math.round(each(kind, (c) => c.commits))),
          formatMs(each(kind, (c) => c.ms)),
        ]),
      },
    ],
    aims,
    notes: [
      `Without operations Sluice sends ${(anyway.statements * 1000).toFixed(1)} statements a second, which take ${formatMs(anyway.ms * 1000)}.`,
    ],
    facts: { PostgreSQL: await postgresVersion({ connection: server.connection }) },
  };
}

/** How long after a moment the first request came, and the first that changes something; NaN where none did. */
export function firstAfter(seen: readonly SeenRequest[], at: number): Pick<Sample, 'firstRequestMs' | 'firstChangeMs'> {
  const since = (request: SeenRequest | undefined) => (request ? request.at - at : Number.NaN);
  const later = seen.filter((request) => request.at >= at);
  return { firstRequestMs: since(later[0]), firstChangeMs: since(later.find((request) => request.method !== 'GET')) };
}
