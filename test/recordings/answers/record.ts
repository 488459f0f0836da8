/**
 * Records what an older release of Flink answers: `node test/recordings/answers/record.ts --home /opt/flink-1.13.6`. Needs Java 17; takes a minute and
 * writes RELEASE.json beside this file. A home is a folder with `lib`: of a binary release, or `deps` of PyPI's `apache-flink-libraries`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { http } from '../../../src/core/http.ts';
import { newFlinkId } from '../../../src/core/ids.ts';
import { standalone } from '../../../src/deploy/kinds/standalone.ts';
import { createFlinkClient, type FlinkClient } from '../../../src/flink/client.ts';
import { versionOfHome } from '../../../src/flink/distribution.ts';
import { until, untilRunning, untilState } from '../../helpers/flink.ts';
import { ordersJob } from '../../helpers/flink-job.ts';
import { type Answers, answersPath, type Moment } from './answers.ts';
import { askAll } from './ask.ts';
import { compileOldJob, startOldCluster } from './old-cluster.ts';

const usual = {
  'execution.checkpointing.interval': '1 s',
  'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
};
const once = { 'restart-strategy': 'none' };
const later = {
  'restart-strategy': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '9',
  'restart-strategy.fixed-delay.delay': '1 h',
};
const unaligned = {
  'execution.checkpointing.unaligned': 'true',
  'state.backend': 'rocksdb',
  'state.backend.incremental': 'true',
  'state.storage.fs.memory-threshold': '0',
};

/** Asks everything through a server that notes the answers. */
async function moment(url: string, jobs: Record<string, string>): Promise<Moment> {
  const answers: Moment['answers'] = {};
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    const { status, body } = await http(`${url}${path}`);
    answers[path] = { status, body: /^\s*[[{]/.test(body) ? JSON.parse(body) : body };
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const tap = { name: 'old', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, webUrl: null, options: {}, observed: true };
  const deployer = standalone.open(tap);
  try {
    await askAll(deployer);
  } finally {
    await deployer.close();
    server.close();
  }
  return { jobs, answers };
}

async function play(home: string, dir: string): Promise<Answers['moments']> {
  const jar = await compileOldJob(home, dir);
  const flink = await startOldCluster(home, dir, { ...usual, ...once });
  const { url } = flink.cluster;
  const client = createFlinkClient({ url });
  const upload = async () => (await client.uploadJar(jar)).jarId;
  const starting = (jarId: string) => async (args: string[], savepointPath?: string) => {
    const run = { jarId, jobId: newFlinkId(), entryClass: ordersJob, programArgs: args, parallelism: 1, savepointPath };
    return (await client.runJar(run)).jobId;
  };
  try {
    let start = starting(await upload());
    const orders = ['--name', 'Orders -> Lake (EU)', '--event-time', '--rate', '1000'];
    const stopped = await start(orders);
    await withCheckpoints(client, stopped);
    const { triggerId } = await client.stopWithSavepoint({
      jobId: stopped,
      triggerId: newFlinkId(),
      targetDirectory: `file://${dir}/savepoints`,
    });
    const savepoint = await until('the savepoint', async () => {
      const result = await client.savepointResult(stopped, triggerId);
      return result.state === 'completed' && result.location;
    });
    const restored = await start(orders, savepoint);
    const failed = await start(['--name', 'Failing', '--fail-after', '100']);
    const canceled = await start(['--name', 'Canceled']);
    await withCheckpoints(client, canceled);
    await client.cancelJob(canceled);
    await untilState(client, canceled, 'CANCELED');
    await untilState(client, failed, 'FAILED');
    await withCheckpoints(client, restored);
    await withFlow(client, restored);
    const moments: Partial<Answers['moments']> = { usual: await moment(url, { stopped, restored, failed, canceled }) };

    await flink.again({ ...usual, ...later, ...unaligned });
    start = starting(await upload());
    const lost = restored;
    const running = await start(orders);
    const restarting = await start(['--name', 'Restarting', '--fail-after', '100']);
    const declining = await start(['--name', 'Declining', '--fail-checkpoint', '1']);
    await untilState(client, restarting, 'RESTARTING');
    await withCheckpoints(client, running, 4);
    await until('a failed checkpoint', async () => (await client.checkpoints(declining)).latest.failed ?? undefined);
    moments.unaligned = await moment(url, { lost, running, restarting, declining });

    await flink.again({ ...once });
    start = starting(await upload());
    const without = await start(orders);
    await untilRunning(client, without);
    await withFlow(client, without);
    moments.none = await moment(url, { without });
    return moments as Answers['moments'];
  } finally {
    await client.close();
    await flink.cluster.stop('SIGKILL');
  }
}
async function withCheckpoints(client: FlinkClient, id: string, count = 2): Promise<void> {
  await untilRunning(client, id);
  await until('its checkpoints', async () => (await client.checkpoints(id)).counts.completed >= count);
}
async function withFlow(client: FlinkClient, id: string): Promise<void> {
  const { vertices } = await client.job(id);
  for (const { id: vertex } of vertices)
    await until(
      'the metrics',
      async () => ((await client.subtaskMetrics(id, vertex, ['numRecordsOut', 'numRecordsIn'])).get('numRecordsOut')?.sum ?? -1) >= 0,
    );
}

/** Without what is this machine's, and with a few lines of each trace and log. */
function clean(text: string, home: string, dir: string): string {
  const names: [string, string][] = [
    [dir, '/flink/cluster'],
    [home, '/flink/home'],
    [tmpdir(), '/flink/tmp'],
    [hostname(), 'flink-1'],
  ];
  const plain = names.reduce((all, [from, to]) => all.replaceAll(from, to), text);
  const answers: Answers = JSON.parse(plain, (_key, value) => (typeof value === 'string' && value.includes('\n') ? short(value) : value));
  // One line for each answer.
  const { moments, ...about } = answers;
  const lines = Object.entries(moments).map(([name, { jobs, answers: told }]) => {
    const each = Object.entries(told).map(([path, answer]) => `${JSON.stringify(path)}:${JSON.stringify(answer)}`);
    return `${JSON.stringify(name)}:{"jobs":${JSON.stringify(jobs)},"answers":{\n${each.join(',\n')}}}`;
  });
  return `${JSON.stringify(about).slice(0, -1)},"moments":{\n${lines.join(',\n')}}}`;
}
function short(text: string): string {
  let frames = 0;
  const lines = text.split('\n').filter((line) => {
    frames = /^\s+(at|\.\.\.) /.test(line) ? frames + 1 : 0;
    return frames <= 2;
  });
  return (lines.length > 12 ? lines.slice(-12) : lines).join('\n');
}

const { values } = parseArgs({ options: { home: { type: 'string' } } });
const home = values.home ?? '';
const release = await versionOfHome(home);
if (!release) throw new Error('--home names no folder with a Flink in it');
const dir = await mkdtemp(join(tmpdir(), 'sluice-answers-'));
const moments = await play(home, dir);
const answers: Answers = { release, recordedOn: new Date().toISOString().slice(0, 10), java: '17', moments };
await writeFile(answersPath(release), `${clean(JSON.stringify(answers), home, dir)}\n`);
await rm(dir, { recursive: true, force: true, maxRetries: 3 });
