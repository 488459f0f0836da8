import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UpstreamError } from '../../src/core/errors.ts';
import { messageToText } from '../../src/core/message.ts';
import { moveClock } from '../../src/db/clock.ts';
import { sql } from '../../src/db/query.ts';
import { addVersion, findJob } from '../../src/jobs/jobs.store.ts';
import { endRun, findRun, latestRun, listRuns } from '../../src/jobs/runs.store.ts';
import { execute } from '../../src/operations/execute.ts';
import { restoreKind } from '../../src/operations/kinds/restore.ts';
import { startKind } from '../../src/operations/kinds/start.ts';
import { findOperation, holderOf, listSteps, requestCancel } from '../../src/operations/operations.store.ts';
import { gatherStartFacts } from '../../src/operations/start-facts.ts';
import { decideStart } from '../../src/operations/start-plan.ts';
import { listRestorePoints, recordRestorePoint } from '../../src/restore-points/restore-points.store.ts';
import { checkpoint, facts, gone, noAnswer, noCheckpoints, refusedConnection, seen, unknown } from '../helpers/fake-deployer.ts';
import { ann, createRig, definition, lee, person, type Rig, sha, until } from './rig.ts';

const ready = (rig: Rig) => rig.deployer.always('facts', facts).always('findArtifact', 'handle-1');
const savepoint = 's3://lake/savepoints/savepoint-1';
async function stoppedRun(rig: Rig, path = savepoint) {
  const run = await rig.run();
  await rig.database.transaction(async (tx) => {
    await endRun(tx, run.id, { state: 'FINISHED', reason: 'stopped' });
    await recordRestorePoint(tx, { job: run.job, runId: run.id, version: 1, kind: 'savepoint', path, takenAt: new Date(), final: true });
  });
  return run;
}

