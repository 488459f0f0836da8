import { join } from 'node:path';
import { run } from '../core/process.ts';
import { formatDuration } from '../core/time.ts';
import { staleDocs } from './docs.ts';
import { checkHouse, formatProblems } from './house/house.ts';

const root = join(import.meta.dirname, '../..');

interface Check {
  name: string;
  /** What is wrong, for people; empty when nothing is. */
  run(): Promise<string>;
}
interface Outcome {
  name: string;
  output: string;
  ms: number;
}

const checks: readonly Check[] = [
  { name: 'types', run: () => program('tsc', ['--noEmit']) },
  { name: 'lint', run: () => program('biome', ['ci', '--colors=off', '.']) },
  { name: 'unused', run: () => program('knip', ['--no-progress']) },
  { name: 'house', run: async () => formatProblems(checkHouse(root)) },
  { name: 'docs', run: async () => (await staleDocs()).map((path) => `${path} is not what the code says; run npm run docs`).join('\n') },
];

async function program(name: string, args: readonly string[]): Promise<string> {
  const result = await run(process.execPath, [join(root, 'node_modules/.bin', name), ...args], { cwd: root, timeoutMs: 10 * 60_000 });
  if (result.code === 0) return '';
  const printed = result.tail.join('\n').trim();
  return printed === '' ? `${name} ended with ${result.signal ?? result.code} and printed nothing` : printed;
}

async function measure(check: Check): Promise<Outcome> {
  const started = performance.now();
  const output = await check.run().catch((error: unknown) => String(error instanceof Error ? (error.stack ?? error.message) : error));
  return { name: check.name, output, ms: performance.now() - started };
}

const started = performance.now();
const outcomes = await Promise.all(checks.map(measure));
for (const { name, output } of outcomes) if (output !== '') console.log(`--- ${name}\n${output}\n`);
for (const { name, output, ms } of outcomes) console.log(`${output === '' ? 'ok    ' : 'FAILED'}  ${name.padEnd(8)} ${formatDuration(ms)}`);
const failed = outcomes.filter((outcome) => outcome.output !== '').map((outcome) => outcome.name);
console.log(
  `${failed.length === 0 ? 'Everything is in order' : `Not in order: ${failed.join(', ')}`} (${formatDuration(performance.now() - started)}).`,
);
if (failed.length > 0) process.exitCode = 1;
