import { commands } from '../commands/index.ts';
import { loadConfig } from '../config/load.ts';
import { buildManifest } from '../slack/manifest.ts';

/** `npm run manifest [-- --socket]`: the app manifest for Slack, from the command table. */
const socket = process.argv.includes('--socket');
const config = loadConfig();
const list = commands.filter((c) => !c.hidden).map((c) => ({ name: c.name, summary: c.summary }));
console.log(
  JSON.stringify(
    buildManifest({ transport: socket ? 'socket' : 'http', ...(socket ? {} : { publicUrl: config.publicUrl }), commands: list }),
    null,
    2,
  ),
);
