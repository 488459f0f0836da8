import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '../core/errors.ts';
import { processStartTime, stillRuns } from '../core/process.ts';

const ownerFile = 'sluice.pid';

/** The process named in a data directory's `sluice.pid`. */
export interface Owner {
  pid: number;
  /** Clock ticks since boot, see `processStartTime`. */
  startTime: string;
}

/** The live owner of a data directory; undefined if there is none or it is dead. */
export async function liveOwner(dataDir: string): Promise<Owner | undefined> {
  return liveOf(await read(join(dataDir, ownerFile)));
}

/**
 * Makes this process the owner of a data directory: at most one process at a time starts and stops its server.
 * @returns the function that gives the ownership up.
 * @throws ConfigError naming the live owner.
 */
export async function claimOwnership(dataDir: string): Promise<() => Promise<void>> {
  const file = join(dataDir, ownerFile);
  const mine = `${process.pid} ${(await processStartTime(process.pid)) ?? ''}\n`;
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, mine, { mode: 0o600 });
  try {
    for (;;) {
      // A link appears with its whole content or not at all, and never over another's.
      if (await created(draft, file)) break;
      const found = await read(file);
      if (found === undefined) continue;
      const owner = await liveOf(found);
      if (owner) {
        throw new ConfigError(`Sluice already runs on the data directory ${dataDir}: process ${owner.pid} owns it.`, {
          hint: `Stop process ${owner.pid} first, or give this Sluice a data directory of its own.`,
          details: { pid: owner.pid, dataDir },
        });
      }
      await removeStale(file, found);
    }
  } finally {
    await rm(draft, { force: true });
  }
  return async () => {
    if ((await read(file)) === mine) await rm(file, { force: true });
  };
}

/** Takes a dead owner's file away; if another process was faster and the file is already its own, puts it back. */
async function removeStale(file: string, expected: string): Promise<void> {
  const aside = `${file}.stale.${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (missing(error)) return;
    throw error;
  }
  if ((await read(aside)) !== expected) await created(aside, file);
  await rm(aside, { force: true });
}

async function created(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (missing(error)) return undefined;
    throw error;
  }
}
async function liveOf(content: string | undefined): Promise<Owner | undefined> {
  const [pid, startTime = ''] = (content ?? '').trim().split(' ');
  // The start time tells the owner from a later process with the same pid.
  if (!pid || !(await stillRuns(Number(pid), startTime))) return undefined;
  return { pid: Number(pid), startTime };
}
function missing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
