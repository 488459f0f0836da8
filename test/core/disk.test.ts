import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { diskProblem, freeBytes, startDiskGuard } from '../../src/core/disk.ts';
import { UpstreamError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';

const more = Number.MAX_SAFE_INTEGER;

describe('the room on a disk', () => {
  test('is told of a folder, and of one that does not exist yet by its parent', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
    t.after(() => rm(dir, { recursive: true }));
    const free = await freeBytes(dir);
    assert.ok(free !== undefined && free > 0);
    const below = await freeBytes(join(dir, 'not', 'yet'));
    assert.ok(below !== undefined && below > 0);
    assert.equal(await freeBytes(join(import.meta.filename, 'below-a-file')), undefined);
  });

  test('that is too small is told with the place, what is free and what is needed', async () => {
    const problem = await diskProblem([{ what: 'the data directory', path: tmpdir() }], more);
    assert.match(problem ?? '', /^The disk of the data directory is full \([\d.]+ [KMGT]?B free, \d+ TB are kept in reserve\)$/);
    assert.equal(await diskProblem([{ what: 'the data directory', path: tmpdir() }], 0), undefined);
  });

  test('of a place that cannot be looked at is no reason to refuse', async () => {
    assert.equal(await diskProblem([{ what: 'nothing', path: join(import.meta.filename, 'x') }], more), undefined);
  });
});

describe('the guard', () => {
  const place = { what: 'the data directory', path: tmpdir() };

  test('refuses with a sentence and the next step', async (t) => {
    const guard = startDiskGuard({ places: [place], minFreeBytes: more, log: silentLog });
    t.after(() => guard.stop());
    await assert.rejects(guard.check(), (error) => {
      assert.ok(error instanceof UpstreamError);
      assert.match(error.message, /is full \(.* free, .*\): nothing was started\.$/);
      assert.match(error.hint ?? '', /Reading still works/);
      return true;
    });
  });

  test('tells the log by itself, once until there is room again', async (t) => {
    const told: string[] = [];
    const [full, room] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const tells = (what: string, done: () => void) => () => {
      told.push(what);
      done();
    };
    const log = { ...silentLog, error: tells('full', full.resolve), warn: tells('room', room.resolve) };
    const places = [place];
    const guard = startDiskGuard({ places, minFreeBytes: more, log, everyMs: 5 });
    t.after(() => guard.stop());
    // The guard keeps no process alive.
    const alive = setInterval(() => {}, 1000);
    t.after(() => clearInterval(alive));
    await full.promise;
    for (let look = 0; look < 3; look++) await guard.problem();
    places.pop();
    await room.promise;
    assert.deepEqual(told, ['full', 'room']);
  });
});
