// Run as a process of its own: waits for the given moment (ms since 1970), migrates the database, prints how many it applied.
import { silentLog } from '../../src/core/log.ts';
import { sleep } from '../../src/core/time.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseAt } from './test-server.ts';

const [, , address = '', database = '', startAt = '0'] = process.argv;
await sleep(Math.max(0, Number(startAt) - Date.now()));
const { applied } = await migrate({ ...databaseAt(address, database), log: silentLog });
process.stdout.write(`${applied.length}\n`);
