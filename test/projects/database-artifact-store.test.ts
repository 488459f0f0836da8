import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type ArtifactStore, createFolderStore } from '../../src/build/artifact-store.ts';
import { type AppError, NotFoundError, UserError } from '../../src/core/errors.ts';
import type { Database } from '../../src/db/db.ts';
import { eq, sql } from '../../src/db/query.ts';
import { artifactChunks } from '../../src/db/schema/index.ts';
import { createDatabaseStore } from '../../src/projects/database-artifact-store.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const mib = 1024 * 1024;
let scratch: string;
let count = 0;
before(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sluice-artifacts-'));
});
after(() => rm(scratch, { recursive: true, force: true }));

const sha = (content: Buffer) => createHash('sha256').update(content).digest('hex');
async function fileOf(content: Buffer): Promise<{ path: string; content: Buffer; sha256: string; size: number }> {
  const path = join(scratch, `file-${++count}.jar`);
  await writeFile(path, content);
  return { path, content, sha256: sha(content), size: content.length };
}
const newDir = () => join(scratch, `dir-${++count}`);

interface Opened {
  store: ArtifactStore;
  /** How many copies of an artifact there are. */
  copies(sha256: string): Promise<number>;
}
const stores: Record<string, (t: TestContext) => Promise<Opened>> = {
  'in a folder': async () => {
    const root = newDir();
    return {
      store: createFolderStore(root),
      copies: async (sha256) =>
        (await readdir(root, { recursive: true, withFileTypes: true })).filter((f) => f.isFile() && f.name.startsWith(sha256)).length,
    };
  },
  'in the database': async (t) => {
    const database = await sharedDb(t);
    return {
      store: createDatabaseStore(database),
      copies: async (sha256) => (await chunks(database, sha256)).filter((n) => n === 0).length,
    };
  },
};
async function chunks({ db }: Database, sha256: string): Promise<number[]> {
  const rows = await db
    .select({ n: artifactChunks.n })
    .from(artifactChunks)
    .where(eq(artifactChunks.sha256, sha256))
    .orderBy(artifactChunks.n);
  return rows.map((row) => row.n);
}

for (const [where, open] of Object.entries(stores)) {
  describe(`an artifact store ${where} keeps its promises`, () => {
    for (const size of [0, 1, mib - 1, mib, mib + 1, 3 * mib + 17]) {
      it(`gives back exactly what it was given: ${size} bytes`, async (t) => {
        const { store } = await open(t);
        const { path, content, sha256 } = await fileOf(randomBytes(size));
        assert.equal(await store.has(sha256), false);
        assert.deepEqual(await store.put(path), { sha256, size });
        assert.equal(await store.has(sha256), true);
        await rm(path);
        const opened = await store.openPath(sha256, newDir());
        assert.ok((await readFile(opened)).equals(content));
      });
    }

    it('keeps the same content once, whatever it was called and however often it came at once', async (t) => {
      const { store, copies } = await open(t);
      const content = randomBytes(2 * mib + 5);
      const files = await Promise.all(Array.from({ length: 4 }, () => fileOf(content)));
      const kept = await Promise.all(files.map((file) => store.put(file.path)));
      await store.put(files[0]!.path);
      for (const one of kept) assert.deepEqual(one, { sha256: sha(content), size: content.length });
      assert.equal(await copies(sha(content)), 1);
      assert.ok((await readFile(await store.openPath(sha(content), newDir()))).equals(content));
    });

    it('removes, and says so; removing again is no error', async (t) => {
      const { store } = await open(t);
      const { path, sha256 } = await fileOf(randomBytes(mib + 1));
      const other = await fileOf(Buffer.from('stays'));
      await store.put(path);
      await store.put(other.path);
      await store.remove(sha256);
      await store.remove(sha256);
      assert.deepEqual([await store.has(sha256), await store.has(other.sha256)], [false, true]);
      await assert.rejects(store.openPath(sha256, newDir()), (error: AppError) => {
        assert.ok(error instanceof NotFoundError);
        assert.match(`${error.message} ${error.hint}`, new RegExp(`${sha256.slice(0, 12)} is no longer kept.*Build the job again`));
        return true;
      });
      await store.put(path);
      assert.equal(await store.has(sha256), true);
    });

    it('takes no links and no folders, and no name that is not a SHA-256', async (t) => {
      const { store } = await open(t);
      const { path } = await fileOf(Buffer.from('x'));
      const link = join(scratch, `link-${++count}.jar`);
      await symlink(path, link);
      for (const wrong of [link, scratch]) await assert.rejects(store.put(wrong), UserError);
      for (const bad of ['../../etc/passwd', 'A'.repeat(64), 'a'.repeat(63), ''])
        for (const call of [store.has(bad), store.openPath(bad, newDir()), store.remove(bad)]) await assert.rejects(call, UserError);
    });
  });
}

