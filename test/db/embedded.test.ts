import assert from 'node:assert/strict';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../src/core/errors.ts';
import { silentLog } from '../../src/core/log.ts';
import { type Daemon, startDaemon } from '../../src/core/process.ts';
import { sleep } from '../../src/core/time.ts';
import { openDb } from '../../src/db/db.ts';
import { connectEmbedded, type EmbeddedPostgres, startEmbedded } from '../../src/db/embedded.ts';
import { liveOwner } from '../../src/db/owner.ts';
import { sql } from '../../src/db/query.ts';
import { runSql } from '../helpers/test-server.ts';

const ownerScript = fileURLToPath(new URL('../helpers/embedded-owner.ts', import.meta.url));

interface Place {
  dataDir: string;
  /** Runs after the test, the last first. */
  defer(cleanup: () => Promise<unknown>): void;
}
let seed: Promise<string> | undefined;
after(async () => {
  const dataDir = await seed;
  if (dataDir) await rm(dataDir, { recursive: true });
});

/** A data directory with a copy of one cluster, which is quicker than initdb; or an empty one. */
async function newPlace(t: TestContext, { empty = false } = {}): Promise<Place> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-embedded-'));
  if (!empty) {
    seed ??= (async () => {
      const seedDir = await mkdtemp(join(tmpdir(), 'sluice-embedded-seed-'));
      await (await start(seedDir)).stop();
      return seedDir;
    })();
    await cp(join(await seed, 'postgres'), join(dataDir, 'postgres'), { recursive: true });
  }
  const cleanups: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
    // Whatever a failed test left behind.
    const pid = (await serverPid(dataDir)) ?? 0;
    if ((await commandLine(pid)).includes(dataDir)) process.kill(pid, 'SIGQUIT');
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  return { dataDir, defer: (cleanup) => void cleanups.push(cleanup) };
}
async function start(dataDir: string): Promise<EmbeddedPostgres> {
  return startEmbedded({ dataDir, log: silentLog, settings: { fsync: 'off' } });
}
async function ownerProcess({ dataDir, defer }: Place): Promise<{ owner: Daemon; said: string }> {
  const logFile = join(dataDir, `owner-${Math.random().toString(36).slice(2)}.log`);
  const owner = await startDaemon(process.execPath, [ownerScript, dataDir], { logFile });
  defer(() => owner.stop('SIGKILL'));
  return {
    owner,
    said: await until(
      () => readFile(logFile, 'utf8'),
      (text) => text.includes('\n'),
    ),
  };
}
async function until<T>(read: () => Promise<T>, good: (value: T) => boolean, limitMs = 30_000): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (good(value)) return value;
    if (performance.now() > deadline) throw new Error(`waited too long; last seen: ${String(value)}`);
    await sleep(50);
  }
}
async function serverPid(dataDir: string): Promise<number | undefined> {
  const content = await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '');
  return Number(content.split('\n')[0]) || undefined;
}
async function commandLine(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
}

it('keeps its data over a restart, listens on no TCP port, and hides its socket from other users', async (t) => {
  const { dataDir, defer } = await newPlace(t, { empty: true });
  const told: string[] = [];
  const first = await startEmbedded({ dataDir, log: silentLog, onProgress: (sentence) => told.push(sentence) });
  defer(() => first.stop());
  assert.equal(told.length, 2);
  assert.deepEqual({ ...first.connection, host: '' }, { host: '', port: 5432, user: 'sluice', database: 'sluice' });
  const [listen] = await runSql({ connection: first.connection }, 'show listen_addresses', 'create table kept (id integer)');
  assert.deepEqual(listen?.rows, [{ listen_addresses: '' }]);
  assert.equal((await stat(first.connection.host)).mode & 0o077, 0);
  const pid = (await serverPid(dataDir)) ?? 0;
  await first.stop();
  assert.equal(await commandLine(pid), '', 'the server still runs');
  assert.equal(await liveOwner(dataDir), undefined);
  const again = await start(dataDir);
  defer(() => again.stop());
  assert.equal(again.adopted, false);
  const [kept] = await runSql({ connection: again.connection }, 'select count(*)::int as rows from kept');
  assert.deepEqual(kept?.rows, [{ rows: 0 }]);
});

it('refuses a directory with a live owner and names it; tools connect without owning', async (t) => {
  const place = await newPlace(t);
  const { dataDir } = place;
  const { owner, said } = await ownerProcess(place);
  assert.match(said, /ready adopted=false/);
  assert.equal((await liveOwner(dataDir))?.pid, owner.pid);
  await assert.rejects(start(dataDir), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.ok(error.message.includes(`process ${owner.pid} `) && error.message.includes(dataDir), error.message);
    assert.match(String(error.hint), new RegExp(`Stop process ${owner.pid}`));
    return true;
  });
  const { connection } = await connectEmbedded({ dataDir });
  const [one] = await runSql({ connection }, 'select 1 as one');
  assert.deepEqual(one?.rows, [{ one: 1 }]);
  await owner.stop('SIGTERM');
  await assert.rejects(connectEmbedded({ dataDir }), /No Sluice runs on the data directory/);
});

it('of several processes that start at once exactly one becomes the owner, also after a dead one', async (t) => {
  const place = await newPlace(t, { empty: true });
  const { dataDir } = place;
  await writeFile(join(dataDir, 'sluice.pid'), '4194303 1\n');
  const started = await Promise.all([1, 2, 3].map(() => ownerProcess(place)));
  const ready = started.filter(({ said }) => said.startsWith('ready'));
  assert.equal(ready.length, 1, started.map(({ said }) => said).join(''));
  assert.equal(started.filter(({ said }) => said.includes(`process ${ready[0]?.owner.pid} owns it`)).length, 2);
  assert.deepEqual(
    (await readdir(dataDir)).filter((name) => name.startsWith('sluice.pid')),
    ['sluice.pid'],
  );
  await ready[0]?.owner.stop('SIGTERM');
});

