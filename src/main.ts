import { createApp } from './app.ts';
import { loadConfig } from './config/load.ts';
import { AppError } from './core/errors.ts';
import { createLog } from './log.ts';
import { onStopSignal } from './stop-signals.ts';

/** The production entry: configuration from sluice.yaml and the environment. */
async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog(config.logLevel);
  const starting = createApp({ config, log, onProgress: (line) => log.info({}, line) });
  onStopSignal(async (signal) => {
    log.info({ signal }, 'stopping');
    // Also during the start, whose PostgreSQL would be left behind.
    await (await starting).stop();
    return 0;
  });
  const app = await starting;
  log.info({ url: app.url, home: config.home, transport: config.slack.transport }, 'Sluice is ready');
}

main().catch((error: unknown) => {
  if (error instanceof AppError) console.error(`${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  else console.error(error);
  process.exit(1);
});
