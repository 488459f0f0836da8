import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { UpstreamError } from '../../core/errors.ts';
import { http } from '../../core/http.ts';
import { silentLog } from '../../core/log.ts';
import { type Daemon, run, startDaemon } from '../../core/process.ts';
import { sleep } from '../../core/time.ts';
import { type Database, openDb } from '../../db/db.ts';
import { connectEmbedded } from '../../db/embedded.ts';
import { signedHeaders } from '../../practice/link/sign.ts';
import { defaultSeed } from '../../practice/seed.ts';
import type { Closing } from './closing.ts';
import { benchJob, type Flink, projectRoot, type Slack } from './rig.ts';
import { slashCommand } from './slash-command.ts';

/** The one job that is registered; in development, so that `--fresh` needs nobody's approval. */
export const jobName = 'bench-orders';

/** One installation of Sluice: its data directory and its settings, whether it runs or not. */
export interface Installation {
  dataDir: string;
  env: Record<string, string>;
  url: string;
  slack: Slack;
  logFile: string;
}
/** Writes the settings of an installation; `databaseUrl` instead of an embedded PostgreSQL. */
export async function install(
  slack: Slack,
  dir: string,
  { databaseUrl, watch }: { databaseUrl?: string; watch?: Readonly<Record<string, string>> } = {},
): Promise<Installation> {
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'sluice.yaml');
  await writeFile(
    config,
    stringify({
      home: dir,
      port: slack.port,
      slack: { apiUrl: slack.practice.apiUrl, teamId: defaultSeed.team.id, defaultChannel: 'C0ETL', alertChannel: 'C0ALERTS' },
      ...(watch ? { watch } : {}),
    }),
  );
  return {
    dataDir: join(dir, 'db'),
    env: {
      SLUICE_CONFIG: config,
      SLACK_BOT_TOKEN: slack.botToken,
      SLACK_SIGNING_SECRET: slack.signingSecret,
      ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
    },
    url: `http://127.0.0.1:${slack.port}`,
    slack,
    logFile: join(dir, 'sluice.log'),
  };
}

/** Registers people, cluster and job by `apply`, as anybody would; Sluice may run meanwhile. */
export async function applyObjects(
  installation: Installation,
  dir: string,
  flink: Pick<Flink, 'url' | 'savepointDir'> & { jar?: string },
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const [emma] = defaultSeed.people;
  const objects = {
    team: { kind: 'team', name: 'data', channel: 'C0ETL', alertChannel: 'C0ALERTS' },
    person: {
      kind: 'person',
      name: emma?.name,
      slackTeamId: defaultSeed.team.id,
      slackUserId: emma?.id,
      roles: [{ team: 'data', role: 'engineer' }],
    },
    cluster: { kind: 'cluster', name: 'standalone', type: 'standalone', url: flink.url, team: 'data', pathsReadable: true },
    job: {
      kind: 'job',
      name: jobName,
      team: 'data',
      ...(flink.jar ? { jar: flink.jar } : {}),
      cluster: 'standalone',
      environment: 'development',
      parameters: {
        'main-class': benchJob.mainClass,
        args: benchJob.args.join(' '),
        parallelism: benchJob.parallelism,
        'savepoint-dir': `file://${flink.savepointDir}`,
      },
    },
  };
  for (const [name, object] of Object.entries(objects)) await writeFile(join(dir, `${name}.yaml`), stringify(object));
  const applied = await run(process.execPath, [join(projectRoot, 'src/tools/apply.ts'), dir], {
    cwd: projectRoot,
    env: installation.env,
    timeoutMs: 60_000,
  });
  if (applied.code !== 0) throw new UpstreamError(`The objects of the bench were not applied: ${applied.tail.join(' ')}`);
}

/** How `npm start` starts Node: what is measured runs as it runs for everybody. */
async function startFlags(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as { scripts: { start: string } };
  return scripts.start.split(' ').filter((word) => /^--(max|heap)-/.test(word));
}
/** Starts `src/main.ts` as a process of its own and waits until it is well. */
export async function startSluice(closing: Closing, installation: Installation): Promise<Daemon> {
  const daemon = await startDaemon(process.execPath, [...(await startFlags()), join(projectRoot, 'src/main.ts')], {
    cwd: projectRoot,
    env: installation.env,
    logFile: installation.logFile,
  });
  closing.add(() => daemon.stop('SIGTERM', 20_000));
  let ended = false;
  void daemon.exited.finally(() => {
    ended = true;
  });
  const deadline = performance.now() + 90_000;
  while (!(await http(`${installation.url}/healthz`, { timeoutMs: 2000 }).catch(() => undefined))) {
    if (ended || performance.now() > deadline) {
      const log = await readFile(installation.logFile, 'utf8').catch(() => '');
      throw new UpstreamError(`Sluice did not start: ${log.split('\n').slice(-6).join(' ')}`);
    }
    await sleep(50);
  }
  return daemon;
}

/** A connection to the embedded database of a running installation, to read what was recorded. */
export async function openRecords(closing: Closing, installation: Installation): Promise<Database> {
  const { connection } = await connectEmbedded({ dataDir: installation.dataDir });
  const database = openDb({ connection, log: silentLog, max: 2 });
  closing.add(() => database.close());
  return database;
}

/** The process of the embedded PostgreSQL that all its others descend from. */
export async function embeddedPid(installation: Installation): Promise<number> {
  return Number((await readFile(join(installation.dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** Sends one signed slash command; the text of the answer, undefined while nothing answers there. */
export async function sendCommand(url: string, slack: Slack, text: string): Promise<string | undefined> {
  const body = slashCommand(defaultSeed, text, `bench-${process.pid}-${performance.now()}`);
  const headers = signedHeaders(slack.signingSecret, body, 'application/x-www-form-urlencoded');
  const answer = await http(`${url}/slack/events`, { method: 'POST', headers, body, timeoutMs: 5000 }).catch(() => undefined);
  return answer?.status === 200 ? answer.body : undefined;
}
