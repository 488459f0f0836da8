import { createApp } from './app.ts';
import { loadConfig } from './config/load.ts';
import { AppError } from './core/errors.ts';
import { createLog } from './log.ts';

/** The production entry: configuration from sluice.yaml and the environment. */
async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog(config.logLevel);
  const starting = createApp({ config, log, onProgress: (line) => log.info({}, line) });
  let stopping = false;
  let stoppingSince = 0;
  const stop = (signal: string) => {
    // npm passes a signal on that the whole group has got already: only a later one means "at once".
    if (stopping) {
      if (performance.now() - stoppingSince > 1000) process.exit(1);
      return;
    }
    stopping = true;
    stoppingSince = performance.now();
    log.info({ signal }, 'stopping');
    // Also during the start, whose PostgreSQL would be left behind.
    starting
      .then((app) => app.stop())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  const app = await starting;
  log.info({ url: app.url, home: config.home, transport: config.slack.transport }, 'Sluice is ready');
}

main().catch((error: unknown) => {
  if (error instanceof AppError) console.error(`${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  else console.error(error);
  process.exit(1);
});
