import { join } from 'node:path';
import { openStore } from '../app.ts';
import { createFolderStore } from '../build/artifact-store.ts';
import { loadConfig } from '../config/load.ts';
import { AppError } from '../core/errors.ts';
import { plural } from '../core/text.ts';
import { openDb } from '../db/db.ts';
import { connectEmbedded } from '../db/embedded.ts';
import { liveOwner } from '../db/owner.ts';
import { createLog } from '../log.ts';
import { createDatabaseStore } from '../projects/database-artifact-store.ts';
import { applyFolder } from './apply/apply.ts';

/** `npm run apply -- <folder>`: registers clusters, projects, jobs, people and so on from YAML files; also while Sluice runs. */
async function main(): Promise<void> {
  const folder = process.argv[2];
  if (!folder) throw new AppError('bad_input', 'Which folder?', { hint: 'npm run apply -- <folder of YAML files>' });
  const config = loadConfig();
  const log = createLog('warn');
  const dataDir = join(config.home, 'db');
  // Beside a running Sluice its embedded server is used as a client; without one it is started for the moment.
  const running = config.databaseUrl === undefined && (await liveOwner(dataDir)) !== undefined;
  const store = running ? await clientStore(dataDir) : await openStore(config, log);
  try {
    const artifacts =
      config.artifacts.store === 'database' ? createDatabaseStore(store.database) : createFolderStore(config.artifacts.folder);
    const result = await applyFolder(store.database, artifacts, folder, config.git.plainHttpHosts);
    console.log(
      `Applied ${folder}: ${plural(result.created.length, 'job')} created, ${result.changed.length} changed, ${result.unchanged} unchanged.`,
    );
  } finally {
    await store.close();
  }
  async function clientStore(dir: string) {
    const { connection } = await connectEmbedded({ dataDir: dir });
    const database = openDb({ connection, log });
    return { database, close: () => database.close() };
  }
}

main().catch((error: unknown) => {
  if (error instanceof AppError) console.error(`${error.message}${error.hint ? `\n${error.hint}` : ''}`);
  else console.error(error);
  process.exitCode = 1;
});
