import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { silentLog } from '../../src/core/log.ts';
import { startEmbedded } from '../../src/db/embedded.ts';
import { makeTemplate } from '../helpers/test-server.ts';

/** A PostgreSQL of this test's own, with real fsync, that may be restarted; the worlds that are started from now on use it. */
export async function useOwnPostgres(t: TestContext): Promise<{ restart(): Promise<void> }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-faults-pg-'));
  const open = () => startEmbedded({ dataDir, log: silentLog, settings: { max_connections: '200' } });
  let server = await open();
  const template = 'sluice_template_faults';
  await makeTemplate(server.connection.host, template);
  const before = { ...process.env };
  process.env['SLUICE_TEST_PG'] = server.connection.host;
  process.env['SLUICE_TEST_TEMPLATE'] = template;
  t.after(async () => {
    process.env = before;
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    async restart() {
      await server.stop();
      server = await open();
    },
  };
}
