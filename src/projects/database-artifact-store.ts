import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactStore, checkIsFile, checkSha256, notKept } from '../build/artifact-store.ts';
import { sha256OfFile } from '../build/jar.ts';
import { UpstreamError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Database } from '../db/db.ts';
import { deleteChunks, hasChunk, putChunk, readChunk } from './artifact-chunks.store.ts';

const pieceBytes = 1024 * 1024;

/** The artifact store in the database, for replicas that share no folder: pieces of 1 MiB, the first one written last, which makes it complete. */
export function createDatabaseStore(database: Database): ArtifactStore {
  const { db } = database;
  async function* pieces(sha256: string): AsyncGenerator<Buffer> {
    for (let n = 0; ; n++) {
      const data = await readChunk(db, sha256, n);
      if (!data) return;
      yield data;
    }
  }
  async function isIntact(sha256: string): Promise<boolean> {
    const hash = createHash('sha256');
    for await (const data of pieces(sha256)) hash.update(data);
    return hash.digest('hex') === sha256;
  }
  return {
    async put(path) {
      await checkIsFile(path);
      const sha256 = await sha256OfFile(path);
      if ((await hasChunk(db, sha256, 0)) && (await isIntact(sha256))) return { sha256, size: (await stat(path)).size };
      const hash = createHash('sha256');
      let first = Buffer.alloc(0);
      let size = 0;
      let n = 0;
      for await (const data of createReadStream(path, { highWaterMark: pieceBytes }) as AsyncIterable<Buffer>) {
        hash.update(data);
        size += data.length;
        if (n === 0) first = Buffer.from(data);
        else await putChunk(db, sha256, n, data);
        n++;
      }
      if (hash.digest('hex') !== sha256) {
        await deleteChunks(db, sha256);
        throw new UpstreamError(`${path} changed while it was being kept.`, { hint: 'Try again when nothing writes it any more.' });
      }
      await putChunk(db, sha256, 0, first);
      return { sha256, size };
    },
    async openPath(sha256, dir) {
      const target = join(dir, `${checkSha256(sha256)}.jar`);
      if ((await stat(target).catch(() => undefined)) && (await sha256OfFile(target)) === sha256) return target;
      if (!(await hasChunk(db, sha256, 0))) throw notKept(sha256);
      await mkdir(dir, { recursive: true });
      const aside = join(dir, newId('part'));
      try {
        const hash = createHash('sha256');
        const file = await open(aside, 'w', 0o600);
        try {
          for await (const data of pieces(sha256)) {
            hash.update(data);
            await file.writeFile(data);
          }
          await file.sync();
        } finally {
          await file.close();
        }
        if (hash.digest('hex') !== sha256) {
          throw new UpstreamError(`The artifact ${sha256.slice(0, 12)} is damaged in the database.`, { hint: 'Build the job again.' });
        }
        await rename(aside, target);
        return target;
      } finally {
        await rm(aside, { force: true });
      }
    },
    has: async (sha256) => hasChunk(db, checkSha256(sha256), 0),
    remove: async (sha256) => deleteChunks(db, checkSha256(sha256)),
  };
}