describe('start', () => {
  it('submits under an id chosen before, and is done when every task runs', async (t) => {
    const rig = await createRig(t);
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen({ state: 'CREATED' }), seen({ tasksRunning: 3 }), seen());
    const op = await rig.accept(startKind);
    const done = await rig.carryOut([startKind]);
    assert.equal(done.state, 'succeeded', await rig.said(op));
    const [submission] = rig.deployer.argsOf('submit') as [Record<string, unknown>];
    const [, options] = rig.deployer.argsOf('submit') as [unknown, { beforeSend?: unknown }];
    assert.equal(typeof options.beforeSend, 'function', 'the lease is looked at as it leaves');
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.equal(submission['flinkJobId'], run?.flinkJobId);
    assert.match(run!.flinkJobId, /^[0-9a-f]{32}$/);
    assert.deepEqual(
      [submission['mainClass'], submission['args'], submission['parallelism'], submission['restorePath']],
      ['shop.Orders', ['--rate', '100'], 4, undefined],
    );
    assert.equal((submission['flink'] as Record<string, string>)['pipeline.name'], 'etl-orders');
    assert.deepEqual(
      [run?.state, run?.tasksRunning, run?.beginning, run?.operationId, run?.flinkVersion],
      ['RUNNING', 4, 'fresh', op.id, '2.3.0'],
    );
    assert.ok(run?.runningAt);
    assert.match(await rig.said(op), /^etl-orders started: v1 running on 4\/4 tasks/);
    assert.match(await rig.said(op), /Waiting for its first checkpoint/);
  });

  it('starts nothing while another run of the job is alive on the cluster, whatever the records say', async (t) => {
    const rig = await createRig(t);
    const old = await stoppedRun(rig);
    ready(rig).always('listRuns', new Map([[old.flinkJobId, 'RUNNING']]));
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'failed');
    assert.equal(rig.deployer.count('submit'), 0);
    assert.match(await rig.said(op), /etl-orders runs already on standalone, as Flink job/);
  });

  it('by break-glass only decides that a silent run is gone; nothing is written before the start is carried out', async (t) => {
    const rig = await createRig(t);
    const old = await rig.run();
    rig.deployer.expect('look', unknown).always('facts', facts);
    const job = await findJob(rig.database.db, 'etl-orders');
    const wish = { version: undefined, fresh: true, from: undefined, breakGlass: true };
    const decision = decideStart(await gatherStartFacts(rig.services, job!, wish), wish, new Date());
    assert.equal(decision.is === 'plan' && decision.plan.assumedGone, old.id);
    assert.equal((await findRun(rig.database.db, old.id))?.ended, false);
  });

  it('that comes up lives, also if it was taken for lost while its submission was under way', async (t) => {
    const rig = await createRig(t);
    ready(rig)
      .expect('submit', async () => {
        const run = await latestRun(rig.database.db, 'etl-orders');
        await endRun(rig.database.db, run!.id, { state: 'LOST', reason: 'lost' });
        return 'submitted';
      })
      .expect('look', seen());
    await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'succeeded');
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.deepEqual([run?.state, run?.ended, run?.endReason, run?.endedAt], ['RUNNING', false, null, null]);
  });

  it('takes the answer "duplicate id" for its own earlier try', async (t) => {
    const rig = await createRig(t);
    ready(rig).expect('submit', 'already').expect('look', seen());
    await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'succeeded');
    assert.equal((await listRuns(rig.database.db, 'etl-orders')).length, 1);
  });

  it('whose process died after the submission adopts the job that is there', async (t) => {
    const rig = await createRig(t);
    const op = await rig.accept(startKind);
    const first = await rig.claim([startKind], 'a:1:1');
    ready(rig).expect('submit', () => {
      first.abort.abort(new Error('the process died'));
      throw new Error('the process died');
    });
    await assert.rejects(
      execute(rig.services, first, () => {}),
      /died/,
    );
    await moveClock(rig.database.db, 16_000);
    rig.deployer.expect('look', seen({ tasksRunning: 1 }), seen());
    const done = await rig.carryOut([startKind], 'b:1:1');
    assert.equal(done.state, 'succeeded', await rig.said(op));
    assert.equal(rig.deployer.count('submit'), 1);
    const asked = rig.deployer.calls.filter((call) => call.method === 'look').map((call) => call.args[0]);
    const submitted = (rig.deployer.argsOf('submit')[0] as { flinkJobId: string }).flinkJobId;
    assert.deepEqual(asked, [submitted, submitted], 'it asked for the id chosen before');
  });

  it('that got no answer to its submission asks before it repeats it', async (t) => {
    const rig = await createRig(t);
    ready(rig).expect('submit', noAnswer(), 'submitted').expect('look', unknown, gone, seen());
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'succeeded', await rig.said(op));
    const ids = rig.deployer.calls.flatMap((c) => (c.method === 'submit' ? [(c.args[0] as { flinkJobId: string }).flinkJobId] : []));
    assert.equal(new Set(ids).size, 1, 'both under one id, so that the cluster can tell');
  });

  describe('whose JobManager was restarted while it was under way', () => {
    it('is not submitted a second time: what the first submission did is not known, and the next start looks for it', async (t) => {
      const rig = await createRig(t);
      ready(rig)
        .expect('jobManager', '/tmp/flink-web-1')
        .always('jobManager', '/tmp/flink-web-2')
        .expect('submit', noAnswer())
        .always('look', gone);
      const op = await rig.accept(startKind);
      assert.equal((await rig.carryOut([startKind])).state, 'failed');
      assert.match(
        await rig.said(op),
        /standalone was restarted while etl-orders was being submitted: whether it ran for a moment before that is not known\..*\nStart it again, from what it left/,
      );
      const run = await latestRun(rig.database.db, 'etl-orders');
      assert.deepEqual([run?.ended, run?.state, run?.endReason], [true, 'LOST', 'lost'], 'not a run that never started');
    });

    it('is adopted when high availability brings it back, however long the new JobManager does not list it', async (t) => {
      const rig = await createRig(t);
      ready(rig)
        .expect('jobManager', '/tmp/flink-web-1')
        .always('jobManager', '/tmp/flink-web-2')
        .always('keepsJobs', true)
        .expect('submit', noAnswer())
        .expect('look', gone, gone, seen(), seen());
      await rig.database.db.execute(
        sql`insert into cluster_views (cluster, job_manager, job_manager_since) values ('standalone', '/tmp/flink-web-2', sluice_now())`,
      );
      const op = await rig.accept(startKind);
      assert.equal((await rig.carryOut([startKind])).state, 'succeeded', await rig.said(op));
      assert.equal(rig.deployer.count('submit'), 1);
    });

    it('after Flink had accepted it, leaves a run that is lost, not one that never started', async (t) => {
      const rig = await createRig(t);
      ready(rig).expect('submit', 'submitted').always('look', gone);
      const op = await rig.accept(startKind);
      assert.equal((await rig.carryOut([startKind])).state, 'failed');
      assert.match(await rig.said(op), /no longer knows the job that was just submitted/);
      assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.endReason, 'lost');
    });
  });

  it('uploads the artifact when the cluster does not have it, and again when it lost it', async (t) => {
    const rig = await createRig(t);
    const lost = new UpstreamError('Flink does not know the jar.', { details: { kind: 'jar-not-found' } });
    rig.deployer
      .always('facts', facts)
      .expect('findArtifact', undefined)
      .expect('placeArtifact', 'handle-1', 'handle-2')
      .expect('submit', lost, 'submitted')
      .expect('look', seen());
    await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'succeeded');
    assert.deepEqual(
      rig.deployer.calls.flatMap((c) => (c.method === 'submit' ? [(c.args[0] as { artifact: string }).artifact] : [])),
      ['handle-1', 'handle-2'],
    );
    assert.equal((rig.deployer.argsOf('placeArtifact')[0] as { sha256: string }).sha256, sha);
  });

  it('that is refused leaves nothing running and a run that never started', async (t) => {
    const rig = await createRig(t);
    ready(rig)
      .expect('submit', new UpstreamError('Flink refused the job: no such class.', { hint: 'Look at main-class.' }))
      .expect('look', gone);
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'failed');
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.deepEqual([run?.ended, run?.endReason], [true, 'never-started']);
    const said = await rig.said(op);
    assert.match(said, /^etl-orders was not started\nFlink refused the job: no such class\.\nLook at main-class\./);
    assert.match(said, /\[Start again\] \[Logs\]/);
  });

  it('that does not come up cancels what it submitted, and says so', async (t) => {
    const rig = await createRig(t);
    rig.services.settings = { ...rig.services.settings, runningWithinMs: 0 };
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen({ tasksRunning: 2 }), seen({ tasksRunning: 2 }), seen({ state: 'CANCELLING' }), seen({ state: 'CANCELED' }))
      .always('rootCause', undefined)
      .expect('cancel', undefined)
      .expect('checkpoints', noCheckpoints);
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'failed');
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.deepEqual([run?.ended, run?.endReason, run?.state], [true, 'never-started', 'CANCELED']);
    assert.equal(rig.deployer.argsOf('cancel')[0], run?.flinkJobId);
    const said = await rig.said(op);
    assert.match(said, /only 2 of 4 tasks run/);
    assert.match(said, /What had been submitted was canceled again\./);
  });

  it('whose run cannot be seen any more is given to a person: silence does not prove that it ended', async (t) => {
    const rig = await createRig(t);
    rig.services.settings = { ...rig.services.settings, runningWithinMs: 0 };
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen({ tasksRunning: 2 }))
      .always('look', unknown)
      .always('rootCause', undefined);
    const kind = { ...startKind, undo: startKind.undo!.map((step) => ({ ...step, deadlineMs: 800 })) };
    const op = await rig.accept(kind);
    assert.equal((await rig.carryOut([kind])).state, 'parked');
    assert.match(await rig.said(op), /"Cancel what was submitted" could not be finished/);
    assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.ended, false);
    assert.equal((await holderOf(rig.database.db, 'etl-orders'))?.id, op.id);
  });

  it('cancels what it submitted also when the first look and the first cancel go unanswered', async (t) => {
    const rig = await createRig(t);
    rig.services.settings = { ...rig.services.settings, runningWithinMs: 0 };
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen({ tasksRunning: 2 }), unknown, seen(), seen(), seen({ state: 'CANCELED' }))
      .always('rootCause', undefined)
      .expect('cancel', noAnswer(), undefined)
      .expect('checkpoints', noCheckpoints);
    await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'failed');
    assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.endReason, 'never-started');
  });

  it('that fails on the cluster tells the cause, and is a run that never started', async (t) => {
    const rig = await createRig(t);
    const cause = { name: 'java.lang.IllegalStateException', message: 'no topic', task: 'Source', at: Date.now(), stack: '' };
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen({ state: 'FAILED' }), seen({ state: 'FAILED' }))
      .always('rootCause', cause)
      .expect('checkpoints', noCheckpoints);
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'failed');
    assert.match(await rig.said(op), /failed while it was starting: java\.lang\.IllegalStateException: no topic/);
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.deepEqual([run?.endReason, run?.rootException?.message], ['never-started', 'no topic']);
  });

  it('whose cancel comes while it comes up cancels the job again', async (t) => {
    const rig = await createRig(t);
    ready(rig)
      .expect('submit', 'submitted')
      .always('look', seen({ tasksRunning: 1 }))
      .always('rootCause', undefined);
    const op = await rig.accept(startKind);
    const execution = await rig.claim([startKind]);
    const ended = execute(rig.services, execution, () => {});
    await until(async () => execution.op.step === 'running' && execution.onCancel);
    await rig.database.transaction((tx) => requestCancel(tx, op.id, lee));
    rig.deployer.expect('cancel', undefined).expect('checkpoints', noCheckpoints);
    rig.deployer.always('look', () => (rig.deployer.count('cancel') > 0 ? seen({ state: 'CANCELED' }) : seen({ tasksRunning: 1 })));
    execution.op = (await findOperation(rig.database.db, op.id))!;
    execution.onCancel?.();
    await ended;
    assert.equal((await findOperation(rig.database.db, op.id))?.state, 'canceled');
    assert.match(await rig.said(op), /What had been submitted was canceled again/);
    assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.endReason, 'never-started');
  });

  it('whose cancel comes too late says that the job runs', async (t) => {
    const rig = await createRig(t);
    const before = await stoppedRun(rig);
    const op = await rig.accept(startKind);
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', async () => {
        await rig.database.transaction((tx) => requestCancel(tx, op.id, lee));
        return seen();
      });
    assert.equal((await rig.carryOut([startKind])).state, 'canceled');
    assert.match(await rig.said(op), /It had come up before the cancel was seen, so it runs\. To stop it: \/flink stop etl-orders/);
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.notEqual(run?.id, before.id);
    assert.equal(run?.ended, false);
  });

  it('does not start twice what still runs, nor what nobody can see', async (t) => {
    for (const [sight, words] of [
      [seen(), /already running: v1 on standalone/],
      [unknown, /cannot be told whether etl-orders still runs/],
    ] as const) {
      const rig = await createRig(t);
      const run = await rig.run();
      ready(rig).expect('look', sight);
      const op = await rig.accept(startKind);
      assert.equal((await rig.carryOut([startKind])).state, 'failed');
      assert.match(await rig.said(op), words);
      assert.deepEqual(await findRun(rig.database.db, run.id), run, 'the run was not touched');
      assert.equal(await holderOf(rig.database.db, 'etl-orders'), undefined);
    }
  });

  it('fails cleanly when the cluster refuses connections', async (t) => {
    const rig = await createRig(t);
    rig.deployer.expect('facts', refusedConnection(), async () => {
      await moveClock(rig.database.db, 31_000);
      throw refusedConnection();
    });
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'failed');
    assert.match(await rig.said(op), /The cluster standalone does not answer, so nothing was started/);
    assert.equal(await latestRun(rig.database.db, 'etl-orders'), undefined);
  });

  it('resumes from the final savepoint, and proves it by Flink’s own word', async (t) => {
    const rig = await createRig(t);
    const before = await stoppedRun(rig);
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen())
      .expect('checkpoints', noCheckpoints, { ...noCheckpoints, restored: { path: savepoint, at: Date.now() } });
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'succeeded', await rig.said(op));
    assert.equal((rig.deployer.argsOf('submit')[0] as { restorePath: string }).restorePath, savepoint);
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.deepEqual([run?.beginning, run?.restoredFrom], ['resume', savepoint]);
    assert.notEqual(run?.flinkJobId, before.flinkJobId, 'a new id for a new attempt');
    assert.match(await rig.said(op), /^etl-orders resumed/);
  });

  it('that was restored from something else says that it runs but is not proven', async (t) => {
    const rig = await createRig(t);
    await stoppedRun(rig);
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen(), seen())
      .expect('checkpoints', { ...noCheckpoints, restored: { path: 's3://lake/savepoints/other', at: 1 } });
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'failed');
    const said = await rig.said(op);
    assert.match(said, /restored from s3:\/\/lake\/savepoints\/other, not from s3:\/\/lake\/savepoints\/savepoint-1/);
    assert.match(said.split('\n')[0]!, /^etl-orders runs, but/);
    assert.doesNotMatch(said, /was not started|Start again/);
    assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.ended, false);
  });

  it('resumes the version that ran last, and says that a newer one has never run', async (t) => {
    const rig = await createRig(t);
    await stoppedRun(rig);
    await rig.database.transaction((tx) =>
      addVersion(tx, 'etl-orders', { definition: { ...definition, args: ['new'] }, origin: 'form', createdBy: ann }),
    );
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen())
      .expect('checkpoints', { ...noCheckpoints, restored: { path: savepoint, at: 1 } });
    const op = await rig.accept(startKind);
    await rig.carryOut([startKind]);
    assert.deepEqual((rig.deployer.argsOf('submit')[0] as { args: string[] }).args, ['--rate', '100']);
    assert.match(await rig.said(op), /v2 is current and has never run; it was not started/);
  });

  it('after a fresh start that never came up goes on from the state of the run before, not from nothing', async (t) => {
    const rig = await createRig(t);
    await stoppedRun(rig);
    const failed = await rig.run({ flinkJobId: 'e'.repeat(32), startedAt: new Date(), runningAt: null, beginning: 'fresh' });
    await endRun(rig.database.db, failed.id, { state: 'CANCELED', reason: 'never-started' });
    ready(rig)
      .expect('submit', 'submitted')
      .expect('look', seen())
      .expect('checkpoints', { ...noCheckpoints, restored: { path: savepoint, at: 1 } });
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'succeeded', await rig.said(op));
    assert.equal((rig.deployer.argsOf('submit')[0] as { restorePath?: string }).restorePath, savepoint);
  });

  it('records the end and the last checkpoint of a run that failed meanwhile, and resumes from it', async (t) => {
    const rig = await createRig(t);
    const before = await rig.run();
    const nine = checkpoint(9);
    const looks = [seen({ state: 'FAILED' }), seen()];
    ready(rig)
      .always('look', () => looks.shift())
      .expect('submit', 'submitted')
      .expect('rootCause', undefined)
      .expect(
        'checkpoints',
        // What was read as it ended may be 3 s old: the list is read once more, and knows a younger one.
        { ...noCheckpoints, completed: [checkpoint(8)] },
        { ...noCheckpoints, completed: [nine, checkpoint(8)] },
        { ...noCheckpoints, restored: { path: nine.path, at: 1 } },
      );
    const op = await rig.accept(startKind);
    assert.equal((await rig.carryOut([startKind])).state, 'succeeded', await rig.said(op));
    const ended = await findRun(rig.database.db, before.id);
    assert.deepEqual([ended?.ended, ended?.endReason], [true, 'failed']);
    const points = await listRestorePoints(rig.database.db, 'etl-orders');
    assert.deepEqual(
      points.map((p) => [p.path, p.final]),
      [
        [nine.path, true],
        [checkpoint(8).path, false],
      ],
    );
  });
});

