import { readdir, readFile } from 'node:fs/promises';
import { sleep } from '../core/time.ts';

/** Every program of a build inherits this variable, however it detaches itself; it names the build and its owner. */
export const buildMark = 'SLUICE_BUILD';

/** The mark of one owner of a build: an owner that wakes up late must not end what its successor has started. */
export const ownerMark = (buildId: string, epoch: number): string => `${buildId}.${epoch}`;
/** Which build and which owner a mark names; a mark without an owner is older than all. */
export function buildOfMark(mark: string): { buildId: string; epoch: number } {
  const [, buildId = mark, epoch = '0'] = /^(.*)\.(\d+)$/.exec(mark) ?? [];
  return { buildId, epoch: Number(epoch) };
}

/**
 * Ends (SIGKILL) every process that still carries the mark, and waits until it is gone: children that left their process group, helpers that git leaves
 * behind when it is stopped, and what a Sluice that died had started. Linux only (/proc); elsewhere it finds nothing.
 * @param of a mark, or whether a mark is meant
 * Returns how many it ended.
 */
export async function endBuildProcesses(of: string | ((mark: string) => boolean)): Promise<number> {
  const ended = new Set<number>();
  // A process may fork while the list is read, so look again until nothing is found.
  for (let round = 0; round < 50; round++) {
    const found = await markedProcesses(of);
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

/** The process ids that carry such a mark. */
export async function markedProcesses(of: string | ((mark: string) => boolean)): Promise<number[]> {
  const isMeant = typeof of === 'string' ? (mark: string) => mark === of : of;
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const marked = await Promise.all(
    pids.map(async (pid) => {
      // Other users' processes cannot be read, and are not ours.
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const mark = `\0${environ}`.split(`\0${buildMark}=`)[1]?.split('\0')[0];
      return mark !== undefined && isMeant(mark);
    }),
  );
  return pids.filter((_, i) => marked[i]).map(Number);
}
