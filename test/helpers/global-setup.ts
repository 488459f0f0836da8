import { startTestServer, type TestServer } from './test-server.ts';

let server: TestServer | undefined;

/** Once per test run: one PostgreSQL for all test files, which they find by `SLUICE_TEST_PG` and `SLUICE_TEST_TEMPLATE`. */
export async function globalSetup(): Promise<void> {
  server = await startTestServer(process.env['TEST_DATABASE_URL']);
  process.env['SLUICE_TEST_PG'] = server.address;
  process.env['SLUICE_TEST_TEMPLATE'] = server.template;
}

/** Stops what `globalSetup` started. */
export async function globalTeardown(): Promise<void> {
  await server?.stop();
}
