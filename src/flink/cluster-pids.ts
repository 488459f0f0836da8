import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { processStartTime } from '../core/process.ts';
import { sleep } from '../core/time.ts';

/** One process for ever: a pid may be reused, a pid with its start time is not. */
export interface ProcessId {
  pid: number;
  startTime: string;
}

/** Notes a process of the cluster, so that a watchdog or the next start can end it. */
export async function notePid(folder: string, name: string, id: ProcessId): Promise<void> {
  await writeFile(join(folder, name), JSON.stringify({ pid: id.pid, startTime: id.startTime }));
}

/** Whether this very process still runs (a zombie counts as gone). */
export async function isAlive(id: ProcessId): Promise<boolean> {
  if ((await processStartTime(id.pid)) !== id.startTime) return false;
  const stat = await readFile(`/proc/${id.pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
}

/** Kills (SIGKILL) every noted process that still runs, waits until they are gone and forgets them. Returns how many there were. */
export async function killNoted(folder: string): Promise<number> {
  let killed = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const file = join(folder, name);
    const id = await readFile(file, 'utf8')
      .then((text) => JSON.parse(text) as ProcessId)
      .catch(() => undefined);
    if (id && (await isAlive(id))) {
      killed++;
      signalProcess(id.pid, 'SIGKILL');
      for (let i = 0; i < 100 && (await isAlive(id)); i++) await sleep(50);
    }
    await rm(file, { force: true });
  }
  return killed;
}

/** Sends a signal; false if there is no such process. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Waits until every thread of a process that was sent SIGSTOP stands still, for at most 5 s: until then one on another processor may still answer. */
export async function untilFrozen(pid: number): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
    const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '')));
    if (stats.every((stat) => stat === '' || /\) [TtZX] /.test(stat))) return;
    await sleep(10);
  }
}
