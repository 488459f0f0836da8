import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError, UpstreamError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { type Daemon, processStartTime, startDaemon } from '../core/process.ts';
import { formatDuration, sleep } from '../core/time.ts';
import { createFlinkClient } from './client.ts';
import {
  type ClusterLayout,
  type ClusterPorts,
  clusterEnv,
  javaArgs,
  javaOpens,
  makeLayout,
  type Role,
  writeConf,
} from './cluster-config.ts';
import { lastErrorLine } from './cluster-log.ts';
import { isAlive, killNoted, notePid, signalProcess, untilFrozen } from './cluster-pids.ts';

export type { Role };
export interface LocalClusterOptions {
  /** A FLINK_HOME, for example of ensureDistribution(). */
  home: string;
  /** Everything of the cluster lies here: conf, log, upload, checkpoints, savepoints, pids. */
  dir: string;
  /** 0 picks a free port. */
  restPort: number;
  taskManagers: number;
  /** Slots of each TaskManager. */
  slots: number;
  /** Flink options that win over ours. */
  conf?: Readonly<Record<string, string>>;
  /** The java program, `java` by default. */
  java?: string;
  onProgress?: (line: string) => void;
}
export interface ClusterProcess {
  role: Role;
  index: number;
  /** Of the current or last process. */
  readonly pid: number;
  readonly alive: boolean;
  readonly logFile: string;
}
export interface SupervisionEvent {
  kind: 'died' | 'restarted' | 'restart-failed';
  role: Role;
  index: number;
  pid: number;
}
export interface LocalCluster {
  /** For example `http://127.0.0.1:8081`; the same after restarts. */
  url: string;
  dir: string;
  /** Plain paths. */
  checkpointDir: string;
  savepointDir: string;
  jobManager: ClusterProcess;
  taskManagers: readonly ClusterProcess[];
  /** Sends a signal (SIGKILL, SIGSTOP, SIGCONT, …); index counts from 0. Resolves when every thread stands still (SIGSTOP), at once (SIGCONT), else when the process is gone. */
  kill(role: Role, index?: number, signal?: NodeJS.Signals): Promise<void>;
  /** Ends the process if it runs and starts it anew on the same ports; waitReady() tells when it serves. */
  restart(role: Role, index?: number): Promise<void>;
  /** Restarts what died (and was not stopped by stop()) after `afterMs`; returns the function that ends this. */
  superviseRestarts(afterMs: number, onEvent?: (event: SupervisionEvent) => void): () => void;
  /** Resolves when REST answers and every TaskManager has registered with all its slots, 3 minutes by default. @throws UpstreamError */
  waitReady(timeoutMs?: number): Promise<void>;
  /** Ends all processes, SIGTERM first (SIGKILL after 8 s), or at once by 'SIGKILL'. Checkpoints and logs stay. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

interface Member extends ClusterProcess {
  daemon: Daemon | undefined;
  /** A new one for each start: a dead TaskManager stays listed for a while, so only this proves that the new one registered. */
  resourceId: string;
  running: boolean;
}

