import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { UpstreamError } from './errors.ts';
import { redact } from './redact.ts';

export interface RunOptions {
  cwd?: string;
  /** The whole environment of the child; nothing is inherited but what `baseEnv` lists. */
  env?: Record<string, string | undefined>;
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Called for each complete line of stdout and stderr, secrets removed. */
  onLine?: (line: string) => void;
  input?: string;
  /** Bytes of stdout kept, 1 MiB by default; the rest is read and dropped. */
  maxOutput?: number;
}
export interface RunResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  /** The last 200 lines of both streams, in the order in which they came. */
  tail: string[];
  timedOut: boolean;
  durationMs: number;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ansi = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** What programs need to find themselves and the network; everything else stays with Sluice. */
const inherited = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'JAVA_HOME', 'MAVEN_OPTS', 'USER'].concat(
  ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
  ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'GIT_SSL_CAINFO'],
);

/** The environment a child gets by default: only what programs need to find themselves. */
export function baseEnv(extra: Record<string, string | undefined> = {}): Record<string, string> {
  const env: Record<string, string> = {};
  for (const name of inherited) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  for (const [name, value] of Object.entries(extra)) if (value !== undefined) env[name] = value;
  return env;
}

/**
 * Runs a program without a shell, in a process group of its own, and waits for it. A timeout or an abort ends the whole
 * group (SIGTERM, then SIGKILL after 3 s).
 * @throws UpstreamError if the program cannot be started; a non-zero exit is a value, not an error.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      cwd: options.cwd,
      env: baseEnv(options.env),
      detached: true,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const limit = options.maxOutput ?? 1024 * 1024;
    const tail: string[] = [];
    let stdout = '';
    let timedOut = false;
    const lines = (chunk: string, carry: { rest: string }) => {
      // A program that never ends its line must not fill the memory.
      if (carry.rest.length > 64 * 1024) carry.rest = '';
      const all = (carry.rest + chunk).split(/\r?\n|\r/);
      carry.rest = all.pop() ?? '';
      for (const line of all) push(line);
    };
    const push = (line: string) => {
      const safe = redact(line.replace(ansi, ''));
      tail.push(safe);
      if (tail.length > 200) tail.shift();
      options.onLine?.(safe);
    };
    const stop = () => endGroup(child);
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            stop();
          }, options.timeoutMs);
    options.signal?.addEventListener('abort', stop, { once: true });
    if (options.signal?.aborted) stop();
    const out = { rest: '' };
    const err = { rest: '' };
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      if (stdout.length < limit) stdout += chunk.slice(0, limit - stdout.length);
      lines(chunk, out);
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => lines(chunk, err));
    if (options.input !== undefined) {
      child.stdin?.on('error', () => {});
      child.stdin?.end(options.input);
    }
    const finish = () => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', stop);
    };
    child.once('error', (cause: NodeJS.ErrnoException) => {
      finish();
      const hint = cause.code === 'ENOENT' ? `Install ${command}, or put it on the PATH of Sluice.` : undefined;
      reject(new UpstreamError(`The program ${command} cannot be started here.`, { cause, hint, details: { command, code: cause.code } }));
    });
    child.once('exit', () => {
      // A daemon that kept the pipes would keep `close` from coming.
      const held = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, 2000);
      child.once('close', () => clearTimeout(held));
    });
    child.once('close', (code, signal) => {
      finish();
      if (out.rest) push(out.rest);
      if (err.rest) push(err.rest);
      resolve({ code, signal, stdout, tail, timedOut, durationMs: performance.now() - started });
    });
  });
}

/**
 * Runs a program with binary input and output, both in memory (git's CGI backend in the demo).
 * @throws UpstreamError if the program cannot be started.
 */
export function runBinary(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string | undefined>; input?: Buffer; timeoutMs?: number } = {},
): Promise<{ code: number | null; stdout: Buffer; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { env: baseEnv(options.env), detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    let stderr = '';
    const timer = setTimeout(() => endGroup(child), options.timeoutMs ?? 60_000);
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-4096);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? Buffer.alloc(0));
    child.once('error', (cause) => {
      clearTimeout(timer);
      reject(new UpstreamError(`The program ${command} cannot be started here.`, { cause }));
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: Buffer.concat(out), stderr });
    });
  });
}

function endGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  // Also after the program itself has ended: a child of it may hold the output open.
  killGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => killGroup(pid, 'SIGKILL'), 3000);
  timer.unref();
  // What the program started may be deaf to SIGTERM and outlive it: only an empty group needs no SIGKILL.
  child.once('close', () => {
    if (!killGroup(pid, 0)) clearTimeout(timer);
  });
}
/** False if there is nobody in the group (any more). */
function killGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

export interface Daemon {
  pid: number;
  /** Start time of the process in clock ticks since boot: with the pid it names one process for ever. */
  startTime: string;
  /** Resolves when the process has ended, with its exit code or signal. */
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  stop(signal?: NodeJS.Signals, graceMs?: number): Promise<void>;
}
export interface DaemonOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** File that both streams are appended to. */
  logFile: string;
  /** For root: run the child as another user. */
  uid?: number;
  gid?: number;
}

/** Starts a long-running program in a process group of its own, both streams appended to a file. */
export async function startDaemon(command: string, args: readonly string[], options: DaemonOptions): Promise<Daemon> {
  const log = createWriteStream(options.logFile, { flags: 'a' });
  await new Promise<void>((resolve, reject) => log.once('open', () => resolve()).once('error', reject));
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: baseEnv(options.env),
    detached: true,
    stdio: ['ignore', log, log],
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  log.close();
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', reject);
  });
  exited.catch(() => {});
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new UpstreamError(`The program ${command} cannot be started here.`, { cause })));
  });
  const pid = child.pid as number;
  return {
    pid,
    startTime: (await processStartTime(pid)) ?? '',
    exited,
    async stop(signal = 'SIGTERM', graceMs = 10_000) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      killGroup(pid, signal);
      const timer = setTimeout(() => killGroup(pid, 'SIGKILL'), graceMs);
      await exited.catch(() => {});
      clearTimeout(timer);
      // Children that did not end with it.
      killGroup(pid, 'SIGKILL');
    },
  };
}

/** Start time of a live process (field 22 of /proc/PID/stat), undefined if there is none: guards against reused pids. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Whether the process of this pid and start time still runs; a zombie, ended but not yet reaped by its parent, does not. */
export async function stillRuns(pid: number, startTime: string): Promise<boolean> {
  if ((await processStartTime(pid)) !== startTime) return false;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

/** Stands for this process alone where a machine cannot be told from others: no other process is then taken to be on the same one. */
const alone = randomUUID();

/**
 * Where the pids of this process mean something: `host/pid namespace/boot id`. Containers may share a host's name, and machines made from one image name and
 * pid namespace, and still not see each other's processes, so that one would take the other for dead. The boot id is the kernel's: random at each start.
 * @param proc where the kernel tells of itself, `/proc`
 */
export async function processTable(proc = '/proc'): Promise<string> {
  const namespace = /\d+/.exec(await readlink(`${proc}/self/ns/pid`).catch(() => ''))?.[0];
  const boot = (await readFile(`${proc}/sys/kernel/random/boot_id`, 'utf8').catch(() => '')).trim();
  return namespace && /^[\w-]+$/.test(boot) ? `${hostname()}/${namespace}/${boot}` : `${hostname()}//${alone}`;
}
