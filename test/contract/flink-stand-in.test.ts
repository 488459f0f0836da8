import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { createFlinkClient } from '../../src/flink/client.ts';
import { type AnswerName, answerNames } from '../faults/flink/answers.ts';
import { askEverything } from '../faults/flink/contract-script.ts';
import { differences, shapeOf } from '../faults/flink/contract-shape.ts';
import type { Told } from '../faults/flink/contract-talk.ts';
import { startFlinkStandIn } from '../faults/flink/stand-in.ts';
import { flinkVersionsForTests, startTestCluster } from '../helpers/flink.ts';
import { compileJob } from '../helpers/flink-job.ts';

/** Answers that a release never gives, and why; the stand-in must not give them either. */
const neverGiven: Record<Version, Partial<Record<AnswerName, string>>> = {
  '1.20.5': { 'savepoint failed: declined': 'of two stops at once 1.20 breaks off both in the same words' },
  '2.3.0': {},
};

/** Answers that Flink gives or does not give by its own timing: then it gives the other one, and that is compared. */
const races: Record<Version, Partial<Record<AnswerName, { instead: AnswerName; why: string }>>> = {
  '1.20.5': {},
  '2.3.0': {
    'savepoint failed: declined': {
      instead: 'savepoint failed: broken off',
      why: 'the second of two stops is declined by a task, unless the coordinator suspends before it hears of that',
    },
  },
};

type Version = (typeof flinkVersionsForTests)[number];
interface Both {
  dir: string;
  real: Told;
  played: Told;
  /** What the stand-in gave, by its own count. */
  given: AnswerName[];
}

/** The same script on a real cluster and on the stand-in. */
async function askBoth(version: Version): Promise<Both> {
  const is2 = version === '2.3.0';
  const dir = await mkdtemp(join(tmpdir(), 'sluice-contract-'));
  const closing: (() => Promise<unknown>)[] = [() => rm(dir, { recursive: true, force: true, maxRetries: 3 })];
  try {
    const flink = await startTestCluster(version, { dir: join(dir, 'real') });
    closing.push(() => flink.stop());
    const { cluster } = flink;
    const playedDir = join(dir, 'played');
    const standIn = await startFlinkStandIn({ version, dir: playedDir, slots: 4, restarts: false, timing: { refreshMs: 0 } });
    closing.push(() => standIn.close());
    const client = createFlinkClient({ url: standIn.url });
    closing.push(() => client.close());
    const jar = await compileJob({ home: flink.home, outDir: join(dir, 'job') });
    const [real, played] = await Promise.all([
      askEverything({
        is2,
        url: flink.url,
        client: flink.client,
        dir: flink.dir,
        jar,
        freeze: () => cluster.kill('jobmanager', 0, 'SIGSTOP'),
        thaw: () => cluster.kill('jobmanager', 0, 'SIGCONT'),
        async restart() {
          await cluster.kill('jobmanager');
          await cluster.restart('jobmanager');
          await cluster.waitReady();
        },
      }),
      askEverything({
        is2,
        url: standIn.url,
        client,
        dir: playedDir,
        jar,
        freeze: async () => standIn.freeze(),
        thaw: async () => standIn.thaw(),
        restart: () => standIn.restartJobManager(),
      }),
    ]);
    return { dir, real, played, given: [...standIn.answers.keys()] };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

describe('the stand-in answers as a real Flink', () => {
  let both: Map<Version, Both>;
  before(async () => {
    both = new Map(await Promise.all(flinkVersionsForTests.map(async (version) => [version, await askBoth(version)] as const)));
  });

  for (const version of flinkVersionsForTests) {
    test(`${version}: each of its answers was given, under the name that the script has for it, and no other`, () => {
      const { played, given } = both.get(version) as Both;
      const asked = new Set(played.answers.map((one) => one.name));
      const never = neverGiven[version];
      assert.deepEqual(
        answerNames.filter((name) => !asked.has(name) && !(name in never)),
        [],
        'no request of the script makes these',
      );
      assert.deepEqual(
        given.filter((name) => name in never || !asked.has(name)),
        [],
        'given, although the release never does or the script does not ask for it',
      );
      assert.deepEqual(
        [...asked].filter((name) => !given.includes(name)),
        [],
        'the stand-in gave another answer than the script says',
      );
    });

    test(`${version}: the same request has the same status and the same shape, and refusals mean the same`, () => {
      const { played, real, dir } = both.get(version) as Both;
      const nameOf = ({ name }: { name: AnswerName }) => races[version][name]?.instead ?? name;
      assert.deepEqual(played.answers.map(nameOf), real.answers.map(nameOf));
      const problems = real.answers.flatMap(({ name, raw }, index) => {
        // Where Flink's own timing decided otherwise, its answer is held against the other one that the stand-in has.
        const ours = played.answers[index]?.name === name ? played.answers[index] : played.answers.find((one) => one.name === name);
        const found = differences(ours && shapeOf(ours.raw, join(dir, 'played')), shapeOf(raw, join(dir, 'real')));
        return found.length === 0 ? [] : [`${index} ${name}:\n${found.join('\n')}\n${raw.text.slice(0, 500)}`];
      });
      assert.equal(problems.length, 0, problems.join('\n\n'));
    });

    test(`${version}: what odd requests come to is the same`, () => {
      const { played, real } = both.get(version) as Both;
      assert.deepEqual(played.facts, real.facts);
    });
  }
});
