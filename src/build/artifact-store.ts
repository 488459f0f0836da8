import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NotFoundError, UpstreamError, UserError } from '../core/errors.ts';
import { sha256OfFile } from './jar.ts';

/** Where artifacts are kept, each under the SHA-256 of its content (64 hexadecimal digits). The database is another such store. */
export interface ArtifactStore {
  /** Keeps a copy of a local file; the same content twice is kept once. Size in bytes. @throws UserError for a link or a folder. */
  put(path: string): Promise<StoredArtifact>;
  /**
   * A local file with exactly this content, checked just now; read-only for the caller. A store that has no local files writes it into `dir`.
   * @throws NotFoundError if it is not kept; UpstreamError if what is kept is damaged.
   */
  openPath(sha256: string, dir: string): Promise<string>;
  has(sha256: string): Promise<boolean>;
  /** Removing what is not there is no error. */
  remove(sha256: string): Promise<void>;
}
export interface StoredArtifact {
  sha256: string;
  size: number;
}

/** A store in a folder (shared by the replicas, when there are several): `root/ab/abcd….jar`, written aside and renamed into place. */
export function createFolderStore(root: string): ArtifactStore {
  const pathOf = (sha256: string) => join(root, checkSha256(sha256).slice(0, 2), `${sha256}.jar`);
  return {
    put: (path) => putFile(path, root, pathOf),
    async openPath(sha256) {
      const path = pathOf(sha256);
      if (!(await isFile(path))) throw notKept(sha256);
      if ((await sha256OfFile(path)) === sha256) return path;
      throw new UpstreamError(`The stored artifact ${sha256.slice(0, 12)} is damaged: its content has changed.`, {
        hint: 'Build it again: that puts it right.',
        details: { path },
      });
    },
    has: async (sha256) => isFile(pathOf(sha256)),
    remove: async (sha256) => rm(pathOf(sha256), { force: true }),
  };
}

/**
 * Guards the way from a SHA-256 to a file name.
 * @throws UserError
 */
export function checkSha256(sha256: string): string {
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw new UserError('This is not a SHA-256: 64 hexadecimal digits in lower case were expected.');
}

/** The error of every store for an artifact that it does not have. */
export function notKept(sha256: string): NotFoundError {
  return new NotFoundError(`The artifact ${sha256.slice(0, 12)} is no longer kept.`, { hint: 'Build the job again.' });
}

/** Refuses links and folders, for every store. @throws UserError */
export async function checkIsFile(path: string): Promise<void> {
  if (!(await lstat(path)).isFile()) throw new UserError(`${basename(path)} is not a file, and cannot be kept.`);
}

async function putFile(path: string, root: string, pathOf: (sha256: string) => string): Promise<StoredArtifact> {
  await checkIsFile(path);
  const aside = join(root, 'tmp', randomBytes(8).toString('hex'));
  await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
  try {
    const stored = await copyHashed(path, aside);
    const target = pathOf(stored.sha256);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    // Replaces a file of the same name: it has the same content, or it is damaged and put right by this.
    await rename(aside, target);
    await syncFolder(dirname(target));
    return stored;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new UpstreamError('The disk of the artifact store is full.', { cause, hint: 'Free some space there, then try again.' });
  } finally {
    await rm(aside, { force: true });
  }
}

/** Hashes what is written, not what is read a second time: the file may change in between. */
async function copyHashed(from: string, to: string): Promise<StoredArtifact> {
  const hash = createHash('sha256');
  let size = 0;
  const out = await open(to, 'wx', 0o440);
  try {
    for await (const chunk of createReadStream(from, { highWaterMark: 256 * 1024 })) {
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
      await out.writeFile(chunk as Buffer);
    }
    await out.sync();
  } finally {
    await out.close();
  }
  return { sha256: hash.digest('hex'), size };
}

/** A rename survives a power cut only when its folder is on disk too. */
async function syncFolder(dir: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(dir, 'r');
    await handle.sync();
  } finally {
    await handle?.close();
  }
}

async function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (stat) => stat.isFile(),
    () => false,
  );
}
