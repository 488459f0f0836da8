import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { newId } from '../core/ids.ts';
import { processStartTime } from '../core/process.ts';
import { sleep } from '../core/time.ts';

/**
 * Runs `work` while holding a lock file that names its owner (pid and start time), so that a dead owner's lock is taken over. The losers wait. Two
 * takers of the same dead lock can, very rarely, both win: the work must end in an atomic rename.
 */
export async function withFileLock<T>(
  file: string,
  onWait: (pid: number, waitedMs: number) => void,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const mine = `${process.pid} ${(await processStartTime(process.pid)) ?? ''} ${newId('lock')}`;
  const draft = `${file}.${mine.split(' ')[2]}`;
  await writeFile(draft, mine);
  const started = performance.now();
  try {
    for (;;) {
      // link() fails when the lock exists, and the file never exists without its content.
      const got = await link(draft, file).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false;
          throw error;
        },
      );
      if (got) break;
      const holder = await readFile(file, 'utf8').catch(() => undefined);
      if (holder === undefined) continue;
      const [pid = '', startTime] = holder.split(' ');
      if ((await processStartTime(Number(pid))) === startTime) {
        onWait(Number(pid), performance.now() - started);
        await sleep(500, signal);
        continue;
      }
      const stale = `${draft}.stale`;
      await rename(file, stale).catch(() => {});
      await rm(stale, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  try {
    return await work();
  } finally {
    if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true });
  }
}
