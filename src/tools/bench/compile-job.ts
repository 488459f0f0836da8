import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UpstreamError } from '../../core/errors.ts';
import { run } from '../../core/process.ts';

/** Compiles the demo's jobs against a Flink release and packs them, without Maven. Returns the path of the jar. @throws UpstreamError */
export async function compileJob(flinkHome: string, dir: string): Promise<string> {
  const sources = join(import.meta.dirname, '../../demo/project/src/main/java');
  const files = (await readdir(sources, { recursive: true })).filter((name) => name.endsWith('.java')).map((name) => join(sources, name));
  const classes = join(dir, 'classes');
  await mkdir(classes, { recursive: true });
  await mustRun('javac', ['-nowarn', '--release', '11', '-cp', join(flinkHome, 'lib', '*'), '-d', classes, ...files]);
  const jar = join(dir, 'etl-jobs-1.0.jar');
  await mustRun('jar', ['--create', '--file', jar, '-C', classes, '.']);
  return jar;
}

async function mustRun(command: string, args: readonly string[]): Promise<void> {
  const ended = await run(command, args, { timeoutMs: 180_000 });
  if (ended.code !== 0)
    throw new UpstreamError(`${command} failed: ${ended.tail.slice(-3).join(' ')}`, { hint: 'The bench needs a Java 17 JDK on the PATH.' });
}
