import { join } from 'node:path';
import { reportError } from './access/error-reports.store.ts';
import { ensureAdmins } from './access/people.store.ts';
import { createFolderStore } from './build/artifact-store.ts';

import { createChannels } from './channels/index.ts';
import { commands } from './commands/index.ts';
import { createPickers } from './commands/picker.ts';
import { createRouter } from './commands/router.ts';
import type { CommandServices } from './commands/spec.ts';
import { chosenChannels } from './config/chosen-channels.ts';
import type { Config } from './config/load.ts';
import { readSecret, type SecretRef } from './config/secrets.ts';
import { type DiskGuard, startDiskGuard } from './core/disk.ts';
import type { Log } from './core/log.ts';
import { sleep } from './core/time.ts';
import { type Database, openDb } from './db/db.ts';
import { startEmbedded } from './db/embedded.ts';
import { migrate } from './db/migrate.ts';
import { createDeployers } from './deploy/deployers.ts';
import { createTurns } from './operations/build-turns.ts';
import { startEngine } from './operations/engine.ts';
import { operationKinds } from './operations/kinds/index.ts';
import { type DeliveryLoop, startDelivery } from './outbox/deliver.ts';
import { outboxHealth, resumeKind, reviveChannel } from './outbox/outbox.store.ts';
import { createDatabaseStore } from './projects/database-artifact-store.ts';
import type { CredentialRef } from './projects/projects.store.ts';
import { createSlack, type Slack } from './slack/app.ts';
import { incidentAt } from './slack/incident-at.ts';
import type { WatcherFacts } from './watch/dead-man.rule.ts';
import { figures } from './watch/figures.store.ts';
import { startWatch } from './watch/schedule.ts';
import { unreadRuns } from './watch/unread.store.ts';
import { watcherFacts } from './watch/watcher.store.ts';
import { createWeb } from './web/server.ts';

export interface App {
  /** Where the page, `/healthz` and `/slack/events` answer. */
  url: string;
  database: Database;
  slack: Slack | undefined;
  /** Stops claiming and receiving, drains for 5 s at most, closes; nothing is undone, what is not finished is left to the next owner. */
  stop(): Promise<void>;
}
export interface AppOptions {
  config: Config;
  log: Log;
  /** A line for each step of the start that takes a while. */
  onProgress?: (line: string) => void;
  /** Shortest time between two changes in one Slack channel; Slack's own pace by default. */
  paceMs?: number;
  /** Called at each named moment of an operation (operations/points.ts), for fault tests. */
  onPoint?: (point: string) => Promise<void>;
}