/**
 * Starts a Flink session cluster on loopback by its Java classes and waits until it serves. Leftovers of a dead owner in the same folder are killed
 * first; if this process dies, a watchdog ends the cluster.
 * @throws UpstreamError with the last error line of the log when a process ends during the start or readiness takes over 3 minutes.
 */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { home, slots } = options;
  const say = options.onProgress ?? (() => {});
  const layout = await makeLayout(resolve(options.dir));
  const leftovers = await killNoted(layout.pids);
  if (leftovers > 0) say(`Ended ${leftovers} Flink processes that a former run left behind.`);
  const ports = await pickPorts(options.restPort);
  const opens = await javaOpens(home);
  await writeConf(layout, ports, slots, opens, options.conf ?? {});
  const url = `http://127.0.0.1:${ports.rest}`;
  const watchdog = await startWatchdog(layout);
  const jobManager = member('jobmanager', 0, layout);
  const taskManagers = Array.from({ length: options.taskManagers }, (_, index) => member('taskmanager', index, layout));
  const members = [jobManager, ...taskManagers];
  let stopping = false;

  async function start(one: Member): Promise<void> {
    one.resourceId = `tm${one.index + 1}-${newId('r').slice(2)}`;
    const properties: Record<string, string> = one.role === 'taskmanager' ? { 'taskmanager.resource-id': one.resourceId } : {};
    const args = await javaArgs(one.role, home, layout, one.logFile, opens, properties);
    const env = clusterEnv(home, layout);
    const daemon = await startDaemon(options.java ?? 'java', args, {
      cwd: layout.dir,
      env,
      logFile: one.logFile.replace(/log$/, 'out'),
    }).catch((cause: unknown) => {
      if (cause instanceof AppError) throw new UpstreamError(cause.message, { cause, hint: 'Install Java 17 and put java on the PATH.' });
      throw cause;
    });
    one.daemon = daemon;
    one.running = true;
    void daemon.exited.finally(() => {
      if (one.daemon === daemon) one.running = false;
    });
    await notePid(layout.pids, `${one.role}-${one.index}`, daemon);
  }
  function find(role: Role, index: number): Member {
    const one = members.find((candidate) => candidate.role === role && candidate.index === index);
    if (!one) throw new Error(`no ${role} ${index} in this cluster`);
    return one;
  }
  async function restart(role: Role, index = 0): Promise<void> {
    const one = find(role, index);
    if (one.running) await one.daemon?.stop('SIGTERM', 5000);
    await start(one);
  }
  async function ready(timeoutMs: number, failOnDeath: boolean): Promise<void> {
    const client = createFlinkClient({ url, timeoutMs: 2000 });
    try {
      await untilReady({ client, members, slots, timeoutMs, failOnDeath, say });
    } finally {
      await client.close();
    }
  }
  async function stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    stopping = true;
    await Promise.all(members.map((one) => one.daemon?.stop(signal, 8000)));
    await watchdog.stop('SIGKILL');
    await killNoted(layout.pids);
  }

  try {
    await Promise.all(members.map(start));
    say(`Flink processes started: JobManager and ${taskManagers.length} TaskManagers.`);
    await ready(180_000, true);
  } catch (error) {
    await stop('SIGKILL');
    throw error;
  }
  return {
    url,
    dir: layout.dir,
    checkpointDir: layout.checkpoints,
    savepointDir: layout.savepoints,
    jobManager,
    taskManagers,
    async kill(role, index = 0, signal = 'SIGKILL') {
      const { daemon } = find(role, index);
      if (!daemon || !(await isAlive(daemon))) return;
      signalProcess(daemon.pid, signal);
      if (signal === 'SIGSTOP') await untilFrozen(daemon.pid);
      else if (signal !== 'SIGCONT') await daemon.exited;
    },
    restart,
    waitReady: (timeoutMs) => ready(timeoutMs ?? 180_000, false),
    superviseRestarts: (afterMs, onEvent) => supervise(members, restart, () => stopping, afterMs, onEvent ?? (() => {})),
    stop,
  };
}

function member(role: Role, index: number, layout: ClusterLayout): Member {
  return {
    role,
    index,
    daemon: undefined,
    resourceId: '',
    running: false,
    logFile: join(layout.log, role === 'jobmanager' ? 'jobmanager.log' : `taskmanager-${index + 1}.log`),
    get pid() {
      return this.daemon?.pid ?? 0;
    },
    get alive() {
      return this.running;
    },
  };
}

