/**
 * Records what real clusters answer while things happen to them: `node test/recordings/record.ts --flink 1.20.5 [--scene tm-killed]`.
 * Writes test/recordings/RELEASE/SCENE.json; a scene takes one to five minutes.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { newFlinkId } from '../../src/core/ids.ts';
import { sleep } from '../../src/core/time.ts';
import type { Deployer, FlowVertex } from '../../src/deploy/deployer.ts';
import { standalone } from '../../src/deploy/kinds/standalone.ts';
import { startTestCluster, type TestCluster, until, untilRunning } from '../helpers/flink.ts';
import { compileJob, demoProjectDir, ordersJob } from '../helpers/flink-job.ts';
import {
  type Frame,
  keep,
  methodsOfRun,
  nameCheckpoints,
  type RecordedKey,
  type Recording,
  recordedMethods,
  recordingPath,
  writeRecording,
} from './recording.ts';
import { type Scene, scenes } from './scenes.ts';

const calmMs = 6000;

/** Between two looks at what goes through the vertices. */
const flowEveryMs = 2000;
const callOptions = { timeoutMs: 4000 };

/** Asks all that a poll may ask, each second, until told to stop; of a scene about data also what went through the vertices. */
async function watch(deployer: Deployer, recording: Recording, startMs: number, withFlow: boolean, signal: AbortSignal): Promise<void> {
  const last: Partial<Record<RecordedKey, string>> = {};
  let flowAt = 0;
  while (!signal.aborted) {
    const began = Date.now();
    const changed: Frame['changed'] = {};
    let silent = false;
    const ask = async (key: RecordedKey, asked: Promise<unknown>, run = ''): Promise<unknown> => {
      const answer = await asked.catch((error: unknown) => error);
      const kept = nameCheckpoints(keep(answer, startMs), recording.checkpoints, run);
      if (JSON.stringify(kept) !== last[key]) changed[key] = kept;
      last[key] = JSON.stringify(kept);
      silent ||= (kept as { threw?: string } | null)?.threw === 'unreachable';
      return (kept as { threw?: string } | null)?.threw ? undefined : answer;
    };
    for (const method of recordedMethods) {
      const call = deployer[method] as (...args: unknown[]) => Promise<unknown>;
      await ask(method, methodsOfRun.has(method) ? call(recording.flinkJobId, callOptions) : call(callOptions));
      // A poll that gets no answer asks nothing more; the next one begins with the list.
      if (silent) break;
      if (methodsOfRun.has(method))
        for (const [i, id] of (recording.laterRuns ?? []).entries()) await ask(`${method} ${id}`, call(id, callOptions), `${i + 2}-`);
    }
    if (withFlow && began - flowAt >= flowEveryMs) {
      flowAt = began;
      const vertices = (await ask('vertices', deployer.vertices(recording.flinkJobId, callOptions))) as FlowVertex[] | undefined;
      for (const vertex of vertices ?? []) await ask(`flow ${vertex.id}`, deployer.flow(recording.flinkJobId, vertex, callOptions));
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
      // Flink's own 10 s would make the scenes about data three times as long.
      'metrics.fetcher.update-interval': '3000',
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
    sources: [
      join(demoProjectDir, 'src/main/java'),
      ...['SlowSinkJob', 'PausingSourceJob', 'GrowingStateJob'].map((name) => join(import.meta.dirname, `${name}.java`)),
    ],
  });
  const troubleFile = join(flink.dir, 'trouble');
  const { jarId } = await flink.client.uploadJar(jar);
  const submit = async () => {
    const jobId = newFlinkId();
    await flink.client.runJar({
      jarId,
      jobId,
      entryClass: scene.entryClass ?? ordersJob,
      programArgs: scene.args?.(troubleFile) ?? [],
      parallelism: scene.parallelism ?? 1,
    });
    return jobId;
  };
  const flinkJobId = await submit();
  await untilRunning(flink.client, flinkJobId);
  await until('two checkpoints', async () => (await flink.client.checkpoints(flinkJobId)).counts.completed > 1);
  const startMs = Date.now();
  const recording: Recording = {
    flink: version,
    scene: scene.name,
    recorded: new Date().toISOString().slice(0, 10),
    about: scene.about,
    flinkJobId,
    ...(scene.observed ? { observed: true as const } : {}),
    ...(scene.slowedBy ? { slowedBy: scene.slowedBy } : {}),
    marks: [],
    checkpoints: {},
    frames: [],
  };
  const deployer = standalone.open({ name: 'standalone', url: flink.url, webUrl: null, options: {} });
  const over = new AbortController();
  const watching = watch(deployer, recording, startMs, scene.withFlow ?? false, over.signal);
  try {
    await sleep(calmMs);
    const mark = (what: string) => {
      recording.marks.push({ ms: Date.now() - startMs, what });
      console.log(`  ${what}`);
    };
    const startAgain = async () => {
      const next = await submit();
      recording.laterRuns = [...(recording.laterRuns ?? []), next];
      mark('started again');
      await untilRunning(flink.client, next);
    };
    await scene.act({ flink, flinkJobId, troubleFile, mark, startAgain });
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
