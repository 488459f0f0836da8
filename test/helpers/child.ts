import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One of our own programs as a process of its own. */
export interface Child {
  pid: number;
  process: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves when the program has ended and all it said is there. */
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Waits until what stderr (or stdout) holds matches. Fails at once when the program ends without it. */
  says(pattern: RegExp, options?: { on?: 'stdout' | 'stderr'; timeoutMs?: number }): Promise<RegExpExecArray>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals, timeoutMs?: number): Promise<{ code: number | null; signal: NodeJS.Signals | null; tookMs: number }>;
}

/** Starts `node <script of the project> ...args` with exactly this environment and PATH. */
export function startChild(
  script: string,
  args: readonly string[],
  options: { cwd: string; env: Record<string, string | undefined> },
): Child {
  const path = fileURLToPath(new URL(`../../${script}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  const changed = () => {
    for (const watcher of [...watchers]) watcher();
  };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk;
      changed();
    });
  let over = false;
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      over = true;
      resolve({ code, signal });
      changed();
    });
  });
  const said = () => `stdout:\n${text.stdout.slice(-2000)}\nstderr:\n${text.stderr.slice(-4000)}`;
  return {
    pid: child.pid ?? 0,
    process: child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    ended,
    says(pattern, { on = 'stderr', timeoutMs = 120_000 } = {}) {
      return new Promise((resolve, reject) => {
        const stop = () => {
          clearTimeout(timer);
          watchers.delete(look);
        };
        const look = () => {
          const found = pattern.exec(text[on]);
          if (found) {
            stop();
            resolve(found);
          } else if (over) {
            stop();
            reject(new Error(`the program ended without saying ${pattern}\n${said()}`));
          }
        };
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`the program did not say ${pattern} within ${timeoutMs} ms\n${said()}`));
        }, timeoutMs);
        watchers.add(look);
        look();
      });
    },
    async end(signal, timeoutMs = 60_000) {
      const started = performance.now();
      child.kill(signal);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), timeoutMs);
      });
      const result = await Promise.race([ended, late]);
      clearTimeout(timer);
      if (result === 'late') {
        child.kill('SIGKILL');
        assert.fail(`the program did not end within ${timeoutMs} ms of ${signal}\n${said()}`);
      }
      return { ...result, tookMs: performance.now() - started };
    },
  };
}
