import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const script = `
  import { onStopSignal } from ${JSON.stringify(new URL('../src/stop-signals.ts', import.meta.url).href)};
  let count = 0;
  process.on('SIGINT', () => console.log('signal ' + ++count));
  onStopSignal(async (signal) => {
    console.log('stopping ' + signal);
    await new Promise((resolve) => process.stdin.once('data', resolve));
    console.log('stopped');
    return 0;
  });
  setInterval(() => {}, 1000);
  console.log('ready');
`;

test('a signal that npm repeats is one signal: what was begun is ended in order', async (t) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (piece) => {
    said += String(piece);
  });
  const says = async (what: string) => {
    while (!said.includes(what)) await once(child.stdout, 'data');
  };
  await says('ready');
  child.kill('SIGINT');
  await says('stopping SIGINT');
  child.kill('SIGINT');
  await says('signal 2');
  child.stdin.write('now\n');
  const [code] = await once(child, 'close');
  assert.equal(code, 0);
  assert.match(said, /stopped/);
});
