import { setTimeout as wait } from 'node:timers/promises';
import { isAlive, killNoted } from './cluster-pids.ts';

/**
 * A process of its own beside every local cluster: `node cluster-watchdog.ts PIDS-FOLDER OWNER-PID OWNER-START`. When the owner is gone
 * (even by kill -9) it kills the cluster's processes and ends.
 */
const [folder = '', pid = '', startTime = ''] = process.argv.slice(2);
while (await isAlive({ pid: Number(pid), startTime })) await wait(500);
await killNoted(folder);
