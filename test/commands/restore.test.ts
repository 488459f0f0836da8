import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { createWorld, emma, minute, omar, stopped, vic } from '../helpers/command-world.ts';

test('without --from it lists the restore points with age, size, version and whether they are final', async (t) => {
  const w = await createWorld(t);
  const before = await w.run('etl-orders', { ...stopped, version: 1, ago: 300 * minute });
  const older = await w.restorePoint('etl-orders', before, { ago: 200 * minute, final: true, path: 's3://lake/old' });
  const run = await w.run('etl-orders');
  const id = await w.restorePoint('etl-orders', run, {
    kind: 'checkpoint',
    checkpointId: 41,
    ago: 67 * minute,
    size: 24 * 1024,
    version: 2,
    path: 's3://lake/chk-41',
  });
  const reply = await w.refused(emma, 'restore etl-orders --version v1', /^Restore points of etl-orders, newest first\n/);
  assert.match(
    reply.text,
    /Checkpoint 41 · 67 min ago · 24 KB · mid-run · v2\ns3:\/\/lake\/chk-41\nSavepoint · 3 h 20 min ago · 23 KB · final state of its run · v1\ns3:\/\/lake\/old/,
  );
  const choose = reply.actions[0]!;
  assert.equal(choose.command, 'restore etl-orders --from {choice} --version v1 --reason {input}');
  assert.deepEqual(
    choose.choice?.options.map((o) => [o.label, o.value]),
    [
      ['checkpoint 41, 67 min ago, 24 KB, mid-run, v2', id],
      ['savepoint, 3 h 20 min ago, 23 KB, final, v1', older],
    ],
  );
  assert.match(choose.input?.label ?? '', /A lead reads this/);
  assert.equal(
    (await w.say(omar, 'restore etl-orders --break-glass x')).actions[0]?.command,
    'restore etl-orders --from {choice} --break-glass {input}',
  );
  await w.refused(vic, 'restore etl-orders', /You may not use restore/);
  await w.refused(emma, 'restore etl-orders --version newest', /newest is no version/);
});

test('a job without restore points says that a path can be given', async (t) => {
  const w = await createWorld(t);
  await w.refused(emma, 'restore etl-orders', /^etl-orders has no restore points\n.*\/flink restore etl-orders --from <path> --reason/);
});

test('the chosen point becomes a plan in the channel that says what it means', async (t) => {
  const w = await createWorld(t);
  const run = await w.run('etl-orders', { version: 1 });
  const id = await w.restorePoint('etl-orders', run, { ago: 67 * minute, path: 's3://lake/sp-1' });
  const asked = await w.refused(emma, `restore etl-orders --from ${id}`, /^Restoring etl-orders needs a reason/);
  assert.equal(asked.button('Say why…'), 'restore etl-orders --from s3://lake/sp-1 --reason {input}');
  const reply = await w.say(emma, `restore etl-orders --from ${id} --reason "bad deploy at 14:00"`, { channel: 'C0OTHER' });
  assert.match(reply.text, /^Asked for approval to restore etl-orders\nA lead has to approve it in #C0ETL\. Nothing happens before/);
  const op = await w.theOperation();
  assert.deepEqual(op.input, { right: 'rewind', from: 's3://lake/sp-1', version: 1, pointId: id, reason: 'bad deploy at 14:00' });
  assert.deepEqual([op.state, op.holds], ['waiting', false]);
  const plan = await w.posted(`operation:${op.id}`);
  assert.equal(plan.channel, 'C0ETL');
  assert.match(
    plan.text,
    /^Approval needed to restore etl-orders\n@Emma asks: bad deploy at 14:00\nNow: v1 running on standalone\nFirst: a safety savepoint is taken and what runs is stopped/,
  );
  assert.match(
    plan.text,
    /Then: v1 starts from savepoint, 67 min ago, 23 KB, mid-run, v1\nMeans: 67 min back; input is read again from there, and sinks may see it twice\ns3:\/\/lake\/sp-1/,
  );
  assert.match(plan.text, /cannot be checked from here .*; the cluster will/);
  assert.match(plan.text, /@Lars @Lena/);
  assert.equal(plan.button('Approve'), `approve ${op.id}`);
});

test('delivered again it is one plan', async (t) => {
  const w = await createWorld(t);
  await w.once(emma, 'restore etl-orders --from s3://lake/sp-1 --reason "bad deploy"');
  assert.equal((await w.operations()).length, 1);
  await w.fiveAtOnce(omar, 'restore etl-orders --from s3://lake/sp-2 --reason "bad deploy"');
  assert.equal((await w.operations()).length, 2);
});

test('on development nobody is asked; with break-glass on-call acts at once', async (t) => {
  const w = await createWorld(t);
  await w.say(emma, 'restore customers --from s3://lake/sp-1 --reason "try"');
  assert.equal((await w.operations('customers'))[0]?.state, 'queued');
  await w.refused(omar, 'restore etl-orders --from s3://lake/sp-1 --break-glass ""', /needs a reason/);
  await w.once(omar, 'restore etl-orders --from s3://lake/sp-1 --break-glass "shop is down"');
  const [op] = await w.operations('etl-orders');
  assert.deepEqual([op?.state, op?.holds, op?.breakGlass], ['queued', true, 'shop is down']);
  assert.match((await w.posted(`break-glass:${op?.id}`)).text, /to restore etl-orders\n@Omar says: shop is down\n[\s\S]*@Lars @Lena/);
});

test('a path that is not there, or never was completed, is refused before anything stops', async (t) => {
  const w = await createWorld(t, { pathsReadable: true });
  const good = join(w.dir, 'my savepoints', 'sp-1');
  await mkdir(good, { recursive: true });
  await writeFile(join(good, '_metadata'), 'x');
  await mkdir(join(w.dir, 'half'));
  await w.refused(
    emma,
    `restore etl-orders --from ${w.dir}/nowhere/sp --reason x`,
    /cannot be restored from: there is no such folder\.\nNothing was stopped\. What is there: \/flink restore etl-orders/,
  );
  await w.refused(emma, `restore etl-orders --from file:${w.dir}/half --reason x`, /it has no _metadata file, so it was never completed/);
  await w.refused(emma, 'restore etl-orders --from yesterday --reason x', /^yesterday is neither a restore point of etl-orders nor a path/);
  const asked = await w.refused(emma, `restore etl-orders --from "${good}"`, /needs a reason/);
  assert.equal(asked.button('Say why…'), `restore etl-orders --from "${good}" --reason {input}`);
  await w.say(emma, `restore etl-orders --from "${good}" --reason x`);
  assert.equal((await w.theOperation()).input['from'], good);
});

test('a version that cannot be started, and a busy job, are refused before anything stops', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  await w.refused(emma, 'restore etl-orders --from s3://lake/sp --reason x --version v9', /no version v9/);
  await w.say(emma, 'stop etl-orders');
  await w.refused(emma, 'restore etl-orders --from s3://lake/sp --reason x', /^etl-orders is busy: Emma asked for a stop/);
});
