// Run as a process of its own: owns the embedded PostgreSQL of a data directory until it is told to end, or killed.
import { silentLog } from '../../src/core/log.ts';
import { startEmbedded } from '../../src/db/embedded.ts';

const [, , dataDir = ''] = process.argv;
try {
  const { stop, adopted } = await startEmbedded({ dataDir, log: silentLog, settings: { fsync: 'off' } });
  process.once('SIGTERM', () => void stop());
  process.stdout.write(`ready adopted=${adopted}\n`);
} catch (error) {
  process.stdout.write(`refused ${error instanceof Error ? error.message : error}\n`);
}
