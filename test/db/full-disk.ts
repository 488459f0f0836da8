// Run as a process of its own, in a mount namespace with a small disk at `dir`: fills it up under a real PostgreSQL and tells what happens as one JSON line.
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import { diskProblem } from '../../src/core/disk.ts';
import { AppError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { openDb } from '../../src/db/db.ts';
import { startEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';
import { sql } from '../../src/db/query.ts';

const [, , dir = ''] = process.argv;
const place = { what: 'the data directory', path: dir };
const server = await startEmbedded({ dataDir: join(dir, 'db'), log: silentLog, settings: { fsync: 'off' } });
const told: Record<string, unknown> = {};
const wordsOf = (error: unknown) => (error instanceof AppError ? `${error.message} ${error.hint}` : `unexpected: ${String(error)}`);
try {
  const target = { connection: server.connection, log: silentLog };
  await migrate(target);
  const database = openDb(target);
  await database.db.execute(sql`create table filled (text text)`);
  told['before'] = (await diskProblem([place], 1024 ** 2)) ?? 'room';
  await writeFile(join(dir, '../artifact.jar'), Buffer.alloc(2 * 1024 ** 2));
  await fill();
  told['problem'] = await diskProblem([place], 1024 ** 2);
  const write = () =>
    database.transaction((tx) => tx.execute(sql`insert into filled select repeat(md5(n::text), 60) from generate_series(1, 4000) n`));
  told['write'] = await write().then(() => 'written', wordsOf);
  told['isFull'] = database.isFull();
  told['read'] = (await database.db.execute<{ n: number }>(sql`select count(*)::int as n from people`)).rows[0]?.n;
  await mkdir(join(dir, 'artifacts'), { recursive: true }).catch(() => {});
  told['artifact'] = await createFolderStore(join(dir, 'artifacts'))
    .put(join(dir, '../artifact.jar'))
    .then(() => 'stored', wordsOf);
  await rm(join(dir, 'filler'));
  told['again'] = await write().then(() => 'written', wordsOf);
  told['isFullAfter'] = database.isFull();
  await database.close();
} finally {
  await server.stop();
}
console.log(JSON.stringify(told));

async function fill(): Promise<void> {
  const file = await open(join(dir, 'filler'), 'w');
  try {
    for (const size of [1024 ** 2, 4096])
      for (;;) if ((await file.write(Buffer.alloc(size, 1)).catch(() => undefined)) === undefined) break;
  } finally {
    await file.close();
  }
}
