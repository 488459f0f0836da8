import { chmod, chown, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { ConfigError } from '../core/errors.ts';
import { type Daemon, run, startDaemon } from '../core/process.ts';
import { sleep } from '../core/time.ts';
import type { PostgresBinaries } from './binaries.ts';

/** How the server's programs are run: PostgreSQL refuses to run as root. */
export interface ServerUser {
  /** Command line put before the program. */
  prefix: string[];
  uid?: number;
  gid?: number;
}
export interface Cluster {
  binaries: PostgresBinaries;
  /** PostgreSQL's own folder (`PGDATA`). */
  pgData: string;
  /** Both streams of initdb and postgres are appended here. */
  logFile: string;
  user: ServerUser;
}
/** What `postmaster.pid` says of a server. */
export interface Postmaster {
  pid: number;
  socketDir: string;
}

const namespace = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];

/**
 * Whom to run PostgreSQL as on this folder. Ordinary users: themselves. Root: inside a user namespace, where root's own
 * files belong to an ordinary user; if such namespaces are refused, the uid 1000 or the folder's owner.
 * @throws ConfigError if the folder belongs to somebody else.
 */
export async function serverUser(pgData: string): Promise<ServerUser> {
  const me = process.getuid?.() ?? 0;
  const folder = await stat(pgData).catch(() => undefined);
  if (me !== 0) {
    if (folder === undefined || folder.uid === me) return { prefix: [] };
    throw new ConfigError(`The database in ${pgData} belongs to the user with uid ${folder.uid}, Sluice runs as uid ${me}.`, {
      hint: 'Run Sluice as that user, or give the folder to this one.',
    });
  }
  if (folder !== undefined && folder.uid !== 0) return { prefix: [], uid: folder.uid, gid: folder.gid };
  const [command = '', ...args] = namespace;
  const refused = await run(command, [...args, 'true']).then(
    (result) => result.code !== 0,
    () => true,
  );
  if (!refused) return { prefix: namespace };
  if (folder === undefined) return { prefix: [], uid: 1000, gid: 1000 };
  throw new ConfigError(`PostgreSQL does not run as root, and the database in ${pgData} belongs to root.`, {
    hint: 'Give the folder to an ordinary user and run Sluice as that user, or set DATABASE_URL.',
  });
}

/**
 * Makes a new cluster: role `sluice`, UTF-8, order by bytes. Built beside and renamed, so a half-made one is never taken for real.
 * @throws ConfigError with the end of initdb's output.
 */
export async function initCluster(cluster: Cluster): Promise<void> {
  const draft = `${cluster.pgData}.new`;
  await rm(draft, { recursive: true, force: true });
  await ownFolder(draft, cluster.user);
  const args = ['-D', draft, '-U', 'sluice', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  const from = await sizeOf(cluster.logFile);
  const initdb = await launch(cluster, 'initdb', args);
  const timer = setTimeout(() => void initdb.stop('SIGTERM'), 180_000);
  const { code } = await initdb.exited;
  clearTimeout(timer);
  if (code !== 0) throw await notStarted(cluster, from, 'The embedded PostgreSQL could not make its database.');
  await rename(draft, cluster.pgData);
}

/** Makes a folder that only the server's user may enter: no password guards the socket, the folder does. */
export async function ownFolder(folder: string, user: ServerUser): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  if (user.uid !== undefined) await chown(folder, user.uid, user.gid ?? user.uid);
}

/**
 * Starts the server and waits until it answers (crash recovery included, at most 3 minutes).
 * @param args command line after `-D pgData`: where to listen, settings.
 * @throws ConfigError with the end of the server's log.
 */
export async function startServer(cluster: Cluster, args: readonly string[], admin: pg.ClientConfig): Promise<Daemon> {
  for (let attempt = 1; ; attempt++) {
    const from = await sizeOf(cluster.logFile);
    const daemon = await launch(cluster, 'postgres', ['-D', cluster.pgData, ...args]);
    let ended = false;
    const exited = daemon.exited.then(() => {
      ended = true;
    });
    if (await answers(admin, 180_000, () => ended)) return daemon;
    await Promise.race([daemon.stop('SIGINT'), exited]);
    const error = await notStarted(cluster, from, 'The embedded PostgreSQL does not start.');
    // After a crash the old server's children need a moment to notice it and leave the shared memory.
    if (attempt >= 20 || !/still in use/.test(String(error.details['logTail']))) throw error;
    await sleep(500);
  }
}

/** Waits until the server answers a query; false once `ended` says so or the time is over. */
export async function answers(admin: pg.ClientConfig, limitMs: number, ended: () => boolean = () => false): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const client = new pg.Client({ ...admin, connectionTimeoutMillis: 2000, query_timeout: 2000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch {
      if (ended() || performance.now() > deadline) return false;
    } finally {
      await Promise.race([client.end().catch(() => {}), sleep(1000)]);
    }
    await sleep(50);
  }
}

/** The server's own note of itself; undefined if none runs or ran. */
export async function readPostmaster(pgData: string): Promise<Postmaster | undefined> {
  const content = await readFile(join(pgData, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = content.split('\n');
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, socketDir: lines[4] ?? '' } : undefined;
}

/** Whether the process is alive and truly the server of this folder, not a later process with its pid. */
export async function isServerOf(pid: number, pgData: string): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.split('\0').includes(pgData);
}

function launch(cluster: Cluster, program: string, args: readonly string[]): Promise<Daemon> {
  const { binaries, user, logFile } = cluster;
  const [command = '', ...rest] = [...user.prefix, join(binaries.bin, program), ...args];
  const as = user.uid === undefined ? {} : { uid: user.uid, gid: user.gid ?? user.uid };
  return startDaemon(command, rest, { env: binaries.env, logFile, ...as });
}
async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}
async function notStarted(cluster: Cluster, from: number, message: string): Promise<ConfigError> {
  const file = await open(cluster.logFile);
  const size = Math.max(0, (await file.stat()).size - from);
  const { buffer, bytesRead } = await file.read(
    Buffer.alloc(Math.min(size, 4096)),
    0,
    Math.min(size, 4096),
    from + Math.max(0, size - 4096),
  );
  await file.close();
  const logTail = buffer.subarray(0, bytesRead).toString('utf8').trim();
  const lines = logTail.split('\n');
  const reason = lines.findLast((line) => /FATAL|PANIC|error:/.test(line)) ?? lines.at(-1);
  return new ConfigError(reason ? `${message} It says: ${reason.replace(/^.*?(FATAL|PANIC|error): */, '')}` : message, {
    hint: `Read ${cluster.logFile}. Nothing in ${cluster.pgData} was thrown away; a PostgreSQL of your own can be given by DATABASE_URL.`,
    details: { logTail },
  });
}
