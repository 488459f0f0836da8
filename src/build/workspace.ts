import { mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { UpstreamError, UserError } from '../core/errors.ts';
import { formatBytes } from '../core/time.ts';
import { buildOfMark, endBuildProcesses } from './leftovers.ts';

export interface Workspace {
  /** An empty directory of the build's own (0700). */
  dir: string;
  remove(): Promise<void>;
}
export interface WorkspaceOptions {
  /** Bytes that must be free before a build begins; 1 GB. */
  minFreeBytes?: number | undefined;
}

/**
 * A fresh directory for one build. What a build that was killed left under the same id (lock files, half a checkout) is thrown away.
 * @param id letters, digits, `-` and `_`
 * @throws UpstreamError if there is too little room on the disk.
 */
export async function createWorkspace(root: string, id: string, options: WorkspaceOptions = {}): Promise<Workspace> {
  checkId(id);
  await mkdir(root, { recursive: true, mode: 0o700 });
  await checkFreeDisk(root, options.minFreeBytes ?? 1024 ** 3);
  const dir = join(root, id);
  await removeTree(dir);
  await mkdir(dir, { mode: 0o700 });
  return { dir, remove: () => removeTree(dir) };
}

/** Removes the workspace of one build; one that is not there is no error. @throws UserError for a bad id */
export async function removeWorkspace(root: string, id: string): Promise<void> {
  await removeTree(join(root, checkId(id)));
}

/**
 * Ends what builds that are over left running on this machine, then removes their workspaces.
 * @param isLive tells of an id whether its build still runs
 * @returns the ids removed
 */
export async function sweepWorkspaces(root: string, isLive: (id: string) => boolean, minAgeMs = 0, now = new Date()): Promise<string[]> {
  const over: string[] = [];
  for (const id of await readdir(root).catch(() => [])) {
    if (isLive(id)) continue;
    const made = await stat(join(root, id)).catch(() => undefined);
    if (made && now.getTime() - made.mtimeMs < minAgeMs) continue;
    over.push(id);
  }
  // First, or it would go on for ever, and write into the folder that is being removed.
  if (over.length > 0) await endBuildProcesses((mark) => over.includes(buildOfMark(mark).buildId));
  for (const id of over) await removeTree(join(root, id));
  return over;
}

/**
 * Refuses to begin what would fill the disk.
 * @throws UpstreamError that says how much is free and how much is needed
 */
export async function checkFreeDisk(dir: string, minFreeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  const free = bavail * bsize;
  if (free >= minFreeBytes) return;
  throw new UpstreamError(`Only ${formatBytes(free)} are free on the disk for builds; ${formatBytes(minFreeBytes)} are needed.`, {
    hint: 'An admin can free some space on the machine of Sluice, then build again.',
    details: { dir, free, minFreeBytes },
  });
}

function checkId(id: string): string {
  if (/^[\w-]{1,100}$/.test(id)) return id;
  throw new UserError('A workspace cannot have this name.');
}

/** Retries: a process of the build that is being ended may still write into the folder. */
function removeTree(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
