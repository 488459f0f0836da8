import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { run } from '../../src/core/process.ts';

/**
 * Plants a fault in one source file of a child process: `node --import ./test/faults/mutate.ts ...` with SLUICE_MUTANT in its environment loads that
 * file with a snippet replaced. A mutant that does not fit, or whose file was never loaded, ends the child with `misfit`: it must not pass for found.
 */
export interface Mutant {
  /** Path from the root of the project: `src/operations/machine.ts`. */
  file: string;
  /** Occurs exactly once in the file. */
  from: string;
  to: string;
}
/** Exit code of a child whose mutant could not be planted. */
export const misfit = 97;

const root = join(import.meta.dirname, '../..');

/** The source with the fault in it. @throws Error when `from` does not occur exactly once, or `to` changes nothing. */
export function applyMutant(source: string, mutant: Mutant): string {
  const parts = source.split(mutant.from);
  if (mutant.from === '' || parts.length !== 2)
    throw new Error(
      `The snippet of the mutant occurs ${parts.length - 1} times in ${mutant.file}, not once: ${JSON.stringify(mutant.from)}`,
    );
  if (mutant.from === mutant.to) throw new Error(`The mutant of ${mutant.file} changes nothing.`);
  return parts.join(mutant.to);
}
/** Node options and environment of a process that runs with the mutant; checked against the file as it is now. @throws Error when it does not fit. */
export function mutantProcess(mutant: Mutant): { args: string[]; env: Record<string, string> } {
  applyMutant(readFileSync(join(root, mutant.file), 'utf8'), mutant);
  return { args: ['--import', pathToFileURL(import.meta.filename).href], env: { SLUICE_MUTANT: JSON.stringify(mutant) } };
}
/**
 * Runs one of the project's programs with a mutant.
 * @param script path from the root of the project.
 * @returns the exit code and the last lines.
 * @throws Error when the mutant was not planted, or the time is up.
 */
export async function runMutant(
  mutant: Mutant,
  script: string,
  args: readonly string[],
  options: { timeoutMs: number; env?: Record<string, string> },
): Promise<{ code: number | null; output: string }> {
  const planted = mutantProcess(mutant);
  const result = await run(process.execPath, [...planted.args, join(root, script), ...args], {
    cwd: root,
    timeoutMs: options.timeoutMs,
    env: { ...options.env, ...planted.env },
  });
  const output = result.tail.join('\n');
  if (result.code === misfit) throw new Error(output);
  if (result.signal || result.code === null) throw new Error(`It did not end within ${options.timeoutMs} ms.\n${output}`);
  return { code: result.code, output };
}

const asked = process.env['SLUICE_MUTANT'];
if (asked !== undefined) plant(JSON.parse(asked) as Mutant);

function plant(mutant: Mutant): void {
  const url = pathToFileURL(join(root, mutant.file)).href;
  let planted = false;
  registerHooks({
    load(loaded, context, nextLoad) {
      const module = nextLoad(loaded, context);
      if (loaded.split('?')[0] !== url) return module;
      try {
        const source = applyMutant(readFileSync(fileURLToPath(url), 'utf8'), mutant);
        planted = true;
        return { ...module, source };
      } catch (error) {
        console.error(String(error));
        process.exit(misfit);
      }
    },
  });
  process.on('exit', () => {
    if (planted) return;
    console.error(`${mutant.file} was never loaded, so its mutant was not planted.`);
    process.exitCode = misfit;
  });
}
