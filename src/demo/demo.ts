import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type App, createApp } from '../app.ts';
import { createFolderStore } from '../build/artifact-store.ts';
import { commands } from '../commands/index.ts';
import { loadConfig } from '../config/load.ts';
import { downloadEnvironment, flinkCacheFolder, nodeEnv } from '../config/places.ts';
import { newSecret } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { formatDuration } from '../core/time.ts';
import { ensureDistribution } from '../flink/distribution.ts';
import { type LocalCluster, startLocalCluster } from '../flink/local-cluster.ts';
import { createPractice, defaultSeed, type Practice, refuseProduction } from '../practice/server.ts';
import { buildManifest } from '../slack/manifest.ts';
import { applyFolder } from '../tools/apply/apply.ts';
import { freePort, onFreePort } from './free-port.ts';
import { type GitServer, startGitServer } from './git-server.ts';
import { type DemoCluster, writeSeed } from './seed.ts';

export interface DemoOptions {
  home: string;
  port: number;
  practicePort: number;
  /** Flink releases side by side; the first is the cluster `standalone`. */
  flink: readonly string[];
  transport: 'http' | 'socket';
  /** When the checkpoint digest is brought up to date, instead of once a day; also with a field for seconds. */
  digest?: { at: string; timeZone: string };
  log: Log;
  onProgress: (line: string) => void;
  /** Aborted during the start: it ends what it has started and rejects at its next step. */
  signal?: AbortSignal;
}
export interface Demo {
  sluiceUrl: string;
  practiceUrl: string;
  app: App;
  practice: Practice;
  git: GitServer;
  clusters: { demo: DemoCluster; cluster: LocalCluster }[];
  stop(): Promise<void>;
}
const gitUser = 'sluice';

/** Starts everything of the demo in this process tree: Flink, git, the practice workspace, Sluice with its embedded PostgreSQL; seeded. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { home, log } = options;
  refuseProduction(nodeEnv());
  await mkdir(home, { recursive: true });
  const closing: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closing.splice(0).reverse())
      await close().catch((error) => log.warn({ error: String(error) }, 'part of the shutdown failed'));
  };
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    options.signal?.throwIfAborted();
    const started = performance.now();
    options.onProgress(`${name} …`);
    const result = await work();
    const took = performance.now() - started;
    if (took > 1000) options.onProgress(`${name}: done in ${formatDuration(took)}`);
    return result;
  };
  try {
    const clusters: Demo['clusters'] = [];
    for (const [i, version] of options.flink.entries()) clusters.push(await startFlink(version, i, options, step, closing));
    const passwordFile = await gitPassword(home);
    const git = await step('Git repository', () =>
      startGitServer({ dir: join(home, 'git'), port: 0, user: gitUser, password: passwordFile.password }),
    );
    closing.push(() => git.close());

    const port = await freePort(options.port);
    const sluiceUrl = `http://127.0.0.1:${port}`;
    const secrets = {
      slackBotToken: `xoxb-practice-${newSecret()}`,
      slackSigningSecret: newSecret(),
      ...(options.transport === 'socket' ? { slackAppToken: `xapp-practice-${newSecret()}` } : {}),
    };
    const manifest = buildManifest({
      transport: options.transport,
      publicUrl: sluiceUrl,
      commands: commands.filter((c) => !c.hidden).map((c) => ({ name: c.name, summary: c.summary })),
    });
    const practice = await createPractice({
      port: await freePort(options.practicePort),
      botToken: secrets.slackBotToken,
      signingSecret: secrets.slackSigningSecret,
      ...(secrets.slackAppToken ? { appToken: secrets.slackAppToken } : {}),
      transport: options.transport,
      requestUrl: `${sluiceUrl}/slack/events`,
      manifest,
      dataFile: join(home, 'practice.json'),
      nodeEnv: nodeEnv(),
    });
    closing.push(() => practice.close());

    const settings = loadConfig({
      overrides: {
        home,
        host: '127.0.0.1',
        port,
        publicUrl: sluiceUrl,
        slack: { apiUrl: practice.apiUrl, teamId: defaultSeed.team.id, defaultChannel: 'C0ETL', alertChannel: 'C0ALERTS' },
        git: { plainHttpHosts: [new URL(git.url).host] },
        builds: { minFreeDisk: '500 MB' },
        starts: { firstCheckpointWithin: '90s' },
        // Sooner than in earnest, so that whoever kills a TaskManager sees what on-call would see.
        incidents: { restartingFor: '2s' },
      },
      secrets,
    });
    const config = { ...settings, ...(options.digest ? { digest: options.digest } : {}) };
    const app = await step('Sluice with its embedded PostgreSQL', () => createApp({ config, log, onProgress: options.onProgress }));
    closing.push(() => app.stop());
    const folder = join(home, 'objects');
    await writeSeed({
      folder,
      clusters: clusters.map((c) => c.demo),
      workspace: defaultSeed,
      gitUrl: git.url,
      gitUser,
      gitPasswordFile: passwordFile.file,
    });
    await step('Objects applied', () =>
      applyFolder(app.database, createFolderStore(config.artifacts.folder), folder, config.git.plainHttpHosts),
    );
    return { sluiceUrl, practiceUrl: practice.url, app, practice, git, clusters, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startFlink(
  version: string,
  index: number,
  options: DemoOptions,
  step: <T>(name: string, work: () => Promise<T>) => Promise<T>,
  closing: (() => Promise<unknown>)[],
): Promise<Demo['clusters'][number]> {
  const { home } = loadConfig({ overrides: { home: options.home } }).flink;
  const distribution = await step(`Flink ${version}`, () =>
    ensureDistribution({
      version,
      cacheDir: flinkCacheFolder(),
      ...(home ? { flinkHome: home } : {}),
      env: downloadEnvironment(),
      onProgress: options.onProgress,
    }),
  );
  const dir = join(options.home, `flink-${version}`);
  const cluster = await step(`Flink ${version} session cluster`, async () => {
    const start = async (restPort: number) => {
      const started = await startLocalCluster({
        home: distribution.home,
        dir,
        restPort,
        taskManagers: 2,
        slots: 3,
        onProgress: options.onProgress,
      });
      closing.push(() => started.stop());
      await started.waitReady();
      return started;
    };
    // The REST port is kept over restarts of the demo, so that links in old messages stay right.
    return onFreePort(await keptPort(dir, 8081 + index * 10), start);
  });
  await writeFile(join(dir, 'rest-port'), new URL(cluster.url).port);
  const ended = cluster.superviseRestarts(10_000, (event) =>
    options.onProgress(`${event.role} ${event.index + 1} of Flink ${version} ${event.kind}`),
  );
  closing.push(async () => ended());
  return {
    cluster,
    demo: {
      name: index === 0 ? 'standalone' : `standalone-${version.replaceAll('.', '-')}`,
      url: cluster.url,
      version,
      home: distribution.home,
      checkpointDir: cluster.checkpointDir,
      savepointDir: cluster.savepointDir,
      failFile: join(dir, 'fail-etl-orders'),
    },
  };
}
async function keptPort(dir: string, wanted: number): Promise<number> {
  const kept = Number(await readFile(join(dir, 'rest-port'), 'utf8').catch(() => ''));
  return freePort(kept || wanted);
}
async function gitPassword(home: string): Promise<{ file: string; password: string }> {
  const file = join(home, 'git-password');
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known) return { file, password: known.trim() };
  const password = randomBytes(18).toString('base64url');
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return { file, password };
}
