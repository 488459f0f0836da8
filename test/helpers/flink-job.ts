import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/core/process.ts';

/** The Java sources of the demo's project. */
export const demoProjectDir = fileURLToPath(new URL('../../src/demo/project/', import.meta.url));
/** Class names of the demo's jobs. */
export const ordersJob = 'com.example.etl.OrdersJob';
export const customersJob = 'com.example.etl.CustomersJob';

export interface CompileOptions {
  /** A FLINK_HOME: its lib folder is the class path. */
  home: string;
  /** Java files or folders of them; the demo's project by default. */
  sources?: readonly string[];
  outDir: string;
  /** Main class of the manifest; none by default. */
  mainClass?: string;
  jarName?: string;
}

/** Compiles Java sources for Java 11 against a Flink release and packs them, without Maven. Returns the path of the jar. */
export async function compileJob(options: CompileOptions): Promise<string> {
  const files: string[] = [];
  for (const source of options.sources ?? [join(demoProjectDir, 'src/main/java')]) {
    if ((await stat(source)).isFile()) files.push(source);
    else for (const name of await readdir(source, { recursive: true })) if (name.endsWith('.java')) files.push(join(source, name));
  }
  const classes = join(options.outDir, 'classes');
  await rm(classes, { recursive: true, force: true });
  await mkdir(classes, { recursive: true });
  await mustRun('javac', ['-nowarn', '--release', '11', '-cp', join(options.home, 'lib', '*'), '-d', classes, ...files]);
  const jar = join(options.outDir, options.jarName ?? 'etl-jobs-1.0.jar');
  const main = options.mainClass ? ['--main-class', options.mainClass] : [];
  await mustRun('jar', ['--create', '--file', jar, ...main, '-C', classes, '.']);
  return jar;
}

async function mustRun(command: string, args: string[]): Promise<void> {
  const ended = await run(command, args, { timeoutMs: 120_000 });
  if (ended.code !== 0) throw new Error(`${command} failed:\n${ended.tail.join('\n')}`);
}
