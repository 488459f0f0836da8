// Guard: npm scripts run the Node 24 that npm installed; a failed optional download would silently leave the system's Node.
import * as module from 'node:module';

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `Sluice needs Node 24 or newer, but this is Node ${process.versions.node}.\n` +
      "On Linux (x64, arm64) 'npm ci' brings it: run 'npm ci' again and look for a failed download of node-linux-*.\n" +
      'Elsewhere install Node 24 or newer, and start Sluice through npm (npm start, npm run demo, npm test).',
  );
  process.exit(1);
}
// Compiled code is kept between starts: half of the time of a start is compiling.
module.enableCompileCache();
