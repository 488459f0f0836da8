import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { flinkVersionsForTests } from '../helpers/flink.ts';
import { type Expected, expected } from './expected.ts';
import { type Heard, play, type Thresholds } from './play.ts';
import { type Recording, readRecording } from './recording.ts';
import { scenes } from './scenes.ts';

/** Of what waits for more than half a minute otherwise, so much as a scene of two minutes can show. */
const standard: Thresholds = {
  restartingForMs: 30_000,
  recoverableWithinMs: 30 * 60_000,
  noDataMs: 20_000,
  watermarkMs: 20_000,
  backpressureMs: 20_000,
};
/** A scene and a release, when this file is run by itself for one: mutants.test.ts does. */
const [onlyScene, onlyRelease] = process.argv.slice(2);

/** Holds a time against "so many seconds after what was done". */
function holdsWhen(recording: Recording, at: number | undefined, when: Exclude<Expected['told'] | Expected['over'], string>, what: string) {
  const [mark, from, to] = when;
  const done = recording.marks.find((one) => one.what === mark);
  assert.ok(done && at !== undefined, `${what}: never, or there is no mark "${mark}"`);
  const after = at - done.ms / 1000;
  assert.ok(after >= from && after <= to, `${what}: ${after.toFixed(1)} s after "${mark}", not ${from} to ${to} s`);
}
function holds(recording: Recording, heard: Heard, wanted: Expected): void {
  const { cause } = wanted;
  if (typeof wanted.told === 'string') assert.equal(heard.told, undefined, `${cause} is told to nobody`);
  else {
    holdsWhen(recording, heard.told, wanted.told, `${cause} told`);
    assert.ok(
      heard.links.some((url) => url.startsWith(`http://sluice.example/runbooks/${cause}?`)),
      'its runbook is linked',
    );
  }
  if (wanted.over === 'open') assert.equal(heard.over, undefined, `${cause} stays open`);
  else holdsWhen(recording, heard.over, wanted.over, `${cause} over`);
  if (wanted.tone) assert.equal(heard.tone, wanted.tone);
  for (const words of wanted.says ?? []) assert.match(heard.text, words);
  if (wanted.resolution) assert.match(heard.resolution ?? '', wanted.resolution);
}

describe('what people hear of what real clusters went through', () => {
  for (const { scene, with: thresholds, only, goesOn, heard: wanted } of expected)
    for (const release of only ? [only] : flinkVersionsForTests) {
      if ((onlyScene && onlyScene !== scene) || (onlyRelease && onlyRelease !== release)) continue;
      test(`${scene} on Flink ${release}${thresholds ? `, with ${JSON.stringify(thresholds)}` : ''}`, async (t) => {
        const recording = readRecording(release, scene);
        const heard = await play(t, recording, { ...standard, ...thresholds }, goesOn);
        assert.deepEqual(
          heard.map((one) => one.cause),
          wanted.map((one) => one.cause),
          JSON.stringify(heard),
        );
        for (const [i, one] of heard.entries()) holds(recording, one, wanted[i] as Expected);
      });
    }
});

test('every scene is recorded on every release, and every recording is played', () => {
  for (const release of flinkVersionsForTests) {
    const recorded = readdirSync(join(import.meta.dirname, release)).map((name) => name.replace(/\.json$/, ''));
    assert.deepEqual(recorded.sort(), scenes.map((scene) => scene.name).sort());
  }
  assert.deepEqual([...new Set(expected.map((one) => one.scene))].sort(), scenes.map((scene) => scene.name).sort());
});
