import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError } from '../core/errors.ts';
import type { Changes } from './changes.ts';
import { isObject } from './types.ts';
import type { WorkspaceState } from './workspace.ts';

const quietMs = 300;

/** The state saved in a file, or exported to it; undefined when there is none. @throws ConfigError when it cannot be read */
export async function loadState(file: string): Promise<WorkspaceState | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError(`The practice workspace's file ${file} cannot be read.`, { cause: error });
  }
  try {
    const file: unknown = JSON.parse(text);
    // an export holds the workspace among other things
    const parsed = isObject(file) && isObject(file['workspace']) ? file['workspace'] : file;
    if (isObject(parsed) && Array.isArray(parsed['people']) && isObject(parsed['messages'])) return parsed as unknown as WorkspaceState;
  } catch {
    // told below
  }
  throw new ConfigError(`The practice workspace's file ${file} is damaged.`, { hint: 'Delete it to begin with an empty workspace.' });
}

/** Saves the state some 300 ms after each change, in one rename; `flush` saves at once. */
export function saveOnChange(file: string, state: WorkspaceState, changes: Changes): { flush(): Promise<void>; stop(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let dirty = false;
  let writing = Promise.resolve();
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(async () => {
      if (!dirty) return;
      dirty = false;
      await mkdir(dirname(file), { recursive: true });
      await writeFile(`${file}.new`, JSON.stringify(state));
      await rename(`${file}.new`, file);
    });
    return writing;
  };
  const unsubscribe = changes.subscribe((change) => {
    if (change.type === 'journal') return;
    dirty = true;
    timer ??= setTimeout(() => void flush(), quietMs).unref();
  });
  return {
    flush,
    async stop() {
      unsubscribe();
      await flush();
    },
  };
}