it('takes over the server of an owner that was killed, with what it had saved', async (t) => {
  const place = await newPlace(t);
  const { dataDir, defer } = place;
  const { owner } = await ownerProcess(place);
  const { connection } = await connectEmbedded({ dataDir });
  await runSql({ connection }, 'create table saved (id integer)', 'insert into saved values (7)');
  const pid = await serverPid(dataDir);
  process.kill(owner.pid, 'SIGKILL');
  await owner.exited;
  const heir = await start(dataDir);
  defer(() => heir.stop());
  assert.equal(heir.adopted, true);
  assert.equal(await serverPid(dataDir), pid, 'another server was started');
  const [saved] = await runSql({ connection: heir.connection }, 'select id from saved');
  assert.deepEqual(saved?.rows, [{ id: 7 }]);
  await heir.stop();
  assert.equal(await commandLine(pid ?? 0), '', 'the adopted server was not stopped');
});

it('starts the server again when it is killed, and loses nothing that was saved', async (t) => {
  const { dataDir, defer } = await newPlace(t);
  const server = await start(dataDir);
  defer(() => server.stop());
  const database = openDb({ connection: server.connection, log: silentLog });
  defer(() => database.close());
  await database.db.execute(sql`create table saved (id integer)`);
  await database.db.execute(sql`insert into saved values (1), (2)`);
  for (let round = 0; round < 2; round++) {
    const before = (await serverPid(dataDir)) ?? 0;
    process.kill(before, 'SIGKILL');
    await until(
      () =>
        database.ping().then(
          () => serverPid(dataDir),
          () => undefined,
        ),
      (pid) => pid !== undefined && pid !== before,
    );
    // A backend of the killed server may answer once more before it notices; only a lost connection is asked again.
    const rows = await until(
      () =>
        database.db.execute(sql`select count(*)::int as n from saved`).then(
          (answer) => answer.rows,
          () => undefined,
        ),
      (found) => found !== undefined,
    );
    assert.deepEqual(rows, [{ n: 2 }]);
  }
});

it('recovers when owner and server were both killed, though another program has the old pid', async (t) => {
  const place = await newPlace(t);
  const { dataDir, defer } = place;
  const { owner } = await ownerProcess(place);
  const { connection } = await connectEmbedded({ dataDir });
  await runSql({ connection }, 'create table saved (id integer)');
  const file = join(dataDir, 'postgres/postmaster.pid');
  process.kill(owner.pid, 'SIGKILL');
  process.kill((await serverPid(dataDir)) ?? 0, 'SIGKILL');
  await owner.exited;
  await writeFile(file, (await readFile(file, 'utf8')).replace(/^\d+/, String(process.ppid)));
  const heir = await start(dataDir);
  defer(() => heir.stop());
  assert.equal(heir.adopted, false);
  const [saved] = await runSql({ connection: heir.connection }, `select to_regclass('saved')::text as name`);
  assert.deepEqual(saved?.rows, [{ name: 'saved' }]);
});

it('puts its socket in a short folder when the data directory is deep', async (t) => {
  const { dataDir: parent, defer } = await newPlace(t);
  const dataDir = join(parent, 'd'.repeat(90), 'data');
  const server = await start(dataDir);
  defer(async () => {
    await server.stop();
    await rm(server.connection.host, { recursive: true, force: true });
  });
  assert.ok(!server.connection.host.startsWith(dataDir));
  assert.equal((await stat(server.connection.host)).mode & 0o077, 0);
  assert.deepEqual((await connectEmbedded({ dataDir })).connection, server.connection);
});

it('never makes a new database over a damaged or foreign one, and can be started after the repair', async (t) => {
  const { dataDir } = await newPlace(t, { empty: true });
  await mkdir(join(dataDir, 'postgres'));
  await assert.rejects(start(dataDir), /holds no complete database/);
  await writeFile(join(dataDir, 'postgres/PG_VERSION'), '14\n');
  await assert.rejects(start(dataDir), /made by PostgreSQL 14; this Sluice brings 18/);
  await rm(join(dataDir, 'postgres'), { recursive: true });
  const server = await start(dataDir);
  await server.stop();
});

it('says what PostgreSQL says when it does not start', async (t) => {
  const { dataDir } = await newPlace(t);
  await (await start(dataDir)).stop();
  await rm(join(dataDir, 'postgres/global/pg_control'));
  await assert.rejects(start(dataDir), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /does not start.*pg_control/);
    assert.match(String(error.hint), /postgres\.log/);
    return true;
  });
  assert.equal(await liveOwner(dataDir), undefined, 'the ownership was kept');
});

it('starts where no user namespace can be had', async (t) => {
  const { PATH } = process.env;
  t.after(() => {
    process.env['PATH'] = PATH;
  });
  const { dataDir, defer } = await newPlace(t, { empty: true });
  // As root PostgreSQL then runs under another uid, which has to get to its folder; for other users nothing changes.
  await chmod(dataDir, 0o711);
  process.env['PATH'] = '';
  const server = await start(dataDir);
  defer(() => server.stop());
  const [one] = await runSql({ connection: server.connection }, 'select 1 as one');
  assert.deepEqual(one?.rows, [{ one: 1 }]);
  if (process.getuid?.() === 0) assert.equal((await stat(`/proc/${await serverPid(dataDir)}`)).uid, 1000);
});
