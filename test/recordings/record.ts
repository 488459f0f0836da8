/**
 * Records what real clusters answer while things happen to them: `node test/recordings/record.ts --flink 1.20.5 [--scene tm-killed]`.
 * Writes test/recordings/RELEASE/SCENE.json; a scene takes one to three minutes.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { newFlinkId } from '../../src/core/ids.ts';
import { sleep } from '../../src/core/time.ts';
import type { Deployer } from '../../src/deploy/deployer.ts';
import { standalone } from '../../src/deploy/kinds/standalone.ts';
import { startTestCluster, type TestCluster, until, untilRunning } from '../helpers/flink.ts';
import { compileJob, demoProjectDir, ordersJob } from '../helpers/flink-job.ts';
import {
  type Frame,
  keep,
  nameCheckpoints,
  type RecordedMethod,
  type Recording,
  recordedMethods,
  recordingPath,
  writeRecording,
} from './recording.ts';
import { type Scene, scenes } from './scenes.ts';

const calmMs = 6000;

/** Asks all that a poll may ask, each second, until told to stop. */
async function watch(deployer: Deployer, recording: Recording, startMs: number, signal: AbortSignal): Promise<void> {
  const last: Partial<Record<RecordedMethod, string>> = {};
  while (!signal.aborted) {
    const began = Date.now();
    const changed: Frame['changed'] = {};
    for (const method of recordedMethods) {
      const ask = deployer[method] as (...args: unknown[]) => Promise<unknown>;
      const args =
        ask.length > 1 || ['look', 'checkpoints', 'checkpointInterval', 'rootCause'].includes(method) ? [recording.flinkJobId] : [];
      const answer = await ask(...args, { timeoutMs: 4000 }).catch((error: unknown) => error);
      const kept = nameCheckpoints(keep(answer, startMs), recording.checkpoints);
      if (JSON.stringify(kept) !== last[method]) changed[method] = kept;
      last[method] = JSON.stringify(kept);
      // Without an answer to the first question a poll asks no other.
      if (method === 'listRuns' && (kept as { threw?: string }).threw) break;
    }
    if (Object.keys(changed).length > 0) recording.frames.push({ ms: began - startMs, changed });
    await sleep(Math.max(0, began + 1000 - Date.now()), signal).catch(() => {});
  }
}

async function record(version: string, scene: Scene): Promise<Recording> {
  const flink = await startTestCluster(version, {
    ...scene.cluster,
    conf: {
      'execution.checkpointing.interval': '4 s',
      // As Flink has it: answers up to three seconds old.
      'web.refresh-interval': '3000',
      ...scene.cluster?.conf,
    },
  });
  try {
    return clean(await play(flink, version, scene), flink);
  } finally {
    await flink.stop();
  }
}
async function play(flink: TestCluster, version: string, scene: Scene): Promise<Recording> {
  const jar = await compileJob({
    home: flink.home,
    outDir: join(flink.dir, 'job'),
    sources: [join(demoProjectDir, 'src/main/java'), join(import.meta.dirname, 'SlowSinkJob.java')],
  });
  const troubleFile = join(flink.dir, 'trouble');
  const flinkJobId = newFlinkId();
  await flink.client.runJar({
    jarId: (await flink.client.uploadJar(jar)).jarId,
    jobId: flinkJobId,
    entryClass: scene.entryClass ?? ordersJob,
    programArgs: scene.args?.(troubleFile) ?? [],
    parallelism: scene.parallelism ?? 1,
  });
  await untilRunning(flink.client, flinkJobId);
  await until('two checkpoints', async () => (await flink.client.checkpoints(flinkJobId)).counts.completed > 1);
  const startMs = Date.now();
  const recording: Recording = {
    flink: version,
    scene: scene.name,
    recorded: new Date().toISOString().slice(0, 10),
    about: scene.about,
    flinkJobId,
    marks: [],
    checkpoints: {},
    frames: [],
  };
  const deployer = standalone.open({ name: 'standalone', url: flink.url, webUrl: null, options: {} });
  const over = new AbortController();
  const watching = watch(deployer, recording, startMs, over.signal);
  try {
    await sleep(calmMs);
    const mark = (what: string) => {
      recording.marks.push({ ms: Date.now() - startMs, what });
      console.log(`  ${what}`);
    };
    await scene.act({ flink, flinkJobId, troubleFile, mark });
  } finally {
    over.abort();
    await watching;
    await deployer.close();
  }
  return recording;
}
/** Without the places of the machine on which it was made. */
function clean(recording: Recording, flink: TestCluster): Recording {
  const text = JSON.stringify(recording)
    .replaceAll(flink.dir, '/data')
    .replaceAll(flink.url, 'http://flink:8081')
    .replaceAll(new URL(flink.url).host, 'flink:8081')
    .replaceAll(`${tmpdir()}/`, '/');
  return JSON.parse(text) as Recording;
}

const { values } = parseArgs({ options: { flink: { type: 'string' }, scene: { type: 'string' } } });
if (!values.flink) throw new Error('Which release? --flink 1.20.5');
for (const scene of scenes.filter((one) => values.scene === undefined || one.name === values.scene)) {
  console.log(`${scene.name} on Flink ${values.flink}`);
  const recording = await record(values.flink, scene);
  const path = recordingPath(values.flink, scene.name);
  const text = writeRecording(recording);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  console.log(`  ${recording.frames.length} frames, ${Math.round(text.length / 1024)} KB`);
}
