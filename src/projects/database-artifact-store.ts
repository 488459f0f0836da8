import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactStore, checkSha256, notKept } from '../build/artifact-store.ts';
import { sha256OfFile } from '../build/jar.ts';
import { UpstreamError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Database } from '../db/db.ts';
import { countChunks, deleteChunks, insertChunk, readChunk } from './artifact-chunks.store.ts';

const pieceBytes = 1024 * 1024;

/** The artifact store in the database, for replicas that share no folder: pieces of 1 MiB, the last one written makes it complete. */
export function createDatabaseStore(database: Database): ArtifactStore {
  const { db } = database;
  return {
    async put(path) {
      const sha256 = await sha256OfFile(path);
      const { size } = await stat(path);
      const pieces = Math.max(1, Math.ceil(size / pieceBytes));
      if ((await countChunks(db, sha256)) === pieces) return { sha256, size };
      let n = 0;
      for await (const data of createReadStream(path, { highWaterMark: pieceBytes })) await insertChunk(db, sha256, n++, data as Buffer);
      if (n === 0) await insertChunk(db, sha256, 0, Buffer.alloc(0));
      return { sha256, size };
    },
    async openPath(sha256, dir) {
      const target = join(dir, `${checkSha256(sha256)}.jar`);
      if ((await stat(target).catch(() => undefined)) && (await sha256OfFile(target)) === sha256) return target;
      const pieces = await countChunks(db, sha256);
      if (pieces === 0) throw notKept(sha256);
      await mkdir(dir, { recursive: true });
      const aside = join(dir, newId('part'));
      const hash = createHash('sha256');
      const file = await open(aside, 'w', 0o600);
      try {
        for (let n = 0; n < pieces; n++) {
          const data = await readChunk(db, sha256, n);
          if (!data) break;
          hash.update(data);
          await file.write(data);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      if (hash.digest('hex') === sha256) {
        await rename(aside, target);
        return target;
      }
      await rm(aside, { force: true });
      throw new UpstreamError(`The artifact ${sha256.slice(0, 12)} is damaged in the database.`, { hint: 'Build the job again.' });
    },
    async has(sha256) {
      return (await countChunks(db, checkSha256(sha256))) > 0;
    },
    async remove(sha256) {
      await deleteChunks(db, checkSha256(sha256));
    },
  };
}