/** Opens the state store: the user's PostgreSQL, or the embedded one in the data directory; migrated. */
export async function openStore(
  config: Config,
  log: Log,
  onProgress: (line: string) => void = () => {},
): Promise<{ database: Database; close(): Promise<void> }> {
  const embedded =
    config.databaseUrl === undefined ? await startEmbedded({ dataDir: join(config.home, 'db'), log, onProgress }) : undefined;
  try {
    const target = embedded ? { connection: embedded.connection } : { url: config.databaseUrl as string };
    const { applied } = await migrate({ ...target, log });
    if (applied.length > 0) onProgress(`State store migrated: ${applied.join(', ')}`);
    const database = openDb({ ...target, log, max: 12 });
    return {
      database,
      async close() {
        await database.close();
        await embedded?.stop();
      },
    };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

/** How old a message may be that is still sent when its channel is open again. */
const weekMs = 7 * 24 * 3_600_000;

/** Longer than any part takes that goes well; with the database the whole end stays under 8 s, for Docker kills after 10. */
const drainMs = 5000;

/** Stops a part, and gives up waiting for it. */
async function drain({ what, stop }: { what: string; stop(): Promise<unknown> }, log: Log): Promise<void> {
  const late = new AbortController();
  const tooLong = sleep(drainMs, late.signal).then(
    () => log.warn({ what }, 'part of the shutdown took too long: what is left is done by the next process'),
    () => {},
  );
  const stopped = stop().catch((error) => log.warn({ what, error: String(error) }, 'part of the shutdown failed'));
  await Promise.race([stopped, tooLong]);
  late.abort();
}

/** Builds the whole application from a configuration and starts it. */
export async function createApp(options: AppOptions): Promise<App> {
  const { config, log } = options;
  const store = await openStore(config, log, options.onProgress);
  const { database } = store;
  const deployers = createDeployers(database.db);
  const closing: (() => Promise<unknown>)[] = [() => store.close(), () => deployers.close()];
  /** What receives and works; stopped side by side, so that one that hangs holds up no other. */
  const working: { what: string; stop(): Promise<unknown> }[] = [];
  const stop = async () => {
    // In the order in which they were begun: the engine claims nothing from this very moment on.
    await Promise.all(working.splice(0).map((part) => drain(part, log)));
    for (const close of closing.splice(0).reverse())
      await close().catch((error) => log.warn({ error: String(error) }, 'part of the shutdown failed'));
  };
  try {
    await database.transaction((tx) => ensureAdmins(tx, config.admins));
    // First: a name that is not configured is no reason to find out during an incident.
    const toldToo = {
      always: chosenChannels(config.channels, config.incidents.channels, 'incidents.channels'),
      whenSlackIsDown: chosenChannels(config.channels, config.incidents.whenSlackIsDown, 'incidents.whenSlackIsDown'),
    };
    let delivery: DeliveryLoop | undefined;
    let slack: Slack | undefined;
    const defaults = {
      defaultChannel: config.slack.defaultChannel,
      alertChannel: config.slack.alertChannel ?? config.slack.defaultChannel,
    };
    const settings = {
      publicUrl: config.publicUrl,
      plainHttpHosts: config.git.plainHttpHosts,
      buildTimeoutMs: config.builds.timeout,
      buildNoOutputTimeoutMs: config.builds.noOutputTimeout,
      minFreeDiskBytes: config.builds.minFreeDisk,
      mavenCommand: config.builds.mavenCommand,
      runningWithinMs: config.starts.runningWithin,
      approvalLifetimeMs: config.approvals.expireAfter,
      keep: { keep: config.savepoints.keep, keepForMs: config.savepoints.keepFor },
    };
    const artifacts = config.artifacts.store === 'database' ? createDatabaseStore(database) : createFolderStore(config.artifacts.folder);
    const disk = startDiskGuard({
      places: [
        { what: 'the data directory', path: config.home },
        ...(config.artifacts.store === 'folder' ? [{ what: 'the artifacts', path: config.artifacts.folder }] : []),
      ],
      minFreeBytes: config.minFreeDisk,
      log,
    });
    closing.push(async () => disk.stop());
    const base = {
      database,
      deployers,
      artifacts,
      openCredential,
      buildTurn: createTurns(config.builds.concurrent),
      workDir: config.home,
      settings,
      log,
      ...(options.onPoint ? { onPoint: options.onPoint } : {}),
    };
    const engine = await startEngine({
      services: base,
      kinds: operationKinds,
      onPaint: () => delivery?.wake(),
      onUnexpected: (reference, where, error) => void reportError(database.db, reference, where, error).catch(() => {}),
    });
    working.push({ what: 'operations', stop: () => engine.stop() });
    const channels = createChannels(config.channels, { publicUrl: config.publicUrl, log: log.child({ room: 'channels' }) });
    const services: CommandServices = {
      ...base,
      ...defaults,
      kinds: operationKinds,
      disk,
      directory: undefined,
      channels,
      wake() {
        engine.wake();
        delivery?.wake();
      },
    };
    const handle = createRouter(services, commands);
    const { slackBotToken, slackSigningSecret, slackAppToken } = config.secrets;
    if (slackBotToken) {
      slack = createSlack({
        botToken: slackBotToken,
        signingSecret: config.slack.transport === 'socket' && !slackSigningSecret ? undefined : slackSigningSecret,
        appToken: slackAppToken,
        apiUrl: config.slack.apiUrl,
        teamId: config.slack.teamId,
        handle,
        pickers: createPickers(services, commands),
        incidentAt: (channel, ts) => incidentAt(database.db, channel, ts),
        onChannelOpened: async (channel) => {
          await reviveChannel(database.db, 'slack', channel, weekMs);
          delivery?.wake();
        },
        onUsable: async () => {
          await resumeKind(database.db, 'slack');
          delivery?.wake();
        },
        log: log.child({ room: 'slack' }),
      });
      services.directory = slack.directory;
    } else log.warn({}, 'SLACK_BOT_TOKEN is not set: only the page answers');
    delivery = startDelivery({
      db: database.db,
      senders: [...(slack ? [slack.sender] : []), ...channels.senders],
      owner: engine.owner,
      log,
      troubleChannel: defaults.defaultChannel,
      ...(options.paceMs === undefined ? {} : { paceMs: options.paceMs, editPaceMs: options.paceMs }),
    });
    working.push({ what: 'messages', stop: () => (delivery as DeliveryLoop).stop() });
    const watch = startWatch({
      database,
      deployers,
      log: log.child({ room: 'watch' }),
      publicUrl: config.publicUrl,
      defaults,
      owner: engine.owner,
      jobsEveryMs: config.watch.jobsEvery,
      times: { overviewEveryMs: config.watch.overviewEvery, checkpointsEveryMs: config.watch.checkpointsEvery },
      firstCheckpointWithinMs: config.starts.firstCheckpointWithin,
      incidents: {
        restartingForMs: config.incidents.restartingFor,
        recoverableWithinMs: config.incidents.recoverableWithin,
        channels: toldToo,
        calls: { firstMs: config.incidents.callAfter, escalateMs: config.incidents.escalateAfter, againMs: config.incidents.callEvery },
      },
      flow: {
        everyMs: config.watch.flowEvery,
        limits: {
          noDataMs: config.incidents.noDataFor,
          watermarkMs: config.incidents.watermarkFor,
          backpressureMs: config.incidents.backpressureFor,
        },
        // A longer round may cost as much more.
        budget: { requests: Math.max(500, Math.round(config.watch.flowEvery / 120)), ms: config.watch.flowEvery / 20 },
      },
      digest: config.digest,
      handover: config.handover,
      keep: settings.keep,
      deadMan: config.watch.deadMan && {
        address: () => readSecret((config.watch.deadMan as { url: SecretRef }).url),
        everyMs: config.watch.deadMan.every,
        graceMs: config.watch.deadMan.grace,
      },
      incidentsKeptMs: config.incidents.keepFor,
      workDir: config.home,
      onNews: () => delivery?.wake(),
    });
    working.push({ what: 'watch', stop: () => watch.stop() });
    const web = await createWeb({
      database,
      handle,
      deployers,
      artifacts,
      publicUrl: config.publicUrl,
      keep: settings.keep,
      ...(slack ? { directory: slack.directory } : {}),
      rawRoutes: slack?.route ? [slack.route] : [],
      slackProblem: () => slack?.state().problem ?? slack?.state().droppedEvents,
      health: () => health(database, disk, slack, watch.lastPollAgeMs()),
      metrics: () => figures(database.db, config.watch.checkpointsEvery),
      unread: () => unreadRuns(database.db, config.watch.checkpointsEvery),
      thresholds: {
        'restarting-for': config.incidents.restartingFor,
        'recoverable-within': config.incidents.recoverableWithin,
        'no-data-after': config.incidents.noDataFor,
        'watermark-after': config.incidents.watermarkFor,
        'backpressure-after': config.incidents.backpressureFor,
      },
      watcher: () => watcherFacts(database.db),
      log: log.child({ room: 'web' }),
      host: config.host,
      port: config.port,
      uploadDir: join(config.home, 'uploads'),
    });
    working.push({ what: 'the page', stop: () => web.close() });
    const { url } = await web.listen();
    if (slack) {
      working.push({ what: 'Slack', stop: () => (slack as Slack).stop() });
      await slack.start();
    }
    return { url, database, slack, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Secrets are read at the moment they are needed, from the environment or a file; only their place is stored. */
async function openCredential(ref: CredentialRef) {
  if (ref.kind === 'password') return { kind: 'password' as const, username: ref.username, secret: readSecret(ref.secret) };
  if (ref.kind === 'token') return { kind: 'token' as const, secret: readSecret(ref.secret) };
  return ref;
}

/** Rounded to milliseconds, for people and monitors. */
function watcherHealth(facts: WatcherFacts) {
  const rounded = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms));
  return {
    lastAnswerAgeMs: Object.fromEntries(facts.polls.map((one) => [one.cluster, rounded(one.ageMs)])),
    lastPostAgeMs: rounded(facts.lastPostAgeMs),
    oldestUnsentMs: rounded(facts.oldestUnsentAgeMs) ?? 0,
  };
}

async function health(database: Database, disk: DiskGuard, slack: Slack | undefined, lastPollAgeMs: number | undefined) {
  const facts: Record<string, unknown> = {};
  let ok = true;
  try {
    facts['outbox'] = await outboxHealth(database.db);
    facts['watch'] = watcherHealth(await watcherFacts(database.db));
    if (database.isFull()) {
      ok = false;
      facts['database'] = 'its disk is full';
    }
  } catch {
    ok = false;
    facts['database'] = 'does not answer';
  }
  const full = await disk.problem();
  if (full) {
    ok = false;
    facts['disk'] = full;
  }
  const state = slack?.state();
  if (state) {
    const { problem = null, droppedEvents = null, sockets, lastAckMs = null } = state;
    facts['slack'] = { problem, droppedEvents, sockets, lastAckMs };
  }
  facts['lastPollAgeMs'] = lastPollAgeMs === undefined ? null : Math.round(lastPollAgeMs);
  return { ok: ok && !state?.problem, ...facts };
}
