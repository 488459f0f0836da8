import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UpstreamError } from '../../src/core/errors.ts';
import { moveClock } from '../../src/db/clock.ts';
import { findRun, latestRun, untoldRuns } from '../../src/jobs/runs.store.ts';
import { execute } from '../../src/operations/execute.ts';
import { savepointChoices } from '../../src/operations/kinds/describe.ts';
import { restartKind } from '../../src/operations/kinds/restart.ts';
import { savepointKind } from '../../src/operations/kinds/savepoint.ts';
import { stopKind } from '../../src/operations/kinds/stop.ts';
import { holderOf, requestCancel } from '../../src/operations/operations.store.ts';
import { listRestorePoints } from '../../src/restore-points/restore-points.store.ts';
import { checkpoint, facts, gone, noAnswer, noCheckpoints, seen, unknown } from '../helpers/fake-deployer.ts';
import { createRig, lee, type Rig } from './rig.ts';

const path = 's3://lake/savepoints/savepoint-1';
const actionsOf = async (rig: Rig, op: Parameters<Rig['message']>[0]) =>
  (await rig.message(op)).parts.flatMap((part) => (part.kind === 'actions' ? part.actions : []));

describe('stop', () => {
  it('asks for one savepoint, proves the end, and keeps the path as the final restore point', async (t) => {
    const rig = await createRig(t);
    const run = await rig.run();
    rig.deployer
      .expect('look', seen(), seen(), seen({ state: 'FINISHED' }))
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'running' }, { is: 'done', path })
      .expect('checkpoints', noCheckpoints, { ...noCheckpoints, completed: [checkpoint(9)] })
      .expect('rootCause', undefined);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'succeeded', await rig.said(op));
    const ended = await findRun(rig.database.db, run.id);
    assert.deepEqual([ended?.ended, ended?.endReason, ended?.state], [true, 'stopped', 'FINISHED']);
    const [trigger, asked] = [rig.deployer.argsOf('triggerStop'), rig.deployer.argsOf('savepoint')];
    assert.deepEqual(trigger.slice(0, 3), [run.flinkJobId, asked[1], 's3://lake/savepoints']);
    assert.equal(typeof (trigger[3] as { beforeSend?: unknown }).beforeSend, 'function', 'the lease is looked at as it leaves');
    assert.match(String(trigger[1]), /^[0-9a-f]{32}$/);
    const points = await listRestorePoints(rig.database.db, 'etl-orders');
    assert.deepEqual(
      points.map((p) => [p.path, p.kind, p.final, p.operationId]),
      [[path, 'savepoint', true, op.id]],
      'Flink deletes the checkpoints of a job that finished',
    );
    assert.match(await rig.said(op), new RegExp(`^etl-orders stopped with savepoint\nPath: ${path}`));
  });

  it('whose savepoint failed leaves the run untouched and offers the choices', async (t) => {
    const rig = await createRig(t);
    const run = await rig.run();
    rig.deployer
      .expect('look', seen(), seen())
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'failed', reason: 'No space left on s3.', hint: 'Ask the storage team.', path: undefined })
      .expect('checkpoints', noCheckpoints);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'failed');
    assert.deepEqual(await findRun(rig.database.db, run.id), run);
    assert.deepEqual(await listRestorePoints(rig.database.db, 'etl-orders'), []);
    assert.match(
      await rig.said(op),
      /^etl-orders was not stopped: its savepoint failed\. It runs on\nNo space left on s3\.\nAsk the storage team\./,
    );
    assert.deepEqual(
      (await actionsOf(rig, op)).map((a) => a.command),
      ['stop etl-orders', 'stop etl-orders --no-savepoint --reason {input}', 'status etl-orders'],
    );
    assert.equal(await holderOf(rig.database.db, 'etl-orders'), undefined);
  });

  it('that failed while stopping keeps the savepoint as the final restore point', async (t) => {
    const rig = await createRig(t);
    const run = await rig.run();
    rig.deployer
      .expect('look', seen(), seen({ state: 'FAILED' }))
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'failed', reason: 'The sink failed while it was closed.', hint: undefined, path })
      .expect('checkpoints', noCheckpoints, noCheckpoints)
      .expect('rootCause', undefined);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'succeeded');
    const [point] = await listRestorePoints(rig.database.db, 'etl-orders');
    assert.deepEqual([point?.path, point?.final, point?.runId], [path, true, run.id]);
    assert.match(await rig.said(op), /stopped, but failed while stopping; its savepoint is complete\nThe sink failed/);
    assert.equal((await findRun(rig.database.db, run.id))?.endReason, 'stopped');
  });

  it('whose process died after asking goes on with the same savepoint', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    const op = await rig.accept(stopKind);
    const first = await rig.claim([stopKind], 'a:1:1');
    rig.deployer.expect('look', seen()).expect('triggerStop', () => {
      first.abort.abort(new Error('the process died'));
      throw new Error('the process died');
    });
    await assert.rejects(
      execute(rig.services, first, () => {}),
      /died/,
    );
    await moveClock(rig.database.db, 16_000);
    rig.deployer
      .expect('savepoint', { is: 'running' }, { is: 'done', path })
      .expect('look', seen({ state: 'FINISHED' }))
      .expect('checkpoints', noCheckpoints, noCheckpoints)
      .expect('rootCause', undefined);
    assert.equal((await rig.carryOut([stopKind], 'b:1:1')).state, 'succeeded', await rig.said(op));
    assert.equal(rig.deployer.count('triggerStop'), 1);
    assert.equal(rig.deployer.argsOf('savepoint')[1], rig.deployer.argsOf('triggerStop')[1]);
  });

  it('that got no answer asks again with the same trigger only when the cluster knows nothing of it and the job runs', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    rig.deployer
      .expect('look', seen(), seen(), seen({ state: 'FINISHED' }))
      .expect('triggerStop', noAnswer(), undefined)
      .expect('savepoint', { is: 'not-known' }, { is: 'done', path })
      .expect('checkpoints', noCheckpoints, noCheckpoints)
      .expect('rootCause', undefined);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'succeeded', await rig.said(op));
    assert.equal(rig.deployer.argsOf('triggerStop', 0)[1], rig.deployer.argsOf('triggerStop', 1)[1]);
  });

  it('whose job ended with it, while the statistics were silent, is not told as lost before they have answered', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    const made = checkpoint(10, { isSavepoint: true, path, at: Date.now() + 500 });
    rig.deployer
      .expect('look', seen())
      .always('look', seen({ state: 'FAILED' }))
      .expect('triggerStop', undefined)
      .always('savepoint', { is: 'failed', reason: 'The job failed while stopping.', hint: undefined, path: undefined })
      .expect('checkpoints', noAnswer())
      .always('checkpoints', { ...noCheckpoints, completed: [made] })
      .always('rootCause', undefined);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'failed');
    assert.match(
      await rig.said(op),
      new RegExp(`^etl-orders is down: it ended while it was being stopped.*A savepoint was made all the same and is kept: ${path}`, 's'),
    );
    assert.deepEqual(
      (await listRestorePoints(rig.database.db, 'etl-orders')).map((p) => p.path),
      [path],
    );
    assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.ended, true);
  });

  it('without a savepoint whose first cancel worked unseen is done, though the cluster has forgotten the job', async (t) => {
    const rig = await createRig(t, { definition: { environment: 'development' } });
    await rig.run();
    rig.deployer
      .expect('look', seen(), gone)
      .expect('cancel', noAnswer(), new UpstreamError('Flink does not know the job.', { details: { kind: 'job-not-found' } }));
    await rig.accept(stopKind, { input: { right: 'operate', noSavepoint: true } });
    assert.equal((await rig.carryOut([stopKind])).state, 'succeeded');
    assert.deepEqual((await latestRun(rig.database.db, 'etl-orders'))?.ended, true);
  });

  it('finds the savepoint in the statistics of a job that ended while the answer was lost', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    const made = checkpoint(10, { isSavepoint: true, path, at: Date.now() + 500 });
    rig.deployer
      .expect('look', seen(), seen({ state: 'FINISHED' }), seen({ state: 'FINISHED' }))
      .expect('triggerStop', noAnswer())
      .expect('savepoint', { is: 'not-known' })
      .always('checkpoints', { ...noCheckpoints, completed: [made, checkpoint(9, { isSavepoint: true, path: 's3://lake/older', at: 5 })] })
      .expect('rootCause', undefined);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'succeeded', await rig.said(op));
    const [newest] = await listRestorePoints(rig.database.db, 'etl-orders');
    assert.deepEqual([newest?.path, newest?.final], [path, true]);
  });

  it('does nothing when the cluster does not answer', async (t) => {
    const rig = await createRig(t);
    const run = await rig.run();
    rig.deployer.expect('look', unknown);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'failed');
    assert.match(await rig.said(op), /cannot be told whether etl-orders runs/);
    assert.deepEqual(await findRun(rig.database.db, run.id), run);
  });

  it('of what does not run says how it ended', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    rig.deployer.expect('look', gone);
    const op = await rig.accept(stopKind);
    assert.equal((await rig.carryOut([stopKind])).state, 'failed');
    assert.match(await rig.said(op), /etl-orders does not run: it was lost just now/);
    assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.endReason, 'lost');
  });

  it('without a savepoint cancels, and says what is kept', async (t) => {
    const rig = await createRig(t);
    const run = await rig.run();
    rig.deployer
      .expect('look', seen(), seen({ state: 'CANCELED' }))
      .expect('cancel', undefined)
      .expect('checkpoints', { ...noCheckpoints, completed: [checkpoint(9)] })
      .expect('rootCause', undefined);
    const op = await rig.accept(stopKind, { input: { right: 'operate', noSavepoint: true } });
    assert.equal((await rig.carryOut([stopKind])).state, 'succeeded');
    assert.match(await rig.said(op), /stopped without a savepoint\nIts last checkpoint is kept: file:\/data\/checkpoints\/job\/chk-9/);
    assert.equal((await findRun(rig.database.db, run.id))?.endReason, 'stopped');
  });

  it('canceled while the savepoint is written is finished all the same: the job is never half stopped', async (t) => {
    const rig = await createRig(t);
    const run = await rig.run();
    const op = await rig.accept(stopKind);
    rig.deployer
      .expect('look', seen(), seen({ state: 'FINISHED' }))
      .expect('triggerStop', async () => {
        await rig.database.transaction((tx) => requestCancel(tx, op.id, lee));
      })
      .expect('savepoint', { is: 'done', path })
      .expect('checkpoints', noCheckpoints, noCheckpoints)
      .expect('rootCause', undefined);
    assert.equal((await rig.carryOut([stopKind])).state, 'succeeded');
    assert.match(await rig.said(op), /^etl-orders stopped with savepoint/);
    assert.equal((await findRun(rig.database.db, run.id))?.endReason, 'stopped');
  });
});

