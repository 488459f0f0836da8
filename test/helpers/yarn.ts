import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { http } from '../../src/core/http.ts';
import { type Daemon, processStartTime, run, startDaemon } from '../../src/core/process.ts';
import { javaOpens } from '../../src/flink/cluster-config.ts';
import { killNoted, notePid } from '../../src/flink/cluster-pids.ts';
import { testDistribution, until } from './flink.ts';
import { testHadoop } from './hadoop.ts';
import { processesNaming } from './processes.ts';

export interface TestYarn {
  /** The ResourceManager. */
  url: string;
  dir: string;
  home: string;
  sessionHome: string;
  /** Runs Flink's command line: `run-application …`, `run …`. Rejects when it fails. */
  flink(...args: string[]): Promise<string>;
  /** Runs the command line of sessions. */
  session(...args: string[]): Promise<string>;
  /** `yarn application -kill`. */
  kill(application: string): Promise<void>;
  /** Kills the process of an application's ApplicationMaster. */
  killMaster(application: string): Promise<void>;
  stopResourceManager(): Promise<void>;
  startResourceManager(): Promise<void>;
  /** Ends every application, the daemons and what is left of their containers, by their ids. */
  stop(): Promise<void>;
}

/** The least memory that starts, everything on loopback. */
const small = {
  'jobmanager.memory.process.size': '512m',
  'jobmanager.memory.jvm-metaspace.size': '96m',
  'jobmanager.memory.off-heap.size': '64m',
  'jobmanager.memory.jvm-overhead.min': '64m',
  'jobmanager.memory.jvm-overhead.max': '64m',
  'taskmanager.memory.process.size': '512m',
  'taskmanager.memory.jvm-metaspace.size': '96m',
  'taskmanager.memory.jvm-overhead.min': '64m',
  'taskmanager.memory.jvm-overhead.max': '64m',
  'taskmanager.memory.framework.heap.size': '64m',
  'taskmanager.memory.framework.off-heap.size': '64m',
  'taskmanager.memory.managed.size': '0',
  'taskmanager.memory.network.min': '32m',
  'taskmanager.memory.network.max': '32m',
  'taskmanager.cpu.cores': '1',
  'env.java.opts.jobmanager': '-XX:+UseSerialGC -XX:TieredStopAtLevel=1',
  'env.java.opts.taskmanager': '-XX:+UseSerialGC -XX:TieredStopAtLevel=1',
  'rest.bind-address': '127.0.0.1',
  'jobmanager.bind-host': '127.0.0.1',
  'taskmanager.bind-host': '127.0.0.1',
  'execution.checkpointing.interval': '1s',
  'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
  'restart-strategy.type': 'none',
};
const javaOptions = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Djava.net.preferIPv4Stack=true',
  ...['java.lang', 'java.util', 'java.io'].map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
];
const daemons = {
  rm: 'org.apache.hadoop.yarn.server.resourcemanager.ResourceManager',
  nm: 'org.apache.hadoop.yarn.server.nodemanager.NodeManager',
};

