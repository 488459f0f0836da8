import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standalone } from '../../src/deploy/kinds/standalone.ts';
import { atLeast, parseRelease } from '../../src/flink/release.ts';
import { type Answers, answeredReleases, readAnswers, replay } from './answers/answers.ts';
import { type Asked, type AskedRun, askAll } from './answers/ask.ts';

/** What an observer makes of what a release answered, and that it only asked. */
async function asked(answers: Answers, name: keyof Answers['moments']): Promise<Asked & { run(what: string): AskedRun }> {
  const moment = answers.moments[name];
  const server = await replay(moment);
  const deployer = standalone.open({ name: 'old', url: server.url, webUrl: null, options: {}, observed: true });
  try {
    const all = await askAll(deployer);
    assert.deepEqual(
      server.asked.filter((line) => !line.startsWith('GET ')),
      [],
    );
    return { ...all, run: (what) => all.runs.get(moment.jobs[what] ?? '') ?? assert.fail(`no ${what}`) };
  } finally {
    await deployer.close();
    server.close();
  }
}
const ends = ({ sight }: AskedRun) => sight.is === 'seen' && [sight.state, sight.ended, sight.allRunning, sight.tasksTotal];

for (const release of answeredReleases) {
  const since = (minor: number) => atLeast(parseRelease(release), 1, minor);

  test(`Flink ${release}: jobs are seen with their tasks, checkpoints, flow and ends`, async () => {
    const answers = await readAnswers(release);
    const { jobs } = answers.moments.usual;
    const it = await asked(answers, 'usual');
    assert.deepEqual(it.facts, { flinkVersion: release, slotsTotal: 6, slotsAvailable: 5, taskManagers: 1, jobsRunning: 1 });
    assert.deepEqual(
      Object.entries(jobs).map(([what, id]) => [what, it.states.get(id), it.run(what).state]),
      [
        ['stopped', 'FINISHED', 'FINISHED'],
        ['restored', 'RUNNING', 'RUNNING'],
        ['failed', 'FAILED', 'FAILED'],
        ['canceled', 'CANCELED', 'CANCELED'],
      ],
    );
    assert.deepEqual(ends(it.run('stopped')), ['FINISHED', true, false, 2]);
    assert.deepEqual(ends(it.run('restored')), ['RUNNING', false, true, 2]);
    assert.deepEqual(ends(it.run('failed')), ['FAILED', true, false, 2]);
    assert.deepEqual(ends(it.run('canceled')), ['CANCELED', true, false, 2]);
    const { startedAt, ...listed } = it.overview.get(jobs['restored'] ?? '') ?? {};
    assert.deepEqual(listed, { state: 'RUNNING', tasksRunning: 2, tasksTotal: 2, name: 'Orders -> Lake (EU)' });
    assert.ok((startedAt ?? 0) > 1e12);

    // What it can go back to: the newest first, with where it lies, what it holds and how it was begun.
    const [savepoint, before] = it.run('stopped').checkpoints.completed;
    assert.deepEqual([savepoint?.isSavepoint, savepoint?.discarded, before?.isSavepoint], [true, false, false]);
    const restored = it.run('restored').checkpoints;
    assert.equal(restored.restored?.path, savepoint?.path);
    assert.match(savepoint?.path ?? '', /^file:\/flink\/cluster\/savepoints\/savepoint-/);
    for (const { checkpoints } of [it.run('restored'), it.run('canceled')]) {
      const [newest] = checkpoints.completed;
      assert.match(newest?.path ?? '', /\/chk-\d+$/);
      assert.ok(newest && !newest.discarded && newest.size! > 0 && newest.written! > 0 && newest.durationMs > 0);
      assert.equal(newest.unaligned, since(16) ? false : undefined);
    }
    assert.deepEqual([it.run('restored').intervalMs, restored.lastFailed], [1000, undefined]);

    const { cause } = it.run('failed');
    assert.deepEqual(
      [cause?.name, cause?.message, cause?.task],
      ['IllegalStateException', 'Planned failure after 100 orders', 'totals per customer -> Sink: totals out (1/1) - execution #0'],
    );
    assert.equal(it.run('restored').cause, undefined);

    const [source, sink] = it.run('restored').flows;
    assert.deepEqual([source?.vertex.running, source?.vertex.inputs, sink?.vertex.inputs], [true, [], [source?.vertex.id]]);
    assert.ok(source!.flow.in! > 0 && source!.flow.out! > 0 && sink!.flow.in! > 0, JSON.stringify([source, sink]));
    assert.deepEqual([source!.flow.backPressured, source!.flow.watermark], [0, undefined]);
    assert.ok(Math.abs(sink!.flow.watermark! - restored.completed[0]!.at) < 60_000);

    assert.deepEqual(
      it.logs.map(({ from }) => from.split(' ')[0]),
      ['JobManager', 'TaskManager'],
    );
    assert.ok(it.logs.every(({ text }) => text.includes(' INFO ')));
    assert.deepEqual([it.stranger, it.strangerState], [{ is: 'gone' }, undefined]);
  });

  test(`Flink ${release}: another JobManager, a job that waits for its restart, unaligned and failed checkpoints`, async () => {
    const answers = await readAnswers(release);
    const [before, it] = [await asked(answers, 'usual'), await asked(answers, 'unaligned')];
    const { jobs } = answers.moments.unaligned;
    // The next process is told from the one before, which knew of the lost job.
    assert.ok(before.jobManager && it.jobManager && before.jobManager !== it.jobManager);
    assert.deepEqual([it.keepsJobs, it.states.has(jobs['lost'] ?? '')], [false, false]);

    const restarting = it.run('restarting');
    assert.deepEqual(ends(restarting), ['RESTARTING', false, false, 2]);
    assert.deepEqual([restarting.cause?.name, restarting.cause?.message], ['IllegalStateException', 'Planned failure after 100 orders']);
    assert.match(restarting.cause?.task ?? '', /^totals per customer -> Sink: totals out \(1\/1\)/);
    assert.ok((restarting.cause?.at ?? 0) > 1e12);
    assert.deepEqual(
      restarting.flows.map(({ vertex, flow }) => [vertex.running, flow.in]),
      [
        [false, undefined],
        [false, undefined],
      ],
    );

    const declining = it.run('declining').checkpoints;
    assert.deepEqual([declining.completed, declining.failed.length > 0], [[], true]);
    assert.ok(declining.lastFailed?.message);

    // Older releases call every checkpoint CHECKPOINT, and tell of an incremental one only what was written.
    const [newest] = it.run('running').checkpoints.completed;
    assert.equal(newest?.unaligned, since(16) ? true : undefined);
    assert.equal(typeof newest?.size, since(15) ? 'number' : 'undefined');
    assert.ok((newest?.written ?? 0) > 0);
  });

  test(`Flink ${release}: checkpointing is off`, async () => {
    const it = await asked(await readAnswers(release), 'none');
    const run = it.run('without');
    assert.deepEqual(ends(run), ['RUNNING', false, true, 2]);
    assert.deepEqual([run.intervalMs, run.checkpoints], [0, { completed: [], failed: [], lastFailed: undefined, restored: undefined }]);
  });
}