interface Readiness {
  client: ReturnType<typeof createFlinkClient>;
  members: readonly Member[];
  slots: number;
  timeoutMs: number;
  /** At the first start a process that ends is a failure; later somebody may be about to restart it. */
  failOnDeath: boolean;
  say(line: string): void;
}
async function untilReady({ client, members, slots, timeoutMs, failOnDeath, say }: Readiness): Promise<void> {
  const started = performance.now();
  let toldMs = 0;
  for (;;) {
    const waitedMs = performance.now() - started;
    const expected = members.filter((one) => one.role === 'taskmanager');
    const overview = await client.overview().catch(() => undefined);
    const listed = overview ? await client.taskManagers().catch(() => []) : [];
    const registered = expected.filter((one) => one.running && listed.some((tm) => tm.id === one.resourceId && tm.slotsNumber >= slots));
    if (overview && registered.length === expected.length && overview['slots-total'] >= slots * expected.length) {
      say(`Flink is ready after ${formatDuration(waitedMs)}: ${expected.length} TaskManagers, ${overview['slots-total']} slots.`);
      return;
    }
    const ended = failOnDeath ? members.find((one) => !one.running) : undefined;
    if (ended) throw await startFailure(`The ${nameOf(ended)} ended during its start`, ended);
    if (waitedMs > timeoutMs) throw await startFailure(`Flink was not ready within ${formatDuration(timeoutMs)}`, members[0] as Member);
    if (waitedMs - toldMs > 1000) {
      toldMs = waitedMs;
      const what = overview ? `TaskManagers (${registered.length} of ${expected.length} registered)` : 'the JobManager';
      say(`Waiting for ${what}, ${formatDuration(waitedMs)}.`);
    }
    await sleep(100);
  }
}
async function startFailure(what: string, one: Member): Promise<UpstreamError> {
  const line = await lastErrorLine(one.logFile);
  return new UpstreamError(`${what}${line ? `: ${line}` : '.'}`, { hint: `Read the log file ${one.logFile}.`, retryable: true });
}
function nameOf(one: ClusterProcess): string {
  return one.role === 'jobmanager' ? 'JobManager' : `TaskManager ${one.index + 1}`;
}

function supervise(
  members: readonly Member[],
  restart: (role: Role, index: number) => Promise<void>,
  isStopping: () => boolean,
  afterMs: number,
  onEvent: (event: SupervisionEvent) => void,
): () => void {
  const diedAt = new Map<Member, number>();
  const timer = setInterval(() => {
    for (const one of members) {
      if (one.running || isStopping()) continue;
      const since = diedAt.get(one);
      const about = { role: one.role, index: one.index };
      if (since === undefined) {
        diedAt.set(one, performance.now());
        onEvent({ kind: 'died', ...about, pid: one.pid });
      } else if (performance.now() - since >= afterMs) {
        diedAt.set(one, Number.POSITIVE_INFINITY);
        restart(one.role, one.index).then(
          () => {
            diedAt.delete(one);
            onEvent({ kind: 'restarted', ...about, pid: one.pid });
          },
          () => {
            diedAt.delete(one);
            onEvent({ kind: 'restart-failed', ...about, pid: one.pid });
          },
        );
      }
    }
  }, 100);
  return () => clearInterval(timer);
}

async function startWatchdog(layout: ClusterLayout): Promise<Daemon> {
  const script = fileURLToPath(new URL('./cluster-watchdog.ts', import.meta.url));
  const owner = [String(process.pid), (await processStartTime(process.pid)) ?? ''];
  return startDaemon(process.execPath, ['--max-old-space-size=32', script, layout.pids, ...owner], {
    logFile: join(layout.log, 'watchdog.out'),
  });
}

/** Three free loopback ports, all held open until all are known so that none is given twice. */
async function pickPorts(restPort: number): Promise<ClusterPorts> {
  const settled = await Promise.allSettled([listen(restPort), listen(0), listen(0)]);
  const servers = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const [rest, rpc, blob] = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
  return { rest: rest as number, rpc: rpc as number, blob: blob as number };
}
function listen(port: number): Promise<ReturnType<typeof createServer>> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      fail(
        new UpstreamError(taken ? `Port ${port} is taken by another program.` : `Port ${port} cannot be used.`, {
          cause,
          hint: 'Choose another port, or end that program.',
        }),
      );
    });
    server.listen(port, '127.0.0.1', () => done(server));
  });
}
