import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/core/log.ts';
import { startEmbedded } from '../../src/db/embedded.ts';
import { makeTemplate } from '../helpers/test-server.ts';

/** A PostgreSQL of this test's own, with real fsync, that may be restarted; the worlds that are started from now on use it. It is stopped after they are. */
export async function useOwnPostgres(): Promise<{ restart(): Promise<void>; stop(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-faults-pg-'));
  const open = () => startEmbedded({ dataDir, log: silentLog, settings: { max_connections: '200' } });
  let server = await open();
  const template = 'sluice_template_faults';
  await makeTemplate(server.connection.host, template);
  const before = { ...process.env };
  process.env['SLUICE_TEST_PG'] = server.connection.host;
  process.env['SLUICE_TEST_TEMPLATE'] = template;
  return {
    async stop() {
      process.env = before;
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
    async restart() {
      await server.stop();
      server = await open();
    },
  };
}
