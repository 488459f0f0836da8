import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UpstreamError } from './errors.ts';
import type { Log } from './log.ts';
import { formatBytes } from './time.ts';

export interface DiskPlace {
  /** What is kept there, for the sentence: `the data directory`. */
  what: string;
  /** A folder; one that does not exist yet counts as its parent. */
  path: string;
}
export interface DiskGuard {
  /** What is wrong, in words without an end; undefined while there is room. Looks each time: one `statfs` for each place. */
  problem(): Promise<string | undefined>;
  /** Before anything new is accepted. @throws UpstreamError when a disk has too little room */
  check(): Promise<void>;
  stop(): void;
}
export interface DiskGuardOptions {
  places: readonly DiskPlace[];
  /** Bytes that must be free. */
  minFreeBytes: number;
  /** Told once when a disk gets full, and once when it has room again. */
  log: Log;
  /** How often it looks by itself, so that the log tells even while nobody asks; 10 s. */
  everyMs?: number;
}

/** Bytes that an ordinary user may still write there (`statfs`); undefined where that cannot be told. */
export async function freeBytes(path: string): Promise<number | undefined> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || folder === dirname(folder)) return undefined;
    }
  }
}

/** The first of these places whose disk has too little room, in words; what cannot be told is no problem. */
export async function diskProblem(places: readonly DiskPlace[], minFreeBytes: number): Promise<string | undefined> {
  for (const { what, path } of places) {
    const free = await freeBytes(path);
    if (free !== undefined && free < minFreeBytes)
      return `The disk of ${what} is full (${formatBytes(free)} free, ${formatBytes(minFreeBytes)} are kept in reserve)`;
  }
  return undefined;
}

/** Watches the disks that Sluice writes to. The reserve keeps the state store able to write what is in progress, and to be read. */
export function startDiskGuard(options: DiskGuardOptions): DiskGuard {
  const { places, minFreeBytes, log } = options;
  let told = false;
  async function problem(): Promise<string | undefined> {
    const found = await diskProblem(places, minFreeBytes);
    if (found && !told) log.error({ problem: found }, 'new work is refused: a disk is full');
    if (!found && told) log.warn({}, 'the disk has room again: new work is accepted');
    told = found !== undefined;
    return found;
  }
  const timer = setInterval(() => void problem(), options.everyMs ?? 10_000).unref();
  return {
    problem,
    async check() {
      const found = await problem();
      if (!found) return;
      throw new UpstreamError(`${found}: nothing was started.`, {
        hint: 'Reading still works. An admin can free some space on the machine of Sluice; then try again.',
      });
    },
    stop: () => clearInterval(timer),
  };
}