describe('savepoint', () => {
  it('is recorded, and the job runs on', async (t) => {
    const rig = await createRig(t);
    const run = await rig.run();
    rig.deployer.expect('look', seen()).expect('triggerSavepoint', undefined).expect('savepoint', { is: 'done', path });
    const at = Date.now() - 90_000;
    rig.deployer.expect('checkpoints', { ...noCheckpoints, completed: [checkpoint(9), checkpoint(8, { isSavepoint: true, path, at })] });
    const op = await rig.accept(savepointKind);
    assert.equal((await rig.carryOut([savepointKind])).state, 'succeeded');
    const [point] = await listRestorePoints(rig.database.db, 'etl-orders');
    assert.deepEqual([point?.path, point?.final], [path, false]);
    assert.deepEqual([point?.checkpointId, point?.takenAt.getTime()], [8, at], "Flink's own number and time");
    assert.deepEqual(await findRun(rig.database.db, run.id), run);
    assert.match(await rig.said(op), /^Savepoint of etl-orders taken/);
  });

  it('is recorded also when the statistics do not answer', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    rig.deployer
      .expect('look', seen())
      .expect('triggerSavepoint', undefined)
      .expect('savepoint', { is: 'done', path })
      .expect('checkpoints', noAnswer());
    await rig.accept(savepointKind);
    assert.equal((await rig.carryOut([savepointKind])).state, 'succeeded');
    const [point] = await listRestorePoints(rig.database.db, 'etl-orders');
    assert.deepEqual([point?.path, point?.checkpointId], [path, null]);
  });
});

