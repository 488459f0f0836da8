import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UpstreamError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import { type Daemon, startDaemon } from '../../core/process.ts';
import { sleep } from '../../core/time.ts';
import { startEmbedded } from '../../db/embedded.ts';
import { type Closing, createClosing } from './closing.ts';
import type { BenchOptions } from './options.ts';
import { family } from './processes.ts';
import type { Aim, Figure } from './report.ts';
import { projectRoot, type Slack, temporaryFolder } from './rig.ts';
import { applyObjects, type Installation, install, jobName, sendCommand, startSluice } from './sluice.ts';
import { formatMs, formatSpread, median } from './stats.ts';

const aimsMs = { external: 1500, embedded: 4000 } as const;

/** Time from `npm start` to the first answered command, on a PostgreSQL that runs and with the embedded one. */
export async function measureBoot(
  closing: Closing,
  slack: Slack,
  options: BenchOptions,
  say: (line: string) => void,
): Promise<Omit<Figure, 'facts'>> {
  const dir = await temporaryFolder(closing);
  const server = await startEmbedded({ dataDir: join(dir, 'postgres'), log: silentLog });
  closing.add(() => server.stop());
  const { host, user, database } = server.connection;
  const external = await install(slack, join(dir, 'external'), {
    databaseUrl: `postgresql://${user}@localhost/${database}?host=${encodeURIComponent(host)}`,
  });
  const embedded = await install(slack, join(dir, 'embedded'));
  for (const one of [external, embedded]) {
    say('boot: first start, which does not count');
    await prepare(one, join(dir, 'objects'));
  }
  const took = { external: [] as number[], embedded: [] as number[] };
  for (let boot = 0; boot < options.boots; boot++) {
    say(`boot: ${boot + 1} of ${options.boots}`);
    took.external.push(await bootOnce(external));
    took.embedded.push(await bootOnce(embedded));
  }
  const aim = (name: string, all: readonly number[], limitMs: number): Aim => ({
    text: `${name}: ${formatMs(median(all))}, aimed at ${formatMs(limitMs)}.`,
    met: median(all) <= limitMs,
  });
  return {
    name: 'boot',
    title: 'From `npm start` to the first answered command',
    how: `\`npm start\` with one registered job; a signed \`/flink list\` is sent every 20 ms until one is answered, counted from when the npm command is started; ${options.boots} starts of each kind in turns, after one that does not count. External: a PostgreSQL that already runs, on a Unix socket. Embedded: Sluice starts its own, whose data directory is already made.`,
    tables: [
      {
        head: ['`npm start`', 'first answered command after'],
        rows: [
          ['external PostgreSQL', formatSpread(took.external)],
          ['embedded PostgreSQL', formatSpread(took.embedded)],
        ],
      },
    ],
    aims: [aim('External PostgreSQL', took.external, aimsMs.external), aim('Embedded PostgreSQL', took.embedded, aimsMs.embedded)],
    notes: [],
  };
}

async function prepare(installation: Installation, objects: string): Promise<void> {
  const closing = createClosing(() => {});
  try {
    await startSluice(closing, installation);
    // Nothing listens there: starting Sluice must not wait for a cluster.
    await applyObjects(installation, objects, { url: 'http://127.0.0.1:9', savepointDir: dirname(objects) });
  } finally {
    await closing.all();
  }
}

async function bootOnce(installation: Installation): Promise<number> {
  const { slack, url } = installation;
  const begin = performance.now();
  const npm = await startDaemon('npm', ['start'], { cwd: projectRoot, env: installation.env, logFile: installation.logFile });
  try {
    for (;;) {
      const answer = await sendCommand(url, slack, 'list');
      if (answer?.includes(jobName)) return performance.now() - begin;
      if (performance.now() - begin > 60_000)
        throw new UpstreamError('npm start did not answer a command within a minute.', { details: { answer } });
      await sleep(20);
    }
  } finally {
    await stopAll(npm);
  }
}

/**
 * Ends what npm started, and npm with it. A signal to the whole group would reach Sluice twice, since npm hands on its own, and the second
 * one means "at once": the embedded PostgreSQL would be left to the next start, which would find it running.
 */
async function stopAll(npm: Daemon): Promise<void> {
  const sluice = await lastOf(await family(npm.pid), 'src/main.ts');
  const limit = performance.now() + 20_000;
  if (sluice !== undefined) signal(sluice, 'SIGTERM');
  while (signal(-npm.pid, 0)) {
    if (performance.now() > limit) signal(-npm.pid, 'SIGKILL');
    await sleep(20);
  }
  await npm.exited;
}
/** Of these processes the last one, so the innermost, whose command line names a file: npm and its shell name it too. */
async function lastOf(pids: readonly number[], file: string): Promise<number | undefined> {
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.findLast((_, i) => lines[i]?.includes(file));
}
/** Sends a signal, 0 for none; false when there is nobody any more. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
