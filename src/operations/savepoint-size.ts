import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { localPath } from '../deploy/restore-path.ts';

/** Bytes of all files of a savepoint that can be read from here; undefined when it cannot. */
export async function savepointSize(path: string): Promise<number | undefined> {
  const local = localPath(path);
  if (local === undefined) return undefined;
  try {
    let size = 0;
    for (const entry of await readdir(local, { recursive: true, withFileTypes: true }))
      if (entry.isFile()) size += (await stat(join(entry.parentPath, entry.name))).size;
    return size;
  } catch {
    return undefined;
  }
}