describe('the artifact store in the database', () => {
  async function setUp(t: TestContext) {
    const database = await sharedDb(t);
    const file = await fileOf(randomBytes(3 * mib + 17));
    return { database, store: createDatabaseStore(database), ...file };
  }

  it('cuts an artifact into pieces of 1 MiB', async (t) => {
    const { database, store, path, sha256 } = await setUp(t);
    await store.put(path);
    const { rows } = await database.db.execute<{ n: number; bytes: number }>(
      sql`select n, octet_length(data) as bytes from artifact_chunks where sha256 = ${sha256} order by n`,
    );
    assert.deepEqual(rows, [
      { n: 0, bytes: mib },
      { n: 1, bytes: mib },
      { n: 2, bytes: mib },
      { n: 3, bytes: 17 },
    ]);
  });

  it('refuses damaged content, leaves no part of it, and is put right by the next put', async (t) => {
    const { database, store, path, sha256, content } = await setUp(t);
    for (const damage of [
      sql`update artifact_chunks set data = set_byte(data, 5, (get_byte(data, 5) + 1) % 256) where sha256 = ${sha256} and n = 2`,
      sql`delete from artifact_chunks where sha256 = ${sha256} and n = 1`,
      sql`delete from artifact_chunks where sha256 = ${sha256} and n = 3`,
    ]) {
      await store.put(path);
      await database.db.execute(damage);
      const dir = newDir();
      await assert.rejects(store.openPath(sha256, dir), /damaged in the database/);
      assert.deepEqual(await readdir(dir), []);
      await store.put(path);
      assert.ok((await readFile(await store.openPath(sha256, dir))).equals(content));
    }
  });

  it('a put that was interrupted keeps nothing until it is done again', async (t) => {
    const { database, store, path, sha256, content } = await setUp(t);
    const { db } = database;
    let left = 2;
    const insert = db.insert.bind(db);
    const dying = new Proxy(db, {
      get: (target, name) =>
        name === 'insert'
          ? (...args: Parameters<typeof insert>) => {
              if (left-- === 0) throw new Error('killed');
              return insert(...args);
            }
          : Reflect.get(target, name),
    });
    await assert.rejects(createDatabaseStore({ ...database, db: dying }).put(path), /killed/);
    assert.equal((await chunks(database, sha256)).length, 2, 'it was interrupted half way');
    assert.equal(await store.has(sha256), false);
    await assert.rejects(store.openPath(sha256, newDir()), NotFoundError);
    await store.put(path);
    assert.equal(await store.has(sha256), true);
    assert.ok((await readFile(await store.openPath(sha256, newDir()))).equals(content));
  });

  it('writes the local file once, and again when somebody changed it', async (t) => {
    const { database, store, path, sha256, content } = await setUp(t);
    await store.put(path);
    const dir = newDir();
    const [first, second] = await Promise.all([store.openPath(sha256, dir), store.openPath(sha256, dir)]);
    assert.deepEqual([first, second], [join(dir, `${sha256}.jar`), first]);
    assert.deepEqual(await readdir(dir), [`${sha256}.jar`]);
    await writeFile(first, 'changed');
    assert.ok((await readFile(await store.openPath(sha256, dir))).equals(content));
    await database.db.execute(sql`delete from artifact_chunks`);
    assert.equal(await store.openPath(sha256, dir), first, 'a good local file needs no database');
  });

  it('leaves nothing aside when the local file cannot be written', async (t) => {
    const { store, path, sha256 } = await setUp(t);
    await store.put(path);
    const dir = newDir();
    await mkdir(join(dir, `${sha256}.jar`, 'in the way'), { recursive: true });
    await assert.rejects(store.openPath(sha256, dir));
    assert.deepEqual(await readdir(dir), [`${sha256}.jar`]);
  });
});
