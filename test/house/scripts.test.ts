import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const { scripts } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

// npm passes a signal on to the shell that it runs a script in. Some shells stay in between, die of it, and leave the program behind.
for (const name of ['start', 'demo'])
  test(`the shell of npm run ${name} becomes the program, so that a signal to npm reaches it`, async (t) => {
    const program =
      'process.on("SIGTERM", () => { console.log("heard"); process.exit(0); }); console.log("up"); setInterval(() => {}, 1000);';
    const line = (scripts[name] ?? '').replace(/node .*/, `"$PROGRAM_NODE" -e '${program}'`);
    const shell = spawn('sh', ['-c', line], {
      env: { ...process.env, PROGRAM_NODE: process.execPath },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => shell.kill('SIGKILL'));
    let said = '';
    shell.stdout.on('data', (chunk) => {
      said += String(chunk);
      if (said.includes('up')) shell.kill('SIGTERM');
    });
    await once(shell, 'close');
    assert.match(said, /up\s+heard/);
  });
