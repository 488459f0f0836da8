import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { commands } from '../commands/index.ts';
import { commandsPage } from './reference/commands.ts';
import { configurationPage, exampleFile } from './reference/configuration.ts';
import { errorsPage } from './reference/errors.ts';

const root = join(import.meta.dirname, '../..');

/** The generated files: their path from the root, and what they must hold. */
function renderDocs(): Map<string, string> {
  return new Map([
    ['docs/configuration.md', configurationPage()],
    ['sluice.example.yaml', exampleFile()],
    ['docs/errors.md', errorsPage()],
    ['docs/commands.md', commandsPage(commands)],
  ]);
}

/** The generated files that differ from what the code says, or are missing. */
export async function staleDocs(): Promise<string[]> {
  const stale: string[] = [];
  for (const [path, wanted] of renderDocs()) {
    const found = await readFile(join(root, path), 'utf8').catch(() => undefined);
    if (found !== wanted) stale.push(path);
  }
  return stale;
}

async function writeDocs(): Promise<void> {
  for (const path of await staleDocs()) {
    const wanted = renderDocs().get(path) ?? '';
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), wanted);
    console.log(`wrote ${path}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
  if (!values.check) return writeDocs();
  const stale = await staleDocs();
  for (const path of stale) console.log(`${path} is not what the code says; run npm run docs`);
  if (stale.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
