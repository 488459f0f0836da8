import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sql } from '../../src/db/query.ts';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { acknowledgeIncidents } from '../../src/incidents/open.ts';
import { incidentRig } from './rig.ts';

const minute = 60_000;
const lee = { teamId: 'T1', userId: 'U2', name: 'lee' };
const broker = { exception: 'java.io.IOException: broker kafka-3:9092 is gone' };

it('what waits to be told is not told while its cluster does not answer, and is once it does', async (t) => {
  const r = await incidentRig(t);
  await r.breaks('orders', { cause: 'restarting', settleMs: 30_000 });
  await r.database.db.execute(sql`insert into cluster_views (cluster, failures) values ('standalone', 2)`);
  await r.later(5 * minute);
  assert.deepEqual(await r.said(), []);
  await r.database.db.execute(sql`update cluster_views set failures = 0`);
  await r.later(5000);
  assert.deepEqual(await r.said(), ['orders is restarting']);
});

it('nor while an operation holds the job: that tells of it itself', async (t) => {
  const r = await incidentRig(t);
  await r.breaks('orders', { cause: 'restarting', settleMs: 30_000 });
  await r.database.db.execute(sql`insert into operations (id, kind, job, state, holds, input, idem_key, actor, origin, message_id, created_at)
    values ('op_1', 'restart', 'orders', 'running', true, '{}', 'k', '{}', '{}', 'm', sluice_now())`);
  await r.later(5 * minute);
  assert.deepEqual(await r.said(), []);
  await r.database.db.execute(sql`update operations set state = 'succeeded', holds = false`);
  await r.later(5000);
  assert.deepEqual(await r.said(), ['orders is restarting']);
});

it('one cause over jobs of two teams calls those who are on call for either, at once and later', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders', { facts: broker });
  await r.breaks('clicks', { facts: { ...broker, onCall: 'S0ADS' } });
  assert.match(await r.text(/2 jobs failed/), /@S0ADS @S0ONCALL|@S0ONCALL @S0ADS/);
  await r.later(31 * minute);
  const [called] = (await r.threads()).filter((one) => /Nobody looks after it/.test(one));
  assert.match(called ?? '', /S0ONCALL/);
  assert.match(called ?? '', /S0ADS/);
});

it('what joins after somebody took the others calls once more, the first time', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks', 'views', 'bills']);
  await r.breaks('orders', { facts: broker });
  await r.breaks('clicks', { facts: broker });
  await r.later(1000);
  for (const open of await openIncidents(r.database.db)) await r.transaction((tx) => acknowledgeIncidents(tx, [open.id], lee));
  await r.later(1000);
  for (const job of ['views', 'bills']) await r.breaks(job, { facts: broker });
  const calls = (await r.threads()).filter((one) => /S0ONCALL/.test(one));
  assert.equal(calls.length, 1);
  assert.match(calls[0] ?? '', /^And now: views failed/);
});

it('a job of a group that comes back with another exception has a message of its own', async (t) => {
  const r = await incidentRig(t, ['orders', 'clicks']);
  await r.breaks('orders', { facts: broker });
  await r.breaks('clicks', { facts: broker });
  await r.mends('orders');
  await r.mends('clicks');
  await r.later(minute);
  await r.breaks('clicks', { facts: { exception: 'java.lang.OutOfMemoryError: Java heap space' } });
  assert.match((await r.said()).at(-1) ?? '', /^clicks failed$/);
  assert.match(await r.text(/^clicks failed$/), /OutOfMemoryError/);
});

it('what comes back in a message that Slack has, while Slack is down, is heard elsewhere', async (t) => {
  const r = await incidentRig(t);
  await r.breaks('orders');
  await r.database.db.execute(
    sql`update outbox_messages set state = 'sent', sent_ts = '1.1', sent_version = desired_version, sent_at = sluice_now()`,
  );
  await r.mends('orders');
  await r.later(minute);
  await r.breaks('orders');
  const mail = [{ kind: 'email', name: 'oncall-mail' }];
  await r.later(4 * minute, mail);
  assert.deepEqual(await r.elsewhere('oncall-mail'), []);
  await r.later(2 * minute, mail);
  assert.equal((await r.elsewhere('oncall-mail')).length, 1);
});
