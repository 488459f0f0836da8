import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UnreachableError } from '../../src/core/errors.ts';
import { run } from '../../src/core/process.ts';
import { sql } from '../../src/db/query.ts';
import { createTestDb } from '../helpers/test-db.ts';

const fails = (state: string) => sql.raw(`do $$ begin raise exception 'could not extend file' using errcode = '${state}'; end $$`);

describe('a state store without room', () => {
  for (const [state, words] of [
    ['53100', 'The disk of the state store is full; nothing was started.'],
    ['53200', 'The state store is out of memory; nothing was started.'],
  ] as const)
    test(`that answers ${state} is told in a sentence, inside a transaction and outside, and used on`, async (t) => {
      const database = await createTestDb(t);
      const told = (error: unknown) =>
        error instanceof UnreachableError && error.message === words && error.details['outcome'] === 'nothing';
      await assert.rejects(
        database.transaction(async (tx) => {
          await tx.execute(sql`create table half_done ()`);
          await tx.execute(fails(state));
        }),
        told,
      );
      await assert.rejects(() => database.db.execute(fails(state)), told);
      const { rows } = await database.db.execute(sql`select to_regclass('half_done') as found`);
      assert.deepEqual(rows, [{ found: null }], 'nothing of the transaction was kept');
      assert.equal(database.isFull(), state === '53100');
      await database.transaction((tx) => tx.execute(sql`create table done ()`));
      assert.equal(database.isFull(), false);
    });
});

/**
 * On a truly full disk: a RAM disk of a few megabytes, mounted for one process in a namespace of its own, so that it needs no rights and is gone with
 * the process.
 */
test('on a full disk new work is refused with a sentence, reading goes on, and with room it works again', {
  timeout: 120_000,
}, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-full-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const disk = join(dir, 'disk');
  await mkdir(disk);
  const script = fileURLToPath(new URL('full-disk.ts', import.meta.url));
  const inside = 'mount -t tmpfs -o size=120m,mode=700 tmpfs "$1" && exec "$2" "$3" "$1"';
  const ended = await run('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', inside, 'sh', disk, process.execPath, script], {
    timeoutMs: 110_000,
  });
  assert.equal(ended.code, 0, ended.tail.join('\n'));
  const told = JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  assert.equal(told['before'], 'room');
  assert.match(String(told['problem']), /^The disk of the data directory is full \(\d+ K?B free, 1\.0 MB are kept in reserve\)$/);
  assert.match(String(told['write']), /^The disk of the state store is full; nothing was started\. Reading still works\./);
  assert.equal(told['isFull'], true);
  assert.equal(told['read'], 0);
  assert.match(String(told['artifact']), /^The disk of the artifact store is full\. Free some space there, then try again\.$/);
  assert.equal(told['again'], 'written');
  assert.equal(told['isFullAfter'], false);
});
