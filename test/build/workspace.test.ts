import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkFreeDisk, createWorkspace, sweepWorkspaces } from '../../src/build/workspace.ts';
import { AppError } from '../../src/core/errors.ts';

describe('workspaces', () => {
  let root: string;
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'workspace-test-'));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  it('are empty and private, whatever a killed build left there, and can be removed', async () => {
    mkdirSync(join(root, 'b1', '.git'), { recursive: true });
    writeFileSync(join(root, 'b1', '.git', 'index.lock'), '');
    const workspace = await createWorkspace(root, 'b1');
    assert.deepEqual(readdirSync(workspace.dir), []);
    assert.equal(statSync(workspace.dir).mode & 0o777, 0o700);
    writeFileSync(join(workspace.dir, 'x'), 'y');
    await workspace.remove();
    await workspace.remove();
    assert.equal(existsSync(workspace.dir), false);
  });

  it('cannot be made outside their folder', async () => {
    for (const id of ['../x', '..', '.', '', 'a/b', 'a\0']) await assert.rejects(createWorkspace(root, id), AppError, id);
  });

  it('are swept when their build is over, and only then', async () => {
    const folder = join(root, 'sweep');
    for (const id of ['live', 'dead', 'young']) await createWorkspace(folder, id);
    const inAnHour = new Date(Date.now() + 3_600_000);
    assert.deepEqual(await sweepWorkspaces(folder, () => false, 60_000), []);
    assert.deepEqual((await sweepWorkspaces(folder, (id) => id !== 'dead', 60_000, inAnHour)).sort(), ['dead']);
    assert.deepEqual(readdirSync(folder).sort(), ['live', 'young']);
    assert.deepEqual(await sweepWorkspaces(join(root, 'never-made'), () => false), []);
  });

  it('are not made when the disk is nearly full; the sentence says how much is free and needed', async () => {
    await assert.rejects(
      createWorkspace(root, 'b2', { minFreeBytes: 2 ** 60 }),
      (error) =>
        error instanceof AppError &&
        /^Only [\d.]+ \w+ are free on the disk for builds; \d+ TB are needed\.$/.test(error.message) &&
        (error.hint ?? '') !== '',
    );
    assert.equal(existsSync(join(root, 'b2')), false);
    await checkFreeDisk(root, 1);
  });
});
