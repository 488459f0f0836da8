import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/core/process.ts';
import { withFileLock } from '../../src/flink/file-lock.ts';

const release = '3.4.3';
export interface Hadoop {
  /** Folder with the jars of the daemons: unshaded, because the shaded ones answer with other JSON. */
  server: string;
  /** Folder with the jars that Flink and its containers need. */
  client: string;
}
const artifacts = {
  server: ['hadoop-yarn-server-resourcemanager', 'hadoop-yarn-server-nodemanager', 'hadoop-yarn-server-timelineservice', 'hadoop-common'],
  client: ['hadoop-client-api', 'hadoop-client-runtime'],
};

/** Hadoop's jars, fetched once by Maven into the cache that all test runs of this user share (SLUICE_HADOOP_CACHE moves it). */
export async function testHadoop(): Promise<Hadoop> {
  const cache = process.env['SLUICE_HADOOP_CACHE'] ?? join(homedir(), '.cache', 'sluice', 'hadoop');
  await mkdir(cache, { recursive: true });
  const folder = (which: keyof typeof artifacts) => fetchJars(cache, `${which}-${release}`, artifacts[which]);
  const [server, client] = [await folder('server'), await folder('client')];
  return { server, client };
}

async function fetchJars(cache: string, name: string, names: readonly string[]): Promise<string> {
  const target = join(cache, name);
  const isThere = () =>
    stat(target).then(
      () => true,
      () => false,
    );
  if (await isThere()) return target;
  return withFileLock(
    `${target}.lock`,
    () => {},
    async () => {
      if (await isThere()) return target;
      const work = await mkdtemp(join(cache, 'fetch-'));
      try {
        const dependencies = names.map(
          (one) =>
            `<dependency><groupId>org.apache.hadoop</groupId><artifactId>${one}</artifactId><version>${release}</version></dependency>`,
        );
        await writeFile(
          join(work, 'pom.xml'),
          `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>test</groupId><artifactId>${name}</artifactId><version>1</version><packaging>pom</packaging><dependencies>${dependencies.join('')}</dependencies></project>`,
        );
        const args = ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${join(work, 'jars')}`];
        const ended = await run('mvn', args, { cwd: work, timeoutMs: 10 * 60_000 });
        if (ended.code !== 0) throw new Error(`Maven did not fetch Hadoop:\n${ended.tail.join('\n')}`);
        // Flink brings its own.
        for (const jar of await readdir(join(work, 'jars')))
          if (name.startsWith('client') && /^(slf4j-api|snappy-java)-/.test(jar)) await rm(join(work, 'jars', jar));
        await rename(join(work, 'jars'), target);
        return target;
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    },
  );
}