/** A real YARN of one ResourceManager and one NodeManager, and Flink's command lines for it. `stop()` it. @param sessionVersion Flink release of its sessions. */
export async function startTestYarn(version: string, sessionVersion: string): Promise<TestYarn> {
  const [{ home }, { home: sessionHome }] = [await testDistribution(version), await testDistribution(sessionVersion)];
  const hadoop = await testHadoop();
  const dir = await mkdtemp(join(tmpdir(), 'sluice-yarn-'));
  const at = (name: string) => join(dir, name);
  for (const name of ['conf', 'log', 'pids', 'lib', 'session-lib', 'plugins', 'checkpoints']) await mkdir(at(name));
  const ports = await freePorts(8);
  const url = `http://127.0.0.1:${ports[0]}`;
  await writeHadoopConf(dir, hadoop.client, ports);
  // Each application is shipped its own copy: only what it needs.
  for (const [from, to] of [[home, at('lib')] as const, [sessionHome, at('session-lib')] as const])
    for (const jar of await readdir(join(from, 'lib')))
      if (/^(flink-dist|log4j)/.test(jar)) await symlink(join(from, 'lib', jar), join(to, jar));
  const flinkConf = {
    ...small,
    'env.java.opts.all': await javaOpens(home),
    'execution.checkpointing.dir': `file://${at('checkpoints')}`,
    'yarn.staging-directory': `file://${at('staging')}`,
    'yarn.properties-file.location': at('conf'),
  };
  await writeFile(
    join(at('conf'), 'config.yaml'),
    Object.entries(flinkConf)
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
      .join(''),
  );
  await writeFile(
    join(at('conf'), 'log4j.properties'),
    `rootLogger.level = INFO\nrootLogger.appenderRef.file.ref = F\nappender.file.name = F\nappender.file.type = File\nappender.file.fileName = $\{sys:log.file}\nappender.file.layout.type = PatternLayout\nappender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %c [%t] - %m%n\n`,
  );
  await writeFile(
    join(at('conf'), 'log4j-cli.properties'),
    'rootLogger.level = INFO\nrootLogger.appenderRef.console.ref = C\nappender.console.name = C\nappender.console.type = Console\nappender.console.layout.type = PatternLayout\nappender.console.layout.pattern = %p %c{1} - %m%n\n',
  );
  const env = { HADOOP_CONF_DIR: at('conf'), YARN_CONF_DIR: at('conf'), FLINK_CONF_DIR: at('conf'), JAVA_HOME: await javaHome() };
  const running = new Map<keyof typeof daemons, Daemon>();
  const watchdog = await startWatchdog(at('pids'), at('log'));

  async function start(name: keyof typeof daemons): Promise<void> {
    const paths = ['-cp', `${at('conf')}:${hadoop.server}/*`];
    const folders = [`-Dhadoop.log.dir=${at('log')}`, `-Dhadoop.home.dir=${dir}`];
    const daemon = await startDaemon('java', [...javaOptions, ...folders, ...paths, daemons[name]], {
      cwd: dir,
      env,
      logFile: join(at('log'), `${name}.log`),
    });
    running.set(name, daemon);
    await notePid(at('pids'), name, daemon);
  }
  const isReady = async () => /"activeNodes":1/.test((await http(`${url}/ws/v1/cluster/metrics`, { timeoutMs: 2000 })).body);
  const cli = [`-Dlog4j.configurationFile=file:${join(at('conf'), 'log4j-cli.properties')}`, ...(await javaOpens(home)).split(' ')];
  const java = (from: string, lib: string, className: string, args: readonly string[]) =>
    command([...javaOptions, ...cli, '-cp', `${from}/lib/*:${hadoop.client}/*:${at('conf')}`, className, ...args], {
      ...env,
      FLINK_LIB_DIR: at(lib),
      FLINK_PLUGINS_DIR: at('plugins'),
      FLINK_OPT_DIR: at('plugins'),
    });
  async function kill(application: string): Promise<void> {
    await http(`${url}/ws/v1/cluster/apps/${application}/state?user.name=${userInfo().username}`, {
      method: 'PUT',
      json: { state: 'KILLED' },
    });
  }
  async function noteContainers(): Promise<void> {
    for (const pid of (await processesNaming(dir)).keys()) {
      const startTime = await processStartTime(pid);
      if (startTime) await notePid(at('pids'), `container-${pid}`, { pid, startTime });
    }
  }
  async function stop(): Promise<void> {
    await noteContainers();
    await Promise.all([...running.values()].map((daemon) => daemon.stop('SIGKILL')));
    await watchdog.stop('SIGKILL');
    await killNoted(at('pids'));
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
  try {
    await Promise.all([start('rm'), start('nm')]);
    await until('a YARN with one node', isReady, 180_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    dir,
    home,
    sessionHome,
    async flink(...args) {
      const said = await java(home, 'lib', 'org.apache.flink.client.cli.CliFrontend', args);
      await noteContainers();
      return said;
    },
    async session(...args) {
      const said = await java(sessionHome, 'session-lib', 'org.apache.flink.yarn.cli.FlinkYarnSessionCli', args);
      await noteContainers();
      return said;
    },
    kill,
    async killMaster(application) {
      const master = [...(await processesNaming(application))].filter(
        ([, line]) => /ClusterEntry[Pp]oint/.test(line) && !/^\S*bash /.test(line),
      );
      for (const [pid] of master) process.kill(pid, 'SIGKILL');
      if (master.length !== 1) throw new Error(`${application} has ${master.length} ApplicationMasters`);
    },
    async stopResourceManager() {
      await running.get('rm')?.stop('SIGKILL');
    },
    startResourceManager: () => start('rm'),
    stop,
  };
}

async function command(args: readonly string[], env: Record<string, string>): Promise<string> {
  const ended = await run('java', args, { env, timeoutMs: 240_000 });
  if (ended.code !== 0) throw new Error(`java ended with ${ended.code}:\n${ended.tail.slice(-30).join('\n')}`);
  return ended.stdout;
}
async function javaHome(): Promise<string> {
  const said = await run('java', ['-XshowSettings:properties', '-version'], { timeoutMs: 30_000 });
  return /java\.home = (\S+)/.exec(said.tail.join('\n'))?.[1] ?? '';
}
function startWatchdog(pids: string, log: string): Promise<Daemon> {
  const script = fileURLToPath(new URL('../../src/flink/cluster-watchdog.ts', import.meta.url));
  return processStartTime(process.pid).then((since) =>
    startDaemon(process.execPath, ['--max-old-space-size=32', script, pids, String(process.pid), since ?? ''], {
      logFile: join(log, 'watchdog.out'),
    }),
  );
}
/** Free loopback ports, all held until all are known. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer().once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

async function writeHadoopConf(dir: string, client: string, ports: readonly number[]): Promise<void> {
  const conf = join(dir, 'conf');
  const rm = 'yarn.resourcemanager';
  const nm = 'yarn.nodemanager';
  const host = (n: number) => `127.0.0.1:${ports[n]}`;
  const queue = 'yarn.scheduler.capacity.root';
  const files: Record<string, Record<string, string>> = {
    'core-site': { 'fs.defaultFS': 'file:///', 'hadoop.tmp.dir': join(dir, 'tmp') },
    'yarn-site': {
      [`${rm}.hostname`]: '127.0.0.1',
      [`${rm}.webapp.address`]: host(0),
      [`${rm}.address`]: host(1),
      [`${rm}.scheduler.address`]: host(2),
      [`${rm}.resource-tracker.address`]: host(3),
      [`${rm}.admin.address`]: host(4),
      [`${rm}.recovery.enabled`]: 'true',
      [`${rm}.store.class`]: 'org.apache.hadoop.yarn.server.resourcemanager.recovery.FileSystemRMStateStore',
      [`${rm}.fs.state-store.uri`]: `file://${join(dir, 'rm-store')}`,
      [`${rm}.work-preserving-recovery.scheduling-wait-ms`]: '500',
      [`${rm}.am.max-attempts`]: '4',
      // What loses its ResourceManager for good ends soon.
      [`${rm}.connect.retry-interval.ms`]: '500',
      [`${rm}.connect.max-wait.ms`]: '90000',
      [`${rm}.nodemanagers.heartbeat-interval-ms`]: '100',
      'yarn.scheduler.minimum-allocation-mb': '64',
      'yarn.scheduler.maximum-allocation-mb': '2048',
      [`${nm}.hostname`]: '127.0.0.1',
      [`${nm}.webapp.address`]: host(5),
      [`${nm}.address`]: host(6),
      [`${nm}.localizer.address`]: host(7),
      [`${nm}.resource.memory-mb`]: '4096',
      [`${nm}.resource.cpu-vcores`]: '16',
      [`${nm}.vmem-check-enabled`]: 'false',
      [`${nm}.pmem-check-enabled`]: 'false',
      [`${nm}.disk-health-checker.enable`]: 'false',
      [`${nm}.local-dirs`]: join(dir, 'nm-local'),
      [`${nm}.log-dirs`]: join(dir, 'nm-logs'),
      [`${nm}.sleep-delay-before-sigkill.ms`]: '500',
      [`${nm}.env-whitelist`]: 'JAVA_HOME,HADOOP_CONF_DIR,PATH,LANG',
      [`${nm}.aux-services`]: '',
      'yarn.application.classpath': `${conf},${client}/*`,
    },
    'capacity-scheduler': {
      [`${queue}.queues`]: 'default',
      [`${queue}.default.capacity`]: '100',
      [`${queue}.default.user-limit-factor`]: '10',
      'yarn.scheduler.capacity.maximum-am-resource-percent': '1',
    },
  };
  for (const [name, values] of Object.entries(files)) {
    const lines = Object.entries(values).map(([key, value]) => `<property><name>${key}</name><value>${value}</value></property>\n`);
    await writeFile(join(conf, `${name}.xml`), `<?xml version="1.0"?><configuration>\n${lines.join('')}</configuration>\n`);
  }
}
