import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { ConfigError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Daemon } from '../core/process.ts';
import { sleep } from '../core/time.ts';
import { embeddedPackage, postgresBinaries } from './binaries.ts';
import type { Connection } from './connection.ts';
import { claimOwnership } from './owner.ts';
import { answers, type Cluster, initCluster, isServerOf, ownFolder, readPostmaster, serverUser, startServer } from './server.ts';

export interface EmbeddedOptions {
  /** Made if missing; holds the database, its log, its socket and `sluice.pid`. */
  dataDir: string;
  log: Log;
  /** Told what takes a while, as a sentence for the terminal. */
  onProgress?: (sentence: string) => void;
  /** Extra server settings, such as `{ fsync: 'off' }` in tests. */
  settings?: Record<string, string>;
}
export interface EmbeddedPostgres {
  connection: Connection;
  /** Whether the server was left by an owner that died, rather than started here. */
  adopted: boolean;
  /** Stops the server (fast: open transactions roll back) and gives up the data directory. */
  stop(): Promise<void>;
}
interface Server {
  pid: number;
  socketDir: string;
  adopted: boolean;
  /** Resolves when the server has ended. */
  ended: Promise<unknown>;
  daemon?: Daemon;
}

const majorVersion = '18';

/**
 * Starts PostgreSQL 18 as a child on a Unix socket, never on TCP; makes the cluster on the first start, takes over the
 * server of an owner that died, and starts the server again should it crash.
 * @throws ConfigError if a live process owns the directory, or PostgreSQL cannot run here.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log } = options;
  const dataDir = resolve(options.dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const giveUp = await claimOwnership(dataDir);
  const stopping = new AbortController();
  let server: Server;
  try {
    server = await ensureServer(dataDir, options, stopping.signal);
  } catch (error) {
    await giveUp();
    throw error;
  }
  const { adopted } = server;
  const supervision = (async () => {
    while (!stopping.signal.aborted) {
      await Promise.race([server.ended, aborted(stopping.signal)]);
      for (let delayMs = 200; !stopping.signal.aborted; delayMs = Math.min(delayMs * 2, 10_000)) {
        log.error({ pid: server.pid }, 'embedded PostgreSQL ended by itself; starting it again');
        try {
          server = await ensureServer(dataDir, options, stopping.signal);
          break;
        } catch (error) {
          log.error({ err: error }, 'embedded PostgreSQL did not start again');
          await sleep(delayMs, stopping.signal).catch(() => {});
        }
      }
    }
  })();
  return {
    connection: connectionTo(server.socketDir),
    adopted,
    async stop() {
      stopping.abort();
      await supervision;
      await stopServer(server, join(dataDir, 'postgres'));
      await giveUp();
    },
  };
}

/**
 * The connection to a data directory's running server, for tools that do not own it.
 * @throws ConfigError if no server runs there.
 */
export async function connectEmbedded(options: { dataDir: string }): Promise<{ connection: Connection }> {
  const dataDir = resolve(options.dataDir);
  const postmaster = await readPostmaster(join(dataDir, 'postgres'));
  if (postmaster && (await answers(adminOf(postmaster.socketDir), 5000))) return { connection: connectionTo(postmaster.socketDir) };
  throw new ConfigError(`No Sluice runs on the data directory ${dataDir}.`, { hint: 'Start it first (npm start), or set DATABASE_URL.' });
}

