import { readdir, readFile } from 'node:fs/promises';
import { sleep } from '../core/time.ts';

/** Every program of a build inherits this variable, however it detaches itself; it names the build. */
export const buildMark = 'SLUICE_BUILD';

/**
 * Ends (SIGKILL) every process that still carries the mark of a build: children that left their process group, helpers that git leaves
 * behind when it is stopped, and what a Sluice that died had started. Linux only (/proc); elsewhere it finds nothing.
 * Returns how many it ended.
 */
export async function endBuildProcesses(mark: string): Promise<number> {
  const ended = new Set<number>();
  // A process may fork while the list is read, so look again until nothing is found.
  for (let round = 0; round < 50; round++) {
    const found = await markedProcesses(mark);
    if (found.length === 0) break;
    for (const pid of found) {
      ended.add(pid);
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it ended by itself
      }
    }
    await sleep(20);
  }
  return ended.size;
}

/** The process ids that carry the mark of a build. */
export async function markedProcesses(mark: string): Promise<number[]> {
  const wanted = `\0${buildMark}=${mark}\0`;
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // Other users' processes cannot be read, and are not ours.
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      return `\0${environ}\0`.includes(wanted);
    }),
  );
  return pids.filter((_, i) => marked[i]).map(Number);
}
