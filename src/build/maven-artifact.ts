import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, matchesGlob, relative, sep } from 'node:path';
import { BuildError, UserError } from '../core/errors.ts';
import { oneLine, truncate } from '../core/text.ts';
import { formatBytes } from '../core/time.ts';

export interface BuiltJar {
  path: string;
  /** Bytes. */
  size: number;
}

const helperJar = /^original-.*\.jar$|-(sources|javadoc|tests|test-sources|test-javadoc)\.jar$/;

/**
 * The one jar that a build left: in `target` of the module, else in the `target` folders of the modules below it; helper jars
 * (original-, -sources, -javadoc, -tests) do not count.
 * @param artifact glob over file names (`*-all.jar`), or over paths from the module's folder (`jobs/orders/target/*.jar`)
 * @throws BuildError if there is none, or several between which nothing decides; UserError for a glob that leaves the project.
 */
export async function findBuiltJar(moduleDir: string, artifact?: string): Promise<BuiltJar> {
  if (artifact !== undefined && (artifact.startsWith('/') || artifact.split('/').includes('..') || artifact.length > 300)) {
    throw new UserError(`“${truncate(oneLine(artifact), 60)}” cannot choose a jar.`, {
      hint: 'Give a file name with *, for example *-all.jar.',
    });
  }
  const own = await jarsIn(join(moduleDir, 'target'));
  const all = artifact?.includes('/') || own.length === 0 ? [...own, ...(await jarsBelow(moduleDir, 3))] : own;
  const chosen =
    artifact === undefined
      ? all.filter((path) => !helperJar.test(baseName(path)))
      : all.filter((path) => matches(moduleDir, path, artifact));
  const names = (paths: string[]) =>
    paths
      .slice(0, 8)
      .map((path) => relative(moduleDir, path))
      .join(', ');
  const [first, ...others] = chosen;
  if (first === undefined) {
    throw new BuildError(artifact === undefined ? 'The build left no jar in target.' : `The build left no jar that matches ${artifact}.`, {
      hint:
        all.length > 0
          ? `There are: ${names(all)}.`
          : 'Does the pom.xml say <packaging>jar</packaging>? For a project of several modules name the module.',
      details: { kind: 'no-jar' },
    });
  }
  if (others.length > 0) {
    throw new BuildError(`The build left ${chosen.length} jars: ${names(chosen)}.`, {
      hint: 'Say which one to use: name the module, or the artifact of the project as a file name with *, for example *-all.jar.',
      details: { kind: 'several-jars', jars: chosen.map((path) => relative(moduleDir, path)) },
    });
  }
  return checkedJar(moduleDir, first);
}

/** A build script may leave a link to a file outside; such a thing is never taken. */
async function checkedJar(moduleDir: string, path: string): Promise<BuiltJar> {
  const stat = await lstat(path);
  const inside = (await realpath(path)).startsWith((await realpath(moduleDir)) + sep);
  if (!stat.isFile() || !inside) {
    throw new BuildError(`${relative(moduleDir, path)} is a link, not a file.`, {
      hint: 'Let the build write the jar itself.',
      details: { kind: 'link' },
    });
  }
  if (stat.size === 0)
    throw new BuildError(`${relative(moduleDir, path)} is empty (${formatBytes(0)}).`, { details: { kind: 'empty-jar' } });
  return { path, size: stat.size };
}

function matches(moduleDir: string, path: string, artifact: string): boolean {
  return matchesGlob(artifact.includes('/') ? relative(moduleDir, path) : baseName(path), artifact);
}
function baseName(path: string): string {
  return path.slice(path.lastIndexOf(sep) + 1);
}

async function jarsIn(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch(() => []);
  return names
    .filter((name) => name.endsWith('.jar'))
    .sort()
    .map((name) => join(dir, name));
}
async function jarsBelow(dir: string, depth: number): Promise<string[]> {
  if (depth === 0) return [];
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !/^(\.|src$|target$|node_modules$)/.test(entry.name));
  const found = await Promise.all(
    folders.map(async ({ name }) => [...(await jarsIn(join(dir, name, 'target'))), ...(await jarsBelow(join(dir, name), depth - 1))]),
  );
  return found.flat();
}