async function ensureServer(dataDir: string, options: EmbeddedOptions, signal: AbortSignal): Promise<Server> {
  const pgData = join(dataDir, 'postgres');
  const left = await readPostmaster(pgData);
  if (left && (await isServerOf(left.pid, pgData))) {
    options.log.info({ pid: left.pid }, 'embedded PostgreSQL still runs; taking it over');
    if (await answers(adminOf(left.socketDir), 60_000)) {
      return { ...left, adopted: true, ended: gone(left.pid, pgData, signal) };
    }
    throw new ConfigError(`The PostgreSQL in ${pgData} (process ${left.pid}) runs but does not answer.`, {
      hint: `Look at ${join(dataDir, 'postgres.log')}; if process ${left.pid} is stuck, end it and start Sluice again.`,
    });
  }
  if (left && (await answers(adminOf(left.socketDir), 0))) {
    throw new ConfigError(`The PostgreSQL in ${pgData} is run by a process that cannot be seen from here, perhaps in another container.`, {
      hint: 'Stop that Sluice first, or give this one a data directory of its own.',
    });
  }
  const user = await serverUser(pgData);
  const logFile = join(dataDir, 'postgres.log');
  const binaries = await postgresBinaries(embeddedPackage(), join(dataDir, 'lib'));
  const cluster: Cluster = { binaries, pgData, logFile, user };
  await rotate(logFile);
  if (await firstStart(pgData)) {
    options.onProgress?.('Preparing the state store; the first start takes a few seconds.');
    await initCluster(cluster);
  }
  const socketDir = await socketFolder(dataDir);
  await ownFolder(socketDir, user);
  if (left) await forgetPid(pgData);
  await rm(join(socketDir, '.s.PGSQL.5432.lock'), { force: true });
  options.onProgress?.('Starting the state store.');
  const settings = { listen_addresses: '', unix_socket_permissions: '0700', timezone: 'UTC', log_timezone: 'UTC', ...options.settings };
  const args = ['-k', socketDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const daemon = await startServer(cluster, args, adminOf(socketDir));
  await ensureDatabase(socketDir);
  options.log.info({ pid: daemon.pid, socketDir }, 'embedded PostgreSQL started');
  return { pid: daemon.pid, socketDir, adopted: false, ended: daemon.exited, daemon };
}

async function firstStart(pgData: string): Promise<boolean> {
  const folder = await stat(pgData).catch(() => undefined);
  if (folder === undefined) return true;
  const version = (await readFile(join(pgData, 'PG_VERSION'), 'utf8').catch(() => '')).trim();
  if (version === majorVersion) return false;
  // Never made anew over an existing folder: what is in it may be all there is of the state.
  throw new ConfigError(
    version === ''
      ? `The folder ${pgData} holds no complete database.`
      : `The database in ${pgData} was made by PostgreSQL ${version}; this Sluice brings ${majorVersion}.`,
    { hint: 'Restore the folder from a backup, or move it away to begin with an empty database.' },
  );
}

/** PostgreSQL's socket path may have 107 bytes: a data directory deep down gets a short folder of its own. */
async function socketFolder(dataDir: string): Promise<string> {
  const inside = join(dataDir, 'run');
  if (Buffer.byteLength(join(inside, '.s.PGSQL.5432')) <= 107) return inside;
  const short = join(tmpdir(), `sluice-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`);
  const there = await lstat(short).catch(() => undefined);
  const me = process.getuid?.();
  if (there && !(there.isDirectory() && (me === 0 || there.uid === me))) {
    throw new ConfigError(`${short}, where the state store's socket belongs, is somebody else's.`, {
      hint: 'Remove it, or give Sluice a data directory with a shorter path.',
    });
  }
  return short;
}

/**
 * Lets PostgreSQL start though a zombie or another program has the pid of its dead server: to it the pid of its own parent
 * is a dead one. The file stays, since by it PostgreSQL sees whether children of the dead server still write.
 */
async function forgetPid(pgData: string): Promise<void> {
  const file = join(pgData, 'postmaster.pid');
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+/, String(process.pid)));
}

async function ensureDatabase(socketDir: string): Promise<void> {
  const client = new pg.Client(adminOf(socketDir));
  // A server that dies at this very moment must not end the process.
  client.on('error', () => {});
  await client.connect();
  try {
    const { rowCount } = await client.query(`select 1 from pg_database where datname = 'sluice'`);
    if (rowCount === 0) await client.query('create database sluice');
  } finally {
    await client.end();
  }
}

async function stopServer(server: Server, pgData: string): Promise<void> {
  if (server.daemon) return server.daemon.stop('SIGINT', 15_000);
  for (const [signal, limitMs] of [
    ['SIGINT', 15_000],
    ['SIGQUIT', 5000],
  ] as const) {
    const deadline = performance.now() + limitMs;
    if (!(await isServerOf(server.pid, pgData))) return;
    process.kill(server.pid, signal);
    while (performance.now() < deadline && (await isServerOf(server.pid, pgData))) await sleep(50);
  }
}
async function gone(pid: number, pgData: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await isServerOf(pid, pgData))) await sleep(500, signal).catch(() => {});
}
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    signal.addEventListener('abort', () => done(), { once: true });
  });
}
async function rotate(logFile: string): Promise<void> {
  const size = (await stat(logFile).catch(() => undefined))?.size ?? 0;
  if (size > 8 * 1024 * 1024) await rename(logFile, `${logFile}.1`);
}
function connectionTo(socketDir: string): Connection {
  return { host: socketDir, port: 5432, user: 'sluice', database: 'sluice' };
}
function adminOf(socketDir: string): pg.ClientConfig {
  return { ...connectionTo(socketDir), database: 'postgres', ssl: false };
}
