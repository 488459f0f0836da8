import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { localPath } from '../../../src/deploy/restore-path.ts';

/** What a `_metadata` of the stand-in holds. */
export interface RestoreState {
  /** Checkpoint number; the next run goes on counting from it. */
  id: number;
  /** What the job had read. */
  counter: number;
  /** The uid of the demo's totals: state of another one does not fit. */
  uid: string;
  maxParallelism: number;
}

const magic = 'stand-in restore point ';

/** The path of a folder as Flink writes it. */
export function flinkPath(folder: string): string {
  return `file:${folder}`;
}

/** Makes a folder; why it cannot be, in Java's words. */
export function makeFolder(folder: string): { class: string; message: string } | undefined {
  try {
    mkdirSync(folder, { recursive: true });
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const denied = code === 'EACCES' || code === 'EROFS';
    return { class: `java.nio.file.${denied ? 'AccessDeniedException' : 'FileAlreadyExistsException'}`, message: obstacle(folder) };
  }
}
/** The nearest thing above a folder that is there: what is in the way. */
function obstacle(folder: string): string {
  for (let path = folder; path !== dirname(path); path = dirname(path)) if (existsSync(path)) return path;
  return folder;
}

/** The scheme of a path that is none of local files, for example `s3`. */
export function foreignScheme(path: string): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(path)?.[1];
  return scheme && scheme !== 'file' ? scheme : undefined;
}

/** A new folder for a savepoint, made but without `_metadata`: that is what a JobManager that dies in between leaves behind. */
export function newSavepointFolder(directory: string, jobId: string): { folder: string } | { problem: { class: string; message: string } } {
  const folder = join(localPath(directory) ?? directory, `savepoint-${jobId.slice(0, 6)}-${randomBytes(6).toString('hex')}`);
  const problem = makeFolder(folder);
  return problem ? { problem } : { folder };
}

/** Writes a complete restore point. */
export function writeRestorePoint(folder: string, state: RestoreState): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '_metadata'), magic + JSON.stringify(state));
}

/** Deletes a restore point's folder. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export type Found =
  | { is: 'found'; path: string; state: RestoreState }
  | { is: 'missing' | 'no-metadata' | 'corrupt' | 'empty'; folder: string };

/** What lies at a path that a run is to begin from; the folder or its `_metadata` may be named. */
export function readRestorePoint(path: string): Found {
  const local = (localPath(path) ?? path).replace(/\/+$/, '');
  const named = local.endsWith('/_metadata');
  const folder = named ? dirname(local) : local;
  try {
    statSync(named ? local : folder);
  } catch {
    return { is: 'missing', folder };
  }
  let text: string;
  try {
    text = readFileSync(join(folder, '_metadata'), 'utf8');
  } catch {
    return { is: 'no-metadata', folder };
  }
  if (text === '') return { is: 'empty', folder };
  if (!text.startsWith(magic)) return { is: 'corrupt', folder };
  return { is: 'found', path: flinkPath(folder), state: JSON.parse(text.slice(magic.length)) as RestoreState };
}
