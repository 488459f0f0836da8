import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `cannot-check`: not a file path, or nothing of it is visible from where Sluice runs; the cluster will tell. */
export type PathSight =
  | { is: 'complete' }
  | { is: 'missing'; why: string }
  | { is: 'incomplete'; why: string }
  | { is: 'cannot-check'; why: string };

/** The local form of `file:/…`, `file:///…` or an absolute path; undefined for other schemes. */
export function localPath(path: string): string | undefined {
  if (path.startsWith('/')) return path;
  if (!path.startsWith('file:')) return undefined;
  try {
    return fileURLToPath(path.replace(/^file:\/*/, 'file:///'));
  } catch {
    return undefined;
  }
}

/** One spelling for a path that Flink writes as `file:/x`, `file:///x` or `/x`, for comparing; other schemes stay. */
export function samePathKey(path: string): string {
  return (localPath(path) ?? path).replace(/\/_metadata$/, '').replace(/\/+$/, '');
}

/** The last part of a path, as of `savepoint-a1b2c3-0123456789ab`: the same in every spelling, and a savepoint's own wherever it is copied to. */
export function restoreName(path: string): string {
  return samePathKey(path.replace(/\/+$/, '')).split('/').pop() ?? '';
}

/** Hadoop and Flink write one store under several schemes. */
const schemes: Readonly<Record<string, string>> = { s3a: 's3', s3n: 's3', s3p: 's3', abfss: 'abfs', wasbs: 'wasb' };
/** Whether two paths name one place, in whatever spelling: `s3://b/x` and `s3a://b/x`; `hdfs:///x`, `hdfs://nn/x` and `hdfs://nn:8020/x`. */
export function samePlace(one: string, other: string): boolean {
  const [a, b] = [samePathKey(one), samePathKey(other)];
  if (a === b) return true;
  const [left, right] = [partsOf(a), partsOf(b)];
  return left.scheme === right.scheme && left.path === right.path && (left.host === right.host || left.host === '' || right.host === '');
}
function partsOf(key: string): { scheme: string; host: string; path: string } {
  const [, scheme = '', host = '', path = key] = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/]*))?(\/.*)$/i.exec(key) ?? [];
  const low = scheme.toLowerCase();
  return { scheme: schemes[low] ?? low, host: host.replace(/:\d+$/, ''), path };
}

/**
 * Whether a savepoint or retained checkpoint is really there: complete means a non-empty `_metadata`.
 * @param readable whether an admin said that this cluster's file paths can be read from here.
 */
export async function checkRestorePath(path: string, readable: boolean): Promise<PathSight> {
  const local = localPath(path);
  if (local === undefined) return { is: 'cannot-check', why: `paths of scheme ${path.split(':')[0]}: cannot be read by Sluice` };
  if (!readable) return { is: 'cannot-check', why: 'the files of this cluster cannot be read from where Sluice runs' };
  const metadata = basename(local) === '_metadata' ? local : join(local, '_metadata');
  try {
    const found = await stat(metadata);
    return found.size > 0 ? { is: 'complete' } : { is: 'incomplete', why: 'its _metadata file is empty' };
  } catch {
    const folder = await stat(dirname(metadata)).catch(() => undefined);
    return folder?.isDirectory()
      ? { is: 'incomplete', why: 'it has no _metadata file, so it was never completed' }
      : { is: 'missing', why: 'there is no such folder' };
  }
}

/**
 * Retained checkpoints of a Flink job that are complete on disk, newest first: `<dir>/<flinkJobId>/chk-<n>/_metadata`.
 * Undefined when the directory cannot be read from here.
 */
export async function retainedCheckpoints(
  directory: string,
  flinkJobId: string,
): Promise<{ id: number; path: string; at: Date }[] | undefined> {
  const local = localPath(directory);
  if (local === undefined) return undefined;
  const folder = join(local, flinkJobId);
  const names = await readdir(folder).catch(() => undefined);
  if (!names) return undefined;
  const found: { id: number; path: string; at: Date }[] = [];
  for (const name of names) {
    const id = /^chk-(\d+)$/.exec(name)?.[1];
    if (!id) continue;
    const metadata = await stat(join(folder, name, '_metadata')).catch(() => undefined);
    if (metadata && metadata.size > 0) found.push({ id: Number(id), path: `file://${join(folder, name)}`, at: metadata.mtime });
  }
  return found.sort((a, b) => b.id - a.id);
}
