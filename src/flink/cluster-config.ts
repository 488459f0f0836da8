import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type Role = 'jobmanager' | 'taskmanager';
export interface ClusterPorts {
  rest: number;
  rpc: number;
  blob: number;
}
export interface ClusterLayout {
  dir: string;
  conf: string;
  log: string;
  pids: string;
  upload: string;
  checkpoints: string;
  savepoints: string;
  tmp: string;
}

/** The folders of a local cluster, made if missing. */
export async function makeLayout(dir: string): Promise<ClusterLayout> {
  const layout: ClusterLayout = {
    dir,
    conf: join(dir, 'conf'),
    log: join(dir, 'log'),
    pids: join(dir, 'pids'),
    upload: join(dir, 'upload'),
    checkpoints: join(dir, 'checkpoints'),
    savepoints: join(dir, 'savepoints'),
    tmp: join(dir, 'tmp'),
  };
  for (const folder of Object.values(layout)) await mkdir(folder, { recursive: true });
  return layout;
}

/** Writes config.yaml and log4j.properties. `conf` wins over our values; keys are flat and never double, which Flink refuses. */
export async function writeConf(
  layout: ClusterLayout,
  ports: ClusterPorts,
  slots: number,
  opens: string,
  conf: Readonly<Record<string, string>>,
): Promise<void> {
  const all: Record<string, string> = {
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.bind-host': '127.0.0.1',
    'jobmanager.rpc.port': String(ports.rpc),
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.host': '127.0.0.1',
    'rest.address': '127.0.0.1',
    'rest.bind-address': '127.0.0.1',
    'rest.port': String(ports.rest),
    'rest.bind-port': String(ports.rest),
    'blob.server.port': String(ports.blob),
    'taskmanager.numberOfTaskSlots': String(slots),
    // A TaskManager started by its class has no script to work these out, so all of them are fixed.
    'taskmanager.cpu.cores': '1.0',
    'taskmanager.memory.framework.heap.size': '64m',
    'taskmanager.memory.task.heap.size': '96m',
    'taskmanager.memory.framework.off-heap.size': '48m',
    'taskmanager.memory.task.off-heap.size': '0m',
    'taskmanager.memory.network.min': '16m',
    'taskmanager.memory.network.max': '16m',
    'taskmanager.memory.managed.size': '16m',
    'taskmanager.memory.jvm-metaspace.size': '160m',
    'taskmanager.memory.jvm-overhead.min': '48m',
    'taskmanager.memory.jvm-overhead.max': '48m',
    'web.upload.dir': layout.upload,
    'io.tmp.dirs': layout.tmp,
    'execution.checkpointing.dir': `file://${layout.checkpoints}`,
    'execution.checkpointing.savepoint-dir': `file://${layout.savepoints}`,
    'execution.checkpointing.interval': '10 s',
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'execution.checkpointing.num-retained': '3',
    // A dead TaskManager is noticed in seconds instead of a minute.
    'heartbeat.interval': '2000',
    'heartbeat.timeout': '10000',
    'web.refresh-interval': '250',
    'metrics.fetcher.update-interval': '1000',
    'env.java.opts.all': opens,
    ...conf,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  await writeFile(join(layout.conf, 'config.yaml'), `${lines.join('\n')}\n`);
  await writeFile(join(layout.conf, 'log4j.properties'), log4j);
}

const log4j = `monitorInterval=0
rootLogger.level=INFO
rootLogger.appenderRef.file.ref=F
appender.file.name=F
appender.file.type=File
appender.file.append=true
appender.file.fileName=\${sys:log.file}
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c{1.} [] - %m%n
logger.netty.name=org.jboss.netty.channel.DefaultChannelPipeline
logger.netty.level=OFF
`;

/** The `--add-opens` flags that this release needs on Java 17, as its own conf file lists them; empty if it lists none. */
export async function javaOpens(home: string): Promise<string> {
  for (const name of ['config.yaml', 'flink-conf.yaml']) {
    const text = await readFile(join(home, 'conf', name), 'utf8').catch(() => '');
    const match = /^\s*(?:env\.java\.opts\.)?all:\s*(--add-.*?)\s*$/m.exec(text);
    if (match?.[1]) return match[1];
  }
  return '';
}

const mainClass: Record<Role, string> = {
  jobmanager: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
  taskmanager: 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
};
const heap: Record<Role, readonly string[]> = {
  jobmanager: ['-Xms64m', '-Xmx192m', '-XX:MaxMetaspaceSize=192m', '-XX:MaxDirectMemorySize=64m'],
  taskmanager: ['-Xms64m', '-Xmx160m', '-XX:MaxMetaspaceSize=160m', '-XX:MaxDirectMemorySize=64m'],
};
/** Serial collector and first-level compiler only: less memory and a faster start on a small machine. */
const lean =
  '-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+IgnoreUnrecognizedVMOptions -Xss512k -XX:ReservedCodeCacheSize=64m -XX:-UsePerfData'.split(
    ' ',
  );

/** Arguments of `java` for one process of the cluster. */
export async function javaArgs(
  role: Role,
  home: string,
  layout: ClusterLayout,
  logFile: string,
  opens: string,
  properties: Record<string, string>,
): Promise<string[]> {
  const jars = (await readdir(join(home, 'lib'))).filter((name) => name.endsWith('.jar') && !name.startsWith('flink-scala_'));
  return [
    ...heap[role],
    ...lean,
    ...opens.split(' ').filter(Boolean),
    `-Dlog.file=${logFile}`,
    `-Dlog4j.configurationFile=file:${join(layout.conf, 'log4j.properties')}`,
    '-cp',
    jars.map((name) => join(home, 'lib', name)).join(':'),
    mainClass[role],
    '--configDir',
    layout.conf,
    ...Object.entries(properties).flatMap(([key, value]) => ['-D', `${key}=${value}`]),
  ];
}

/** What the processes read from their environment to find the release's other folders. */
export function clusterEnv(home: string, layout: ClusterLayout): Record<string, string> {
  return {
    FLINK_CONF_DIR: layout.conf,
    FLINK_LIB_DIR: join(home, 'lib'),
    FLINK_PLUGINS_DIR: join(home, 'plugins'),
    FLINK_OPT_DIR: join(home, 'opt'),
  };
}
