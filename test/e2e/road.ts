import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commitChange, demoProjectDir } from '../../src/demo/git-server.ts';
import {
  does,
  etl,
  eventually,
  flinkJobIdOf,
  onlyJobIs,
  operationIdOf,
  pathOf,
  plainPath,
  restoredCounter,
  restoredFrom,
  startWorld,
  type World,
} from './world.ts';

/** The main road as one conversation on one Flink release; each step asks Flink itself what is true. */
export function road(version: string): void {
  describe(`the main road on Flink ${version}`, { timeout: 900_000 }, () => {
    let w: World;
    /** What the conversation has come to so far. */
    const so = { flinkJobId: '', savepoint: '', version: 0 };
    before(async () => {
      w = await startWorld(version);
    });
    after(() => w?.stop());

    test('/flink, /flink help and /flink help start say what this person may do', async () => {
      const bare = await w.emma.says('/flink', etl);
      assert.ok(bare.ephemeral);
      assert.match(bare.text, /build · start · stop/);
      assert.match((await w.omar.says('/flink help', etl)).text, /start · stop/);
      assert.doesNotMatch((await w.otto.says('/flink help', etl)).text, /start ·/);
      assert.match((await w.emma.says('/flink help start', etl)).text, /\/flink start <job> \[--build\]/);
    });

    test('a typo is answered with "did you mean" as a button, and never run', async () => {
      const verb = await w.emma.says('/flink strat etl-orders', etl);
      assert.match(verb.text, /Did you mean start\?/);
      assert.deepEqual(
        verb.buttons.map((b) => b.text),
        ['start etl-orders'],
      );
      const job = await w.emma.says('/flink start etl-order', etl);
      assert.match(job.text, /Did you mean etl-orders\?/);
      assert.deepEqual(await w.liveJobs(), []);
      const clicked = await w.emma.clicksFor(job, 'start etl-orders');
      assert.match(clicked.text, /has no build yet/);
    });

    test('who may not is refused in a sentence with the next step, whatever the verb', async () => {
      const lines = [
        'list',
        'status etl-orders',
        'build etl-orders',
        'start etl-orders',
        'stop etl-orders',
        'restart etl-orders',
        'savepoint etl-orders',
        'restore etl-orders',
        'logs etl-orders',
        'cancel etl-orders',
        'set etl-orders parallelism=1',
        'use etl-orders v1',
        'versions etl-orders',
        'diff etl-orders v1',
        'history etl-orders',
        'digest',
        'web',
        'approve op_0123456789ab',
      ];
      for (const line of lines) {
        const answer = await w.otto.says(`/flink ${line}`, etl);
        const told = /^⏳/.test(answer.text)
          ? await w.otto.sees((m) => m.ephemeral && /You may not/.test(m.text), { ...etl, timeoutMs: 10_000 })
          : answer;
        assert.match(told.text, /You may not|Nothing waits for approval/, line);
      }
      assert.match((await w.otto.says('/flink build etl-orders', etl)).text, /role/);
      for (const line of ['build etl-orders', 'set etl-orders parallelism=1', 'use etl-orders v1'])
        assert.match((await w.omar.says(`/flink ${line}`, etl)).text, /You may not/, `on-call: ${line}`);
      assert.deepEqual(await w.liveJobs(), []);
    });

    test('set makes the next version and shows the change', async () => {
      const answer = await w.emma.says('/flink set etl-orders checkpoint-interval=1s', etl);
      assert.match(answer.text, /v2 saved and current/);
      assert.match(answer.text, /checkpoint-interval\s+10s\s+1s/);
    });

    test('build clones, compiles and binds a version, in one message that is edited', async () => {
      const built = await does(w.emma, '/flink build etl-orders', /Built etl-orders: v3|was not built/, { timeoutMs: 240_000 });
      assert.match(built.text, /Built etl-orders: v3/);
      assert.match(built.text, /SHA-256/);
      assert.match(built.text, /\b[0-9a-f]{64}\b/);
      assert.match(built.text, /Branch\s+main/);
      assert.ok((await w.emma.edits(built)).length >= 3, 'at least three texts of one message');
      await eventually('the log tail stands in the thread', async () =>
        /BUILD SUCCESS/.test((await w.emma.thread(built)).map((m) => m.text).join('\n')),
      );
      so.version = 3;
    });

    test('start runs it under an id chosen before; the same message later names the first checkpoint', async () => {
      const started = await does(w.emma, '/flink start etl-orders', /etl-orders (started|was not started)/);
      assert.match(started.text, /etl-orders started: v3 running on 4\/4 tasks after \d/);
      so.flinkJobId = flinkJobIdOf(started);
      await onlyJobIs(w, so.flinkJobId);
      const job = await w.flink.job(so.flinkJobId);
      assert.equal(job.name, 'etl-orders');
      assert.ok(job.vertices.every((v) => v.status === 'RUNNING'));
      assert.equal(await restoredFrom(w, so.flinkJobId), undefined);
      assert.ok(
        started.links.some((link) => link.includes(so.flinkJobId)),
        "a link to Flink's page",
      );
      await w.emma.seesEdit(started, /Checkpoint \d+, [\d.]+ [KM]?B/, { timeoutMs: 30_000 });
    });

    test('started again it stays one run', async () => {
      const again = await w.emma.says('/flink start etl-orders', etl);
      assert.match(again.text, /already running: v3/);
      await onlyJobIs(w, so.flinkJobId);
    });

    test('status and list, only for the person, to be shared by a button', async () => {
      const status = await w.emma.says('/flink status etl-orders', etl);
      assert.ok(status.ephemeral);
      assert.match(status.text, /running on 4\/4 tasks, last proven/);
      assert.match(status.text, /v3 runs/);
      await w.emma.clicks(status, 'Share in channel');
      await w.lars.sees((m) => !m.ephemeral && /etl-orders: running on 4\/4 tasks/.test(m.text), {
        ...etl,
        since: 'start',
        timeoutMs: 15_000,
      });
      assert.match((await w.emma.says('/flink list', etl)).text, /etl-orders running on 4\/4 tasks/);
      assert.match((await w.emma.says('/flink list failed', etl)).text, /^0 jobs failed/m);
    });

    test('savepoint is recorded with path, size, duration and release', async () => {
      const taken = await does(w.emma, '/flink savepoint etl-orders', /Savepoint of etl-orders taken|No savepoint/);
      so.savepoint = pathOf(taken);
      assert.ok((await readFile(join(so.savepoint, '_metadata'))).length > 0, 'the savepoint is really there');
      assert.match(taken.text, /Size\s+[\d.]+ [KM]?B/);
      assert.match(taken.text, /Duration\s+\d/);
      assert.match(taken.text, new RegExp(`Flink\\s+${version.replaceAll('.', '\\.')}`));
      await onlyJobIs(w, so.flinkJobId);
    });

    test('stop leaves a final savepoint, and start resumes from it: the counter goes on', async () => {
      const stopped = await does(w.omar, '/flink stop etl-orders', /etl-orders (stopped|was not stopped)/);
      assert.match(stopped.text, /stopped with savepoint/);
      const final = pathOf(stopped);
      await eventually('the job is finished', async () => (await w.flink.jobStatus(so.flinkJobId)) === 'FINISHED');
      assert.deepEqual(await w.liveJobs(), []);
      const resumed = await does(w.omar, '/flink start etl-orders', /etl-orders (resumed|was not started)/);
      assert.match(resumed.text, /resumed: v3/);
      assert.match(resumed.text, /from its final savepoint/);
      const id = flinkJobIdOf(resumed);
      assert.notEqual(id, so.flinkJobId, 'a new id for each attempt');
      assert.equal(await restoredFrom(w, id), final);
      assert.ok((await restoredCounter(w, id)) > 0, 'the job itself says that it restored its counter');
      so.flinkJobId = id;
      await onlyJobIs(w, id);
    });

    test('two people at once, and one request delivered three times: one run, the loser is told', async () => {
      await does(w.emma, '/flink stop etl-orders', /stopped with savepoint/);
      await w.practice.control('faults', { deliverTimes: 3 });
      const answers = await Promise.all([w.emma.says('/flink start etl-orders', etl), w.omar.says('/flink start etl-orders', etl)]);
      await w.practice.control('faults', { deliverTimes: 1 });
      const accepted = answers.filter((a) => /^Accepted/.test(a.text));
      const refused = answers.filter((a) => /busy|already running/.test(a.text));
      assert.equal(accepted.length, 1, answers.map((a) => a.text).join('\n'));
      assert.equal(refused.length, 1);
      const resumed = await w.emma.sees((m) => /etl-orders resumed/.test(m.text) && m.text.includes(operationIdOf(accepted[0]!)), {
        ...etl,
        timeoutMs: 60_000,
      });
      so.flinkJobId = flinkJobIdOf(resumed);
      await onlyJobIs(w, so.flinkJobId);
    });

    test('restart --build makes the new version first, then goes over with the state', async () => {
      const before = so.flinkJobId;
      const file = 'src/main/java/com/example/etl/OrdersJob.java';
      const source = await readFile(join(demoProjectDir, file), 'utf8');
      await commitChange({
        dir: join(w.demo.clusters[0]!.cluster.dir, '..', 'git'),
        files: { [file]: `${source}\n// touched\n`, 'CHANGES.md': 'One more line.\n' },
        message: 'Touch the orders job',
      });
      const restarted = await does(w.emma, '/flink restart etl-orders --build', /etl-orders (restarted|was not restarted|is down)/, {
        timeoutMs: 240_000,
      });
      assert.match(restarted.text, /restarted: v\d+ running on 4\/4 tasks/);
      assert.match(restarted.text, /Touch the orders job/);
      so.flinkJobId = flinkJobIdOf(restarted);
      assert.notEqual(so.flinkJobId, before);
      assert.ok((await restoredFrom(w, so.flinkJobId))?.includes('savepoint-'));
      assert.ok((await restoredCounter(w, so.flinkJobId)) > 0);
      await onlyJobIs(w, so.flinkJobId);
    });

    test('a project that does not compile fails with its line, and the running job is not touched', async () => {
      await commitChange({
        dir: join(w.demo.clusters[0]!.cluster.dir, '..', 'git'),
        branch: 'broken',
        files: { 'src/main/java/com/example/etl/Broken.java': 'package com.example.etl;\nclass Broken { int x = "no"; }\n' },
        message: 'Broken',
      });
      const failed = await does(w.emma, '/flink restart etl-orders --build --branch broken', /not restarted|restarted:/, {
        timeoutMs: 240_000,
      });
      assert.match(failed.text, /was not restarted; what ran before was not touched/);
      assert.match(failed.text, /Broken\.java/);
      await onlyJobIs(w, so.flinkJobId);
      const missing = await does(w.emma, '/flink build etl-orders --branch brokn', /was not built/, { timeoutMs: 60_000 });
      assert.match(missing.text, /brokn/);
      assert.match(missing.text, /broken/, 'the near branch is named');
    });

    test('a version that does not come up offers the way back, which works', async () => {
      await w.emma.says('/flink set etl-orders args="--rate 50 --throw-main boom"', etl);
      const answer = await w.emma.says('/flink versions etl-orders', etl);
      const bad = /v(\d+)/.exec(answer.text)![1];
      const failed = await does(w.emma, `/flink restart etl-orders --version v${bad}`, /etl-orders (restarted|was not restarted|is down)/);
      assert.match(failed.text, /is down: the old run was stopped, and the new one did not come up/);
      assert.match(failed.text, /boom/);
      assert.deepEqual(await w.liveJobs(), []);
      const safe = pathOf(failed);
      const back = failed.buttons.find((b) => b.text.startsWith('Go back to'));
      assert.ok(back);
      await w.emma.clicks(failed, back.text);
      const again = await w.emma.sees(/etl-orders resumed/, { ...etl, timeoutMs: 60_000 });
      so.flinkJobId = flinkJobIdOf(again);
      assert.equal(await restoredFrom(w, so.flinkJobId), safe);
      await onlyJobIs(w, so.flinkJobId);
    });

    test('a main class that is not there, and a parallelism above the slots, stop nothing', async () => {
      await w.emma.says('/flink set etl-orders args="--rate 50" main-class=com.example.etl.OrderJob', etl);
      const current = /v(\d+) saved|v(\d+) ·/.exec((await w.emma.says('/flink versions etl-orders', etl)).text);
      const failed = await does(w.emma, '/flink restart etl-orders --version current', /not restarted|restarted:/);
      assert.match(failed.text, /no class com\.example\.etl\.OrderJob/);
      assert.match(failed.text, /OrdersJob/);
      await w.emma.says('/flink set etl-orders main-class=com.example.etl.OrdersJob parallelism=40', etl);
      const wide = await does(w.emma, '/flink restart etl-orders --version current', /not restarted|restarted:/);
      assert.match(wide.text, /wants parallelism 40, but standalone has 6 slots/);
      await w.emma.says('/flink set etl-orders parallelism=2', etl);
      assert.ok(current);
      await onlyJobIs(w, so.flinkJobId);
    });

    test('restore: listed, chosen with a reason, approved by a lead only, proven by Flink', async () => {
      const list = await w.emma.says('/flink restore etl-orders', etl);
      assert.match(list.text, /Restore points of etl-orders/);
      await w.emma.clicks(list, 'Choose one…');
      const modal = await w.emma.seesModal(/Restore etl-orders/);
      const options = JSON.stringify(modal.raw);
      assert.match(options, /savepoint, /);
      await w.emma.closesModal();
      const asked = await w.emma.says(`/flink restore etl-orders --from file://${so.savepoint} --reason "orders of today are wrong"`, etl);
      assert.match(asked.text, /Asked for approval to restore etl-orders/);
      const id = operationIdOf(asked);
      const plan = await w.lena.sees((m) => m.text.includes(id) && /Approval needed/.test(m.text), {
        ...etl,
        since: 'start',
        timeoutMs: 20_000,
      });
      for (const words of [
        /v\d+ running on standalone/,
        /safety savepoint is taken/,
        /min(ute)?s? back|minute back/,
        /read again/,
        /until/i,
        /orders of today are wrong/,
      ])
        assert.match(plan.text, words);
      assert.match(JSON.stringify(plan.blocks), /<@U0LENA>/);
      await onlyJobIs(w, so.flinkJobId);
      assert.match((await w.emma.clicksFor(plan, 'Approve')).text, /You asked for this yourself/);
      assert.match((await w.otto.clicksFor(plan, 'Approve')).text, /You may not approve/);
      assert.match((await w.omar.clicksFor(plan, 'Approve')).text, /You may not approve/);
      await onlyJobIs(w, so.flinkJobId);
      await w.lena.clicks(plan, 'Approve');
      const done = await w.lena.seesEdit(plan, /etl-orders (restored|was not restored|is down)/, { timeoutMs: 90_000 });
      assert.match(done.text, /etl-orders restored: v\d+ running on 4\/4 tasks/);
      assert.match(done.text, /Asked by @?emma.*approved by @?lena/);
      assert.match(done.text, /Safety savepoint/);
      so.flinkJobId = flinkJobIdOf(done);
      assert.equal(await restoredFrom(w, so.flinkJobId), so.savepoint);
      await onlyJobIs(w, so.flinkJobId);
      assert.match((await w.lars.says(`/flink approve ${id}`, etl)).text, /decided already: approved by lena/);
    });

    test('restore --break-glass: at once, alone, all leads told, reviewed by another lead', async () => {
      const done = await does(
        w.omar,
        `/flink restore etl-orders --from ${so.savepoint} --break-glass "wrong prices since 14:00"`,
        /etl-orders (restored|was not restored|is down)/,
        { timeoutMs: 90_000 },
      );
      assert.match(done.text, /etl-orders restored/);
      so.flinkJobId = flinkJobIdOf(done);
      assert.equal(await restoredFrom(w, so.flinkJobId), so.savepoint);
      const told = await w.lena.sees(/Break-glass: omar/, { ...etl, since: 'start', timeoutMs: 20_000 });
      for (const lead of [/<@U0LENA>/, /<@U0LARS>/]) assert.match(JSON.stringify(told.blocks), lead);
      await w.lena.clicks(told, 'Reviewed');
      await w.lena.seesEdit(told, /Reviewed by/, { timeoutMs: 20_000 });
    });

    test('restore to a retained checkpoint of the very run: it is saved, canceled so that the checkpoint stays, and started from it', async () => {
      // Checkpoints come every second and three are kept: one that was replaced before it could be used is refused with nothing stopped, and the next is tried.
      for (let attempt = 1; ; attempt++) {
        const chosen = await eventually('the run keeps a checkpoint', async () => {
          const { history } = await w.flink.checkpoints(so.flinkJobId);
          return (
            history.find((c) => c.status === 'COMPLETED' && !c.is_savepoint && !c.discarded && c.external_path?.includes('/chk-'))
              ?.external_path ?? undefined
          );
        });
        const answer = await w.omar.says(`/flink restore etl-orders --from ${chosen} --break-glass "back to a checkpoint"`, etl);
        if (!/^Accepted/.test(answer.text)) assert.match(answer.text, /cannot be restored from/);
        else {
          const done = await w.omar.sees(
            (m) => !m.ephemeral && m.text.includes(operationIdOf(answer)) && /etl-orders (restored|was not restored|is down)/.test(m.text),
            {
              ...etl,
              timeoutMs: 90_000,
            },
          );
          if (/restored: v/.test(done.text)) {
            assert.match(done.text, /Safety savepoint/);
            so.flinkJobId = flinkJobIdOf(done);
            assert.equal(await restoredFrom(w, so.flinkJobId), plainPath(chosen));
            break;
          }
          assert.match(done.text, /was not restored/);
        }
        await onlyJobIs(w, so.flinkJobId);
        assert.ok(attempt < 4, 'one of the checkpoints was kept long enough');
      }
      await onlyJobIs(w, so.flinkJobId);
    });

    test('a path that is not there is refused before anything stops; one that cannot be checked is said so, and goes on', async () => {
      const missing = await w.emma.says('/flink restore etl-orders --from file:///nowhere/savepoint-1 --reason x', etl);
      assert.match(missing.text, /cannot be restored from: there is no such folder/);
      await onlyJobIs(w, so.flinkJobId);
      const asked = await w.emma.says('/flink restore etl-orders --from s3://lake/savepoint-1 --reason "try the lake"', etl);
      const plan = await w.lars.sees((m) => m.text.includes(operationIdOf(asked)) && /Approval needed/.test(m.text), {
        ...etl,
        since: 'start',
        timeoutMs: 20_000,
      });
      assert.match(plan.text, /cannot be checked from here/);
      await w.lars.clicks(plan, 'Approve');
      const failed = await w.lars.seesEdit(plan, /is down|restored:/, { timeoutMs: 90_000 });
      assert.match(failed.text, /is down: it was stopped for the restore/);
      const safe = pathOf(failed);
      await w.emma.clicks(failed, 'Resume what ran before');
      const again = await w.emma.sees(/etl-orders resumed/, { ...etl, timeoutMs: 60_000 });
      so.flinkJobId = flinkJobIdOf(again);
      assert.equal(await restoredFrom(w, so.flinkJobId), safe);
      await onlyJobIs(w, so.flinkJobId);
    });

    test('logs: the tails of JobManager and TaskManagers, filtered, only for the person', async () => {
      await w.emma.says('/flink logs etl-orders', etl);
      const logs = await w.emma.sees((m) => m.ephemeral && /JobManager/.test(m.text), { ...etl, since: 'start', timeoutMs: 20_000 });
      assert.match(logs.text, /TaskManager/);
      assert.ok(logs.links.some((l) => l.includes('/jobs/etl-orders/logs')));
      await w.emma.says('/flink logs etl-orders --grep "no such words at all"', etl);
      await w.emma.sees((m) => m.ephemeral && /no line contains/.test(m.text), { ...etl, since: 'start', timeoutMs: 20_000 });
    });

    test('cancel with nothing in progress offers to stop', async () => {
      const answer = await w.emma.says('/flink cancel etl-orders', etl);
      assert.match(answer.text, /Nothing is in progress on etl-orders\. To stop the job with a savepoint:/);
      assert.deepEqual(
        answer.buttons.map((b) => b.text),
        ['Stop'],
      );
    });

    test('in the thread of a message, @sluice implies its job', async () => {
      const history = await w.emma.history('etl');
      const root = history.findLast((m) => !m.ephemeral && /etl-orders resumed/.test(m.text));
      assert.ok(root);
      await w.emma.types('<@U0SLUICE> status', { channel: 'etl', thread: root.ts });
      const answer = await w.emma.sees((m) => /etl-orders: running/.test(m.text) && m.threadTs === root.ts, { ...etl, timeoutMs: 20_000 });
      assert.match(answer.text, /running on 4\/4 tasks/);
    });

    test('versions, diff and use', async () => {
      assert.match((await w.emma.says('/flink versions etl-orders', etl)).text, /current/);
      assert.match((await w.emma.says('/flink diff etl-orders v1 v3', etl)).text, /checkpoint-interval/);
      assert.match((await w.emma.says('/flink use etl-orders v3', etl)).text, /v3 is current/);
      assert.match((await w.emma.says('/flink use etl-orders v99', etl)).text, /has no version v99/);
      await onlyJobIs(w, so.flinkJobId);
    });

    test('stop --no-savepoint asks a lead on production: rejected, then approved', async () => {
      assert.match((await w.emma.says('/flink stop etl-orders --no-savepoint', etl)).text, /lead has to approve/i);
      const asked = await w.emma.says('/flink stop etl-orders --no-savepoint --reason "storage is full"', etl);
      const plan = await w.lena.sees((m) => m.text.includes(operationIdOf(asked)) && /Approval needed/.test(m.text), {
        ...etl,
        since: 'start',
        timeoutMs: 20_000,
      });
      await w.lena.clicks(plan, 'Reject');
      await w.lena.seesModal(/Reject/);
      await w.lena.fills({ 'Why not? The requester reads this.': 'clean it up first' });
      const rejected = await w.lena.seesEdit(plan, /Rejected/, { timeoutMs: 20_000 });
      assert.match(rejected.text, /clean it up first/);
      await onlyJobIs(w, so.flinkJobId);
      const again = await w.emma.says('/flink stop etl-orders --no-savepoint --reason "storage is full"', etl);
      const second = await w.lena.sees((m) => m.text.includes(operationIdOf(again)) && /Approval needed/.test(m.text), {
        ...etl,
        since: 'start',
        timeoutMs: 20_000,
      });
      await w.lena.clicks(second, 'Approve');
      await w.lena.seesEdit(second, /stopped without a savepoint/, { timeoutMs: 60_000 });
      assert.equal(await w.flink.jobStatus(so.flinkJobId), 'CANCELED');
    });

    test('start after that resumes from the last completed checkpoint; --fresh asks a lead and begins from nothing', async () => {
      const resumed = await does(w.emma, '/flink start etl-orders', /etl-orders (resumed|was not started)/);
      assert.match(resumed.text, /from its last completed checkpoint chk-\d+/);
      const id = flinkJobIdOf(resumed);
      assert.match((await restoredFrom(w, id)) ?? '', new RegExp(`${so.flinkJobId}/chk-\\d+$`));
      await does(w.emma, '/flink stop etl-orders', /stopped with savepoint/);
      assert.match((await w.emma.says('/flink start etl-orders --fresh', etl)).text, /lead has to approve/i);
      const asked = await w.emma.says('/flink start etl-orders --fresh --reason "new topic"', etl);
      const plan = await w.lars.sees((m) => m.text.includes(operationIdOf(asked)) && /Approval needed/.test(m.text), {
        ...etl,
        since: 'start',
        timeoutMs: 20_000,
      });
      await w.lars.clicks(plan, 'Approve');
      const fresh = await w.lars.seesEdit(plan, /etl-orders (started|was not started)/, { timeoutMs: 60_000 });
      assert.match(fresh.text, /from nothing, as asked/);
      so.flinkJobId = flinkJobIdOf(fresh);
      assert.equal(await restoredFrom(w, so.flinkJobId), undefined);
      assert.equal(await restoredCounter(w, so.flinkJobId), 0);
      await onlyJobIs(w, so.flinkJobId);
    });

    test('a savepoint that cannot be written stops nothing, and gives the choices', async () => {
      await w.emma.says('/flink set etl-orders savepoint-dir=file:///proc/nowhere', etl);
      await does(w.emma, '/flink restart etl-orders --version current', /restarted: v\d+ running/);
      const failed = await does(w.emma, '/flink stop etl-orders', /stopped with savepoint|was not stopped/);
      assert.match(failed.text, /was not stopped: its savepoint failed\. It runs on/);
      assert.deepEqual(
        failed.buttons.map((b) => b.text),
        ['Try again', 'Stop without savepoint', 'Leave it running'],
      );
      const [live] = await w.liveJobs();
      so.flinkJobId = live!;
      await onlyJobIs(w, so.flinkJobId);
    });

    test('the job fails: an incident at once, resumed by on-call from its button, and the same message says that it is over', async () => {
      const { failFile } = w.demo.clusters[0]!.demo;
      await w.emma.says(`/flink set etl-orders savepoint-dir= args="--rate 50 --fail-file ${failFile}" restart-strategy=none`, etl);
      // The savepoint directory of the running version is broken, so it is restarted from its checkpoint.
      const asked = await w.emma.says(
        '/flink restart etl-orders --version current --no-savepoint --reason "broken savepoint directory"',
        etl,
      );
      const plan = await w.lena.sees((m) => m.text.includes(operationIdOf(asked)) && /Approval needed/.test(m.text), {
        ...etl,
        since: 'start',
        timeoutMs: 20_000,
      });
      await w.lena.clicks(plan, 'Approve');
      const up = await w.lena.seesEdit(plan, /restarted: v\d+ running|not restarted|is down/, { timeoutMs: 60_000 });
      await w.emma.seesEdit(up, /Checkpoint \d+/, { timeoutMs: 30_000 });
      await writeFile(failFile, '');
      const incident = await w.omar.sees(/etl-orders failed/, { channel: 'flink-alerts', timeoutMs: 60_000 });
      await rm(failFile);
      assert.match(incident.text, /Since/);
      assert.match(incident.text, /Last checkpoint\s+\d+/);
      assert.match(incident.text, /\w+Exception: /);
      assert.deepEqual(
        incident.buttons.map((b) => b.text),
        ['Resume', 'Restore', 'Logs', 'Acknowledge'],
      );
      assert.match((await w.otto.clicksFor(incident, 'Resume')).text, /You may not/);
      await w.omar.clicks(incident, 'Acknowledge');
      await w.omar.seesEdit(incident, /Acknowledged by/, { timeoutMs: 20_000 });
      const failedId = flinkJobIdOf(up);
      await w.omar.clicks(incident, 'Resume');
      const resumed = await w.omar.sees(/etl-orders resumed/, { channel: 'flink-alerts', timeoutMs: 60_000 });
      so.flinkJobId = flinkJobIdOf(resumed);
      assert.match((await restoredFrom(w, so.flinkJobId)) ?? '', new RegExp(`${failedId}/chk-\\d+$`));
      await w.omar.seesEdit(incident, /Resolved/, { timeoutMs: 30_000 });
      await onlyJobIs(w, so.flinkJobId);
    });

    test('a TaskManager dies: an incident, and the same message says when it has recovered', async () => {
      await w.emma.says('/flink set etl-orders restart-strategy="fixed-delay(100, 1s)"', etl);
      await does(w.emma, '/flink restart etl-orders --version current', /restarted: v\d+ running/);
      const { cluster } = w.demo.clusters[0]!;
      await Promise.all([cluster.kill('taskmanager', 0, 'SIGKILL'), cluster.kill('taskmanager', 1, 'SIGKILL')]);
      const incident = await w.omar.sees(/etl-orders is restarting/, { channel: 'flink-alerts', timeoutMs: 60_000 });
      await w.omar.seesEdit(incident, /Resolved/, { timeoutMs: 120_000 });
      [so.flinkJobId] = (await w.liveJobs()) as [string];
      await onlyJobIs(w, so.flinkJobId);
    });

    test('the JobManager dies: one incident for the cluster; commands say so; the job is gone, and resumes from its last checkpoint', async () => {
      const { cluster } = w.demo.clusters[0]!;
      const before = so.flinkJobId;
      await cluster.kill('jobmanager', 0, 'SIGKILL');
      const unreachable = await w.omar.sees(/standalone does not answer/, { channel: 'flink-alerts', timeoutMs: 60_000 });
      const status = await w.emma.says('/flink status etl-orders', etl);
      assert.match(status.text, /unknown: standalone does not answer; \w+ last proven/);
      const refused = await w.emma.says('/flink start etl-orders', etl);
      assert.match(refused.text, /cannot be told whether etl-orders still runs|does not answer/);
      assert.match((await w.emma.says('/flink list', etl)).text, /etl-orders unknown: standalone does not answer/);
      await w.emma.says('/flink logs etl-orders', etl);
      await w.emma.sees((m) => m.ephemeral && /logs cannot be read now/.test(m.text), { ...etl, since: 'start', timeoutMs: 30_000 });
      const failed = await w.emma.says('/flink savepoint etl-orders', etl);
      const told = /^Accepted/.test(failed.text)
        ? await w.emma.sees((m) => m.text.includes(operationIdOf(failed)) && /does not answer|No savepoint/.test(m.text), {
            ...etl,
            timeoutMs: 60_000,
          })
        : failed;
      assert.match(told.text, /does not answer/);
      await w.omar.seesEdit(unreachable, /Resolved/, { timeoutMs: 120_000 });
      const gone = await w.omar.sees(/etl-orders is gone/, { channel: 'flink-alerts', since: 'start', timeoutMs: 60_000 });
      await cluster.waitReady(120_000);
      await w.omar.clicks(gone, 'Resume');
      const resumed = await w.omar.sees(/etl-orders (resumed|was not started)/, { channel: 'flink-alerts', timeoutMs: 90_000 });
      so.flinkJobId = flinkJobIdOf(resumed);
      assert.match((await restoredFrom(w, so.flinkJobId)) ?? '', new RegExp(`${before}/chk-\\d+$`));
      await w.omar.seesEdit(gone, /Resolved/, { timeoutMs: 30_000 });
      await onlyJobIs(w, so.flinkJobId);
    });

    test('digest shows what is worth reading, now', async () => {
      assert.match((await w.emma.says('/flink digest', etl)).text, /healthy/);
    });

    test('web: a one-time link that a preview does not burn, for a session of one person', async () => {
      const answer = await w.emma.says('/flink web', etl);
      const link = answer.links.concat(answer.buttons.flatMap((b) => (b.url ? [b.url] : []))).find((l) => l.includes('/sign-in'));
      assert.ok(link);
      const preview = await fetch(link);
      assert.equal(preview.status, 200);
      const code = new URL(link).searchParams.get('code') as string;
      const redeem = () =>
        fetch(new URL('/sign-in', link), {
          method: 'POST',
          redirect: 'manual',
          headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(link).origin },
          body: new URLSearchParams({ code }),
        });
      const first = await redeem();
      assert.ok(first.status === 302 || first.status === 303, String(first.status));
      const cookie = first.headers.get('set-cookie')?.split(';')[0] as string;
      const page = await fetch(new URL('/', link), { headers: { cookie } });
      assert.match(await page.text(), /etl-orders/);
      assert.equal((await redeem()).headers.get('set-cookie'), null, 'the link works once');
    });

    test('bad input gets one clear sentence', async () => {
      const table: [string, RegExp][] = [
        ['/flink start', /needs the name of a job/],
        ['/flink start etl orders', /Job names have no spaces/],
        ['/flink start etl-orders --versoin v3', /Did you mean --version/],
        ['/flink set etl-orders args="--rate 50', /The quote " does not close/],
        ['/flink status “etl-orders”', /etl-orders: running/],
        [`/flink status ${'x'.repeat(4000)}`, /characters long|There is no job/],
        ['/flink set etl-orders parallelism=many', /whole number/],
        ['/flink set etl-orders paralelism=4', /Did you mean parallelism/],
        ['/flink diff etl-orders v1', /differ/],
      ];
      for (const [said, expected] of table) assert.match((await w.emma.says(said, etl)).text, expected, said);
      assert.equal(plainPath('file:///x'), '/x');
      await onlyJobIs(w, so.flinkJobId);
    });
  });
}