describe('restart', () => {
  const stopped = (rig: Rig) =>
    rig.deployer
      .always('facts', facts)
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'done', path })
      .expect('rootCause', undefined);

  it('stops with a savepoint and starts from it', async (t) => {
    const rig = await createRig(t);
    const old = await rig.run();
    stopped(rig)
      .expect('look', seen(), seen({ state: 'FINISHED' }), seen())
      .expect('findArtifact', 'handle')
      .expect('submit', 'submitted')
      .expect('checkpoints', noCheckpoints, noCheckpoints, { ...noCheckpoints, restored: { path, at: 1 } });
    const op = await rig.accept(restartKind);
    assert.equal((await rig.carryOut([restartKind])).state, 'succeeded', await rig.said(op));
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.deepEqual([run?.beginning, run?.restoredFrom, run?.ended], ['resume', path, false]);
    assert.equal((await findRun(rig.database.db, old.id))?.endReason, 'stopped');
    assert.match(await rig.said(op), /^etl-orders restarted: v1 running on 4\/4 tasks/);
  });

  it('that does not come up says so, keeps the state, and offers the way back', async (t) => {
    const rig = await createRig(t);
    const old = await rig.run();
    stopped(rig)
      .expect('look', seen(), seen({ state: 'FINISHED' }), gone)
      .expect('findArtifact', 'handle')
      .expect('submit', new UpstreamError('Flink refused: state cannot be mapped.'))
      .expect('checkpoints', noCheckpoints, noCheckpoints);
    const op = await rig.accept(restartKind);
    assert.equal((await rig.carryOut([restartKind])).state, 'failed');
    const said = await rig.said(op);
    assert.match(said, /^etl-orders is down: the old run was stopped, and the new one did not come up\nFlink refused/);
    assert.match(said, new RegExp(`The state is safe in ${path}`));
    const [back] = await actionsOf(rig, op);
    assert.deepEqual([back?.label, back?.command], ['Go back to v1', 'start etl-orders --version v1']);
    const [point] = await listRestorePoints(rig.database.db, 'etl-orders');
    assert.deepEqual([point?.path, point?.final], [path, true]);
    // An edited message calls nobody: watch tells of it as an incident too.
    assert.deepEqual(
      (await untoldRuns(rig.database.db, old.cluster)).map((run) => run.id),
      [old.id],
    );
  });

  it('whose savepoint failed leaves the old run as it was', async (t) => {
    const rig = await createRig(t);
    const old = await rig.run();
    rig.deployer
      .always('facts', facts)
      .expect('look', seen(), seen())
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'failed', reason: 'No space.', hint: undefined, path: undefined })
      .expect('checkpoints', noCheckpoints);
    const op = await rig.accept(restartKind, { input: { right: 'change', version: 1 } });
    assert.equal((await rig.carryOut([restartKind])).state, 'failed');
    assert.match(await rig.said(op), /^etl-orders was not restarted: its savepoint failed\. The old run goes on/);
    assert.deepEqual(await findRun(rig.database.db, old.id), old);
    assert.deepEqual(
      (await actionsOf(rig, op)).map((a) => a.command),
      ['restart etl-orders --version v1', 'restart etl-orders --no-savepoint --version v1 --reason {input}', 'status etl-orders'],
      'the version that was asked for, not the current one',
    );
  });

  for (const [what, input, results, words] of [
    ['the branch that was not built yet', { build: true, branch: 'fix 1' }, {}, '--build --branch "fix 1"'],
    ['the version that was built', { build: true, branch: 'fix' }, { 'build-bind': { version: 9, unchanged: false } }, '--version v9'],
    ['the current version', { version: 'current' }, {}, '--version current'],
  ] as const)
    it(`whose savepoint failed offers ${what} again`, () => {
      const [again, without] = savepointChoices({
        op: { kind: 'restart', job: 'etl-orders', input: { right: 'change', ...input } },
        results,
      });
      assert.equal(again?.command, `restart etl-orders ${words}`);
      assert.equal(without?.command, `restart etl-orders --no-savepoint ${words} --reason {input}`);
    });

  it('canceled while it stops says that the job is down, and how to bring it back', async (t) => {
    const rig = await createRig(t);
    await rig.run();
    const op = await rig.accept(restartKind);
    rig.deployer
      .always('facts', facts)
      .expect('look', seen(), seen({ state: 'FINISHED' }))
      .expect('triggerStop', async () => {
        await rig.database.transaction((tx) => requestCancel(tx, op.id, lee));
      })
      .expect('savepoint', { is: 'done', path })
      .expect('checkpoints', noCheckpoints, noCheckpoints)
      .expect('rootCause', undefined);
    assert.equal((await rig.carryOut([restartKind])).state, 'canceled');
    const message = await rig.message(op);
    assert.deepEqual(
      [message.tone, message.title],
      ['bad', 'etl-orders is down: the restart was canceled after what ran had been stopped'],
    );
    assert.match(await rig.said(op), /\/flink start etl-orders resumes it/);
    assert.deepEqual(
      (await actionsOf(rig, op)).map((a) => [a.label, a.command]),
      [
        ['Resume', 'start etl-orders'],
        ['Logs', 'logs etl-orders'],
      ],
    );
    assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.endReason, 'stopped');
  });

  it('of what was not running, and does not come up, says that it is still down', async (t) => {
    const rig = await createRig(t);
    await rig.run({ ended: true, endReason: 'never-started', state: 'FAILED', runningAt: null });
    rig.deployer
      .always('facts', facts)
      .expect('look', gone)
      .expect('findArtifact', 'handle')
      .expect('submit', new UpstreamError('Flink refused: no.'));
    const op = await rig.accept(restartKind);
    assert.equal((await rig.carryOut([restartKind])).state, 'failed');
    assert.match(await rig.said(op), /^etl-orders is still down: it was not running before, and did not come up\nFlink refused/);
    assert.deepEqual(
      (await actionsOf(rig, op)).map((a) => a.label),
      ['Resume', 'Logs'],
    );
  });
});