describe('restore', () => {
  const chosen = 's3://lake/savepoints/savepoint-old';
  it('takes a safety savepoint of what runs, stops it, and starts from the chosen point', async (t) => {
    const rig = await createRig(t, { definition: { environment: 'development' } });
    const old = await rig.run();
    ready(rig)
      .expect('look', seen(), seen({ state: 'FINISHED' }), seen())
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'running' }, { is: 'done', path: savepoint })
      .expect('rootCause', undefined)
      .expect('checkpoints', noCheckpoints, noCheckpoints, { ...noCheckpoints, restored: { path: chosen, at: 1 } })
      .expect('submit', 'submitted');
    const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: chosen, reason: 'bad data' } });
    assert.equal((await rig.carryOut([restoreKind])).state, 'succeeded', await rig.said(op));
    const run = await latestRun(rig.database.db, 'etl-orders');
    assert.deepEqual([run?.beginning, run?.restoredFrom], ['restore', chosen]);
    assert.equal((await findRun(rig.database.db, old.id))?.endReason, 'stopped');
    const said = await rig.said(op);
    assert.match(said, /^etl-orders restored/);
    assert.match(said, new RegExp(`Flink confirms: restored from ${chosen}`));
    assert.match(said, new RegExp(`Safety savepoint of what ran before: ${savepoint}`));
    assert.match(said, /Reason: bad data/);
  });

  describe('to a checkpoint of the run that has to end for it', () => {
    const own = `s3://lake/checkpoints/${'f'.repeat(32)}/chk-9`;
    const kept = { ...noCheckpoints, completed: [checkpoint(10, { path: own.replace('chk-9', 'chk-10') }), checkpoint(9, { path: own })] };

    it('saves first and then cancels, since a stop would delete the checkpoint', async (t) => {
      const rig = await createRig(t, { definition: { environment: 'development' } });
      const old = await rig.run();
      ready(rig)
        .expect('look', seen(), seen({ state: 'CANCELED' }), seen())
        .expect('triggerSavepoint', undefined)
        .expect('savepoint', { is: 'done', path: savepoint })
        .expect('cancel', undefined)
        .expect('rootCause', undefined)
        .expect('checkpoints', kept, kept, kept, { ...noCheckpoints, restored: { path: own, at: 1 } })
        .expect('submit', 'submitted');
      const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: own, reason: 'bad data', liveRun: 'f'.repeat(32) } });
      const planned = messageToText(await rig.message(op));
      assert.match(
        planned,
        /Take the safety savepoint[\s\S]*chosen checkpoint is still kept[\s\S]*Cancel the run; its checkpoints stay[\s\S]*See it ended/,
      );
      assert.doesNotMatch(planned, /Stop with/);
      assert.equal((await rig.carryOut([restoreKind])).state, 'succeeded', await rig.said(op));
      const order = rig.deployer.calls.map((call) => call.method).filter((m) => ['triggerSavepoint', 'cancel', 'submit'].includes(m));
      assert.deepEqual(order, ['triggerSavepoint', 'cancel', 'submit']);
      assert.deepEqual([rig.deployer.argsOf('cancel')[0], (await findRun(rig.database.db, old.id))?.state], [old.flinkJobId, 'CANCELED']);
      assert.equal((await latestRun(rig.database.db, 'etl-orders'))?.restoredFrom, own);
      assert.match(await rig.said(op), new RegExp(`Safety savepoint of what ran before: ${savepoint}`));
      const points = await listRestorePoints(rig.database.db, 'etl-orders');
      assert.ok(
        points.some((p) => p.path === own),
        'the checkpoint stays a restore point',
      );
      assert.ok(points.some((p) => p.path === savepoint));
    });

    it('cancels nothing when the checkpoint was replaced while the savepoint was written', async (t) => {
      const rig = await createRig(t, { definition: { environment: 'development' } });
      const old = await rig.run();
      ready(rig)
        .expect('look', seen())
        .expect('triggerSavepoint', undefined)
        .expect('savepoint', { is: 'done', path: savepoint })
        .expect('checkpoints', kept, { ...noCheckpoints, completed: [checkpoint(10), checkpoint(9, { path: own, discarded: true })] });
      const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: own } });
      assert.equal((await rig.carryOut([restoreKind])).state, 'failed');
      assert.match(await rig.said(op), /chk-9 is no longer there: .*Nothing was stopped\./);
      assert.equal((await findRun(rig.database.db, old.id))?.ended, false);
    });

    it('cancels nothing when its safety savepoint fails', async (t) => {
      const rig = await createRig(t, { definition: { environment: 'development' } });
      await rig.run();
      ready(rig)
        .expect('look', seen(), seen())
        .expect('triggerSavepoint', undefined)
        .expect('savepoint', { is: 'failed', reason: 'No space left.', hint: undefined, path: undefined })
        .expect('checkpoints', noCheckpoints);
      const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: own } });
      assert.equal((await rig.carryOut([restoreKind])).state, 'failed');
      assert.match(await rig.said(op), /the safety savepoint failed\. What ran goes on/);
    });

    it('of a run before the live one is a stop with savepoint', async (t) => {
      const rig = await createRig(t, { definition: { environment: 'development' } });
      await rig.run();
      const other = own.replaceAll('f', 'e');
      ready(rig)
        .expect('look', seen(), seen({ state: 'FINISHED' }), seen())
        .expect('triggerStop', undefined)
        .expect('savepoint', { is: 'done', path: savepoint })
        .expect('rootCause', undefined)
        .expect('checkpoints', noCheckpoints, noCheckpoints, { ...noCheckpoints, restored: { path: other, at: 1 } })
        .expect('submit', 'submitted');
      const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: other } });
      assert.equal((await rig.carryOut([restoreKind])).state, 'succeeded', await rig.said(op));
      assert.equal((await rig.steps(op))['restore-cancel'], 'skipped');
    });
  });

  it('whose point is gone when it begins stops nothing', async (t) => {
    const rig = await createRig(t, { definition: { environment: 'development' }, pathsReadable: true });
    await rig.run();
    rig.deployer.always('facts', facts);
    const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: '/nowhere/at-all/savepoint-1' } });
    assert.equal((await rig.carryOut([restoreKind])).state, 'failed');
    assert.match(await rig.said(op), /savepoint-1 is no longer there: there is no such folder\. Nothing was stopped\./);
    const [again] = (await rig.message(op)).parts.flatMap((part) => (part.kind === 'actions' ? part.actions : []));
    assert.equal(again?.command, 'restore etl-orders --from /nowhere/at-all/savepoint-1 --reason {input}');
  });

  it('canceled after the stop says that the job is down, with the way back', async (t) => {
    const rig = await createRig(t, { definition: { environment: 'development' } });
    await rig.run();
    const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: chosen } });
    rig.deployer
      .always('facts', facts)
      .expect('look', seen(), seen({ state: 'FINISHED' }))
      .expect('triggerStop', async () => {
        await rig.database.transaction((tx) => requestCancel(tx, op.id, person('lee')));
      })
      .expect('savepoint', { is: 'done', path: savepoint })
      .expect('checkpoints', noCheckpoints, noCheckpoints)
      .expect('rootCause', undefined);
    assert.equal((await rig.carryOut([restoreKind])).state, 'canceled');
    const message = await rig.message(op);
    assert.deepEqual(
      [message.tone, message.title],
      ['bad', 'etl-orders is down: the restore was canceled after what ran had been stopped'],
    );
    assert.match(messageToText(message), new RegExp(`safe in ${savepoint}[\\s\\S]*\\[Resume\\]`));
  });

  it('that Flink contradicts says that the job runs from something else', async (t) => {
    const rig = await createRig(t, { definition: { environment: 'development' } });
    await rig.run();
    ready(rig)
      .expect('look', seen(), seen({ state: 'FINISHED' }), seen(), seen())
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'done', path: savepoint })
      .expect('rootCause', undefined)
      .expect('checkpoints', noCheckpoints, noCheckpoints, { ...noCheckpoints, restored: { path: 's3://lake/other', at: 1 } })
      .expect('submit', 'submitted');
    const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: chosen } });
    assert.equal((await rig.carryOut([restoreKind])).state, 'failed');
    const said = await rig.said(op);
    assert.match(said.split('\n')[0]!, /^etl-orders runs, but/);
    assert.doesNotMatch(said, /is down|did not come up/);
  });

  it('that does not come up says that the job is down and offers what ran before', async (t) => {
    const rig = await createRig(t, { definition: { environment: 'development' } });
    await rig.run();
    ready(rig)
      .expect('look', seen(), seen({ state: 'FINISHED' }), gone)
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'done', path: savepoint })
      .expect('rootCause', undefined)
      .expect('checkpoints', noCheckpoints, noCheckpoints)
      .expect('submit', new UpstreamError('Flink refused: state cannot be mapped.'));
    const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: chosen } });
    assert.equal((await rig.carryOut([restoreKind])).state, 'failed');
    const said = await rig.said(op);
    assert.match(said, /^etl-orders is down: it was stopped for the restore/);
    assert.match(said, new RegExp(`The state of before is safe in ${savepoint}`));
    assert.match(said, /\[Resume what ran before\]/);
  });

  it('stops nothing when its safety savepoint fails', async (t) => {
    const rig = await createRig(t, { definition: { environment: 'development' } });
    const run = await rig.run();
    ready(rig)
      .expect('look', seen(), seen())
      .expect('triggerStop', undefined)
      .expect('savepoint', { is: 'failed', reason: 'No space left.', hint: undefined, path: undefined })
      .expect('checkpoints', noCheckpoints);
    const op = await rig.accept(restoreKind, { input: { right: 'rewind', from: chosen, version: 1 } });
    assert.equal((await rig.carryOut([restoreKind])).state, 'failed');
    assert.match(await rig.said(op), /the safety savepoint failed\. What ran goes on/);
    const buttons = (await rig.message(op)).parts.flatMap((part) => (part.kind === 'actions' ? part.actions : []));
    assert.deepEqual(
      buttons.map((a) => [a.label, a.command, a.input !== undefined]),
      [
        ['Try again', `restore etl-orders --version v1 --from ${chosen} --reason {input}`, true],
        ['Stop without savepoint', 'stop etl-orders --no-savepoint --reason {input}', true],
        ['Leave it running', 'status etl-orders', false],
      ],
    );
    assert.deepEqual(await findRun(rig.database.db, run.id), run);
    assert.equal(
      (await listSteps(rig.database.db, op.id)).find((s) => s.name === 'submit'),
      undefined,
    );
  });
});

it('names the person who asked', async (t) => {
  const rig = await createRig(t);
  ready(rig).expect('submit', 'submitted').expect('look', seen());
  const op = await rig.accept(startKind, { actor: person('ole') });
  await rig.carryOut([startKind]);
  assert.match(await rig.said(op), /Asked by @ole/);
});
