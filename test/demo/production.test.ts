import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { startChild } from '../helpers/child.ts';

test('the demo, whose practice workspace lets everybody in, does not start when NODE_ENV is production, and leaves nothing', async (t) => {
  const folder = await mkdtemp(`${tmpdir()}/production-`);
  t.after(() => rm(folder, { recursive: true }));
  const demo = startChild('src/demo/main.ts', ['--no-open', '--home', `${folder}/home`, '--port', '0', '--practice-port', '0'], {
    cwd: folder,
    env: { HOME: folder, NODE_ENV: 'production' },
  });
  assert.equal((await demo.ended).code, 1);
  assert.match(demo.stderr(), /does not start in production\.\nUse a real Slack workspace, or unset NODE_ENV\./);
  assert.deepEqual(await readdir(folder), []);
});
