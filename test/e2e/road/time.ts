import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeenMessage } from '../../../src/practice/client.ts';
import { redeem, signInLink } from '../site.ts';
import { does, etl, eventually, flinkJobIdOf, onlyJobIs, operationIdOf, planOf } from '../world.ts';
import type { Conversation } from './conversation.ts';
import { bothRun } from './development.ts';

/** A job's own way to checkpoint nothing on a cluster whose default is to checkpoint: Flink's word for "never" as the interval. */
const never = 'execution.checkpointing.interval=9223372036854775807ms';

/** What time brings: the digest by node-cron, and what a start's message says later. Last, for it moves the database's clock. */
export function time(so: Conversation): void {
  let customers: SeenMessage;

  test('without checkpointing the message of the start later says that a crash loses all state', async () => {
    const { w } = so;
    await w.emma.says(`/flink set customers ${never}`, etl);
    const line = '/flink start customers --version current';
    customers = await does(w.emma, line, /customers (upgraded|resumed|was not started)/);
    assert.match(customers.text, /customers upgraded: v4 running/);
    const later = await w.emma.seesEdit(customers, /No checkpointing/, { timeoutMs: 90_000 });
    assert.match(later.text, /No checkpointing:\*? a crash loses all state/);
    assert.match(later.text, /customers upgraded: v4 running/, 'it is the same message');
    await bothRun(so, flinkJobIdOf(customers));
    assert.equal((await w.flink.checkpoints(flinkJobIdOf(customers))).counts.completed, 0);
  });

  test('the digest is posted by its schedule, edited in place, and posted anew only when its list changes', async () => {
    const { w } = so;
    const posts = async () => (await w.emma.history('etl')).filter((m) => !m.ephemeral && /Checkpoint digest, as of/.test(m.text));
    /** One tick of the schedule: the next minute by the clock of the database. */
    const tick = () => w.moveClock(60_000);
    await tick();
    const joined = await eventually('a digest that lists the job without checkpoints', async () => {
      const last = (await posts()).at(-1);
      // etl-orders may be listed too, for checkpoints that failed while things were broken on purpose.
      return last && /customers\*?: checkpointing is off/.test(last.text) && last;
    });
    const count = (await posts()).length;
    const texts = (await w.emma.edits(joined)).length;
    await tick();
    await eventually('it is edited', async () => (await w.emma.edits(joined)).length > texts);
    assert.equal((await posts()).length, count, 'no new post while the list is the same');

    const now = await w.emma.says('/flink digest', etl);
    assert.ok(now.ephemeral);
    assert.match(now.text, /customers\*?: checkpointing is off/);

    await does(w.emma, '/flink stop customers', /customers stopped with savepoint/);
    await tick();
    const left = await eventually('a new post without the job that left', async () => {
      const last = (await posts()).at(-1);
      return last && last.ts !== joined.ts && last;
    });
    assert.doesNotMatch(left.text, /customers/);
    assert.match(left.text, /The one job is healthy|0 of 1 healthy; etl-orders: \d+ checkpoints? failed since yesterday/);
    assert.equal((await posts()).length, count + 1);
    assert.match((await posts()).at(-2)?.text ?? '', /customers: checkpointing is off/, 'the earlier post stays as it was');
    assert.doesNotMatch((await w.emma.says('/flink digest', etl)).text, /customers/);
    assert.ok((await posts()).every((m) => m.channel === joined.channel));
    assert.deepEqual(
      (await w.emma.history('flink-alerts')).filter((m) => /Checkpoint digest/.test(m.text)),
      [],
    );
  });

  test('when no first checkpoint comes in time, the message of the start says so', async () => {
    const { w } = so;
    const broken = [
      'main-class=com.example.etl.OrdersJob',
      'args="--rate 10 --slow-checkpoint 600000"',
      'checkpoint-interval=1s',
      'execution.checkpointing.interval=',
      'execution.checkpointing.timeout=3s',
      'execution.checkpointing.tolerable-failed-checkpoints=1000',
    ];
    assert.match((await w.emma.says(`/flink set customers ${broken.join(' ')}`, etl)).text, /v5 saved and current/);
    const started = await does(w.emma, '/flink start customers --version current --fresh', /customers (started|was not started)/);
    assert.match(started.text, /customers started: v5 running/);
    await bothRun(so, flinkJobIdOf(started));
    // The demo gives the first checkpoint 90 s.
    await w.moveClock(91_000);
    const later = await w.emma.seesEdit(started, /No checkpoint came in time/, { timeoutMs: 90_000 });
    assert.match(later.text, /A crash now goes back to where it started from/);
    assert.equal((await w.flink.checkpoints(flinkJobIdOf(started))).counts.completed, 0);
    await busyWithASavepoint(so);
    // Its savepoint takes longer than Flink gives it: the stop ends nothing, and says what can be done.
    const kept = await does(w.emma, '/flink stop customers', /customers (was not )?stopped/);
    assert.match(kept.text, /customers was not stopped: its savepoint failed\. It runs on/);
    assert.match(kept.text, /The savepoint or checkpoint did not finish in time\./);
    assert.deepEqual(
      kept.buttons.map((b) => b.text),
      ['Try again', 'Stop without savepoint', 'Leave it running'],
    );
    // Flink itself restarts it then.
    await bothRun(so, flinkJobIdOf(started));
    await does(w.emma, '/flink stop customers --no-savepoint', /customers stopped without a savepoint/);
    await onlyJobIs(w, so.flinkJobId);
  });

  test('a plan that nobody decides on expires, and a sign-in link is too old after 5 minutes', async () => {
    const { w } = so;
    const link = signInLink(await w.emma.says('/flink web', etl));
    await w.moveClock(5 * 60_000 + 1000);
    assert.equal((await fetch(link)).status, 410);
    assert.equal((await redeem(link)).cookie, undefined);
    const asked = await w.emma.says(`/flink restore etl-orders --from ${so.savepoint} --reason "too late"`, etl);
    assert.match(asked.text, /Asked for approval/);
    const plan = await planOf(w.lena, asked);
    await w.moveClock(60 * 60_000 + 1000);
    await w.lena.seesEdit(plan, /expired/i, { timeoutMs: 90_000 });
    await onlyJobIs(w, so.flinkJobId);
  });
}

/** A savepoint that cannot be completed takes 3 s to fail: meanwhile everybody else is told who does what, with a link to its message. */
async function busyWithASavepoint({ w }: Conversation): Promise<void> {
  const asked = await w.emma.says('/flink savepoint customers', etl);
  const progress = await w.emma.sees((m) => !m.ephemeral && m.text.includes(operationIdOf(asked)), { ...etl, since: 'start' });
  const refused = await w.erik.says('/flink stop customers', etl);
  assert.match(refused.text, /customers is busy: emma asked for a savepoint, and that is in progress/);
  const links = refused.links.concat(refused.buttons.flatMap((b) => b.url ?? []));
  assert.ok(
    links.some((link) => link.endsWith(`/p${progress.ts.replace('.', '')}`)),
    `a link to what is in progress: ${links.join(', ')}`,
  );
  await w.emma.seesEdit(progress, /No savepoint/, { timeoutMs: 60_000 });
}
