import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type LocalCluster, startLocalCluster } from '../../../src/flink/local-cluster.ts';
import { compileJob, demoProjectDir } from '../../helpers/flink-job.ts';

/** What releases before 1.18 reach into on Java 17, which they do not know of. */
const opens = [
  'lang',
  'lang.invoke',
  'math',
  'net',
  'io',
  'nio',
  'text',
  'time',
  'util',
  'util.concurrent',
  'util.concurrent.atomic',
  'util.concurrent.locks',
]
  .map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`)
  .concat(
    '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
    '--add-opens=java.base/sun.net.util=ALL-UNNAMED',
    '--add-exports=java.base/sun.net.util=ALL-UNNAMED',
  );

export interface OldCluster {
  cluster: LocalCluster;
  /** Starts the JobManager anew, with other options for the jobs that come. */
  again(conf: Record<string, string>): Promise<void>;
}

/** A cluster of a release that still reads `flink-conf.yaml`: one TaskManager with 6 slots, on Java 17. */
export async function startOldCluster(home: string, dir: string, conf: Record<string, string>): Promise<OldCluster> {
  await mkdir(join(dir, 'conf'), { recursive: true });
  const java = join(dir, 'java');
  await writeFile(java, `#!/bin/sh\nexec java ${opens.join(' ')} "$@"\n`);
  await chmod(java, 0o755);
  const ports = await freePorts();
  await writeOldConf(dir, ports, conf);
  const cluster = await startLocalCluster({ home, dir, restPort: ports[0], taskManagers: 1, slots: 6, java });
  return {
    cluster,
    async again(other) {
      await writeOldConf(dir, ports, other);
      await cluster.restart('jobmanager');
      await cluster.waitReady();
    },
  };
}

/** Such a release reads neither `config.yaml` nor its names of today. */
async function writeOldConf(
  dir: string,
  [rest, rpc, blob]: readonly [number, number, number],
  conf: Record<string, string>,
): Promise<void> {
  const all: Record<string, string> = {
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.bind-host': '127.0.0.1',
    'jobmanager.rpc.port': String(rpc),
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.host': '127.0.0.1',
    'rest.address': '127.0.0.1',
    'rest.bind-address': '127.0.0.1',
    'rest.port': String(rest),
    'blob.server.port': String(blob),
    'taskmanager.numberOfTaskSlots': '6',
    'taskmanager.cpu.cores': '1.0',
    'taskmanager.memory.framework.heap.size': '64m',
    'taskmanager.memory.task.heap.size': '96m',
    'taskmanager.memory.framework.off-heap.size': '48m',
    'taskmanager.memory.task.off-heap.size': '0m',
    'taskmanager.memory.network.min': '16m',
    'taskmanager.memory.network.max': '16m',
    'taskmanager.memory.managed.size': '64m',
    'taskmanager.memory.jvm-metaspace.size': '160m',
    'taskmanager.memory.jvm-overhead.min': '48m',
    'taskmanager.memory.jvm-overhead.max': '48m',
    'web.upload.dir': join(dir, 'upload'),
    'io.tmp.dirs': join(dir, 'tmp'),
    'state.checkpoints.dir': `file://${dir}/checkpoints`,
    'state.savepoints.dir': `file://${dir}/savepoints`,
    'heartbeat.interval': '2000',
    'heartbeat.timeout': '10000',
    'web.refresh-interval': '250',
    'metrics.fetcher.update-interval': '1000',
    ...conf,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key}: ${value}`);
  await writeFile(join(dir, 'conf', 'flink-conf.yaml'), `${lines.join('\n')}\n`);
}

/** The demo's jobs, in the words that releases before 1.19 have. */
export async function compileOldJob(home: string, dir: string): Promise<string> {
  const sources = join(dir, 'sources');
  await mkdir(sources, { recursive: true });
  for (const name of ['CustomerTotals', 'Options', 'Order', 'OrdersJob', 'Throttle']) {
    const text = await readFile(join(demoProjectDir, `src/main/java/com/example/etl/${name}.java`), 'utf8');
    const old = text
      .replaceAll('org.apache.flink.api.common.functions.OpenContext', 'org.apache.flink.configuration.Configuration')
      .replaceAll('OpenContext', 'Configuration')
      .replaceAll('getTaskInfo().', '');
    await writeFile(join(sources, `${name}.java`), old);
  }
  return compileJob({ home, sources: [sources], outDir: join(dir, 'job') });
}

async function freePorts(): Promise<[number, number, number]> {
  const servers = [createServer(), createServer(), createServer()] as const;
  for (const server of servers) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const [rest, rpc, blob] = servers.map((server) => (server.address() as { port: number }).port);
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return [rest as number, rpc as number, blob as number];
}
