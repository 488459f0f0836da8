import { writeSync } from 'node:fs';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { sleep } from '../../src/core/time.ts';
import { createLog } from '../../src/log.ts';

/** What a replica is told to do to itself at a named point of an operation: once each. */
export type FaultMode = 'kill' | 'freeze' | 'throw';
/** Sent by the test. */
export interface Arm {
  arm: Record<string, FaultMode>;
}

const armed = new Map<string, FaultMode>(Object.entries(JSON.parse(process.env['FAULTS_ARMED'] ?? '{}') as Record<string, FaultMode>));
process.on('message', (message: Arm) => {
  armed.clear();
  for (const [point, mode] of Object.entries(message.arm)) armed.set(point, mode);
});
process.on('disconnect', () => process.exit(0));

/** A line that the test reads even when the process dies right after it. */
function tell(line: object): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}
async function onPoint(point: string): Promise<void> {
  const mode = armed.get(point);
  if (!mode) return;
  armed.delete(point);
  tell({ fired: point, mode });
  if (mode === 'throw') throw new Error(`planted fault at ${point}`);
  process.kill(process.pid, mode === 'kill' ? 'SIGKILL' : 'SIGSTOP');
  // A signal to oneself is delivered within moments; nothing may happen in them.
  if (mode === 'kill') await sleep(60_000);
}

// PostgreSQL sees who writes: the triggers of stale-writes.ts compare it with the owner of the operation.
if (process.env['DATABASE_URL']) process.env['DATABASE_URL'] += `?application_name=sluice:${process.pid}`;
const config = loadConfig();
const log = createLog(config.logLevel);
const app = await createApp({ config, log, paceMs: Number(process.env['FAULTS_PACE_MS'] ?? 20), onPoint });
process.on('SIGTERM', () => {
  app.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
tell({ ready: app.url });
