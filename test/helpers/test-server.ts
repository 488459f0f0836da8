import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { silentLog } from '../../src/core/log.ts';
import { driverConfig, type Target } from '../../src/db/connection.ts';
import { startEmbedded } from '../../src/db/embedded.ts';
import { migrate } from '../../src/db/migrate.ts';

export interface TestServer {
  /** Folder of the server's socket, or its URL. */
  address: string;
  /** Name of the migrated database that tests clone. */
  template: string;
  stop(): Promise<void>;
}

/** The target of one database on the server at an address. */
export function databaseAt(address: string, database: string): Target {
  if (address.startsWith('/')) return { connection: { host: address, user: 'sluice', database } };
  const url = new URL(address);
  url.pathname = `/${database}`;
  return { url: url.href };
}

/** Runs statements on a connection of their own, one after the other. */
export async function runSql(target: Target, ...statements: string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client(driverConfig(target));
  client.on('error', () => {});
  await client.connect();
  try {
    const results: pg.QueryResult[] = [];
    for (const statement of statements) results.push(await client.query(statement));
    return results;
  } finally {
    await client.end();
  }
}

/** The server for tests with its template: the one at `url` if given (a superuser's URL), else an embedded one in a new folder. */
export async function startTestServer(url?: string): Promise<TestServer> {
  const template = `sluice_template_${process.pid}`;
  if (url) {
    await makeTemplate(url, template);
    return { address: url, template, stop: () => runSql({ url }, `drop database if exists ${template}`).then(() => {}) };
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  // Nothing in a test run has to survive the machine.
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' };
  const server = await startEmbedded({ dataDir, log: silentLog, settings });
  const stop = async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await makeTemplate(server.connection.host, template);
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: server.connection.host, template, stop };
}

/** Makes the migrated database that tests clone. */
export async function makeTemplate(address: string, template: string): Promise<void> {
  const admin = address.startsWith('/') ? databaseAt(address, 'postgres') : { url: address };
  await runSql(admin, `drop database if exists ${template}`, `create database ${template}`);
  await migrate({ ...databaseAt(address, template), log: silentLog });
}
