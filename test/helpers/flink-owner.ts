/** A program of its own that starts a cluster and does nothing more: `node flink-owner.ts VERSION DIR`. Tests kill it. */
import { startTestCluster } from './flink.ts';

const [version = '', dir = ''] = process.argv.slice(2);
const started = await startTestCluster(version, { dir });
console.log(JSON.stringify({ url: started.url, pids: [started.cluster.jobManager.pid, started.cluster.taskManagers[0]?.pid] }));
setInterval(() => {}, 60_000);
