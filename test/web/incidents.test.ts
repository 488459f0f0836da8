import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openIncidents } from '../../src/incidents/incidents.store.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { createRig, plainText } from './rig.ts';
import { emma, vic } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

const textOf = (body: string) => plainText(body.replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ');

test('incidents: what is wrong with who looks after it, what is silenced, what is over and how it ended', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const { body } = await (await rig.as(vic)).get('/incidents');
  const [open = '', silenced = '', over = ''] = body.split('<section').slice(1).map(textOf);
  assert.match(open, /Open .* payments-fraud-scoring failed looked after failed .* Lena/);
  assert.match(silenced, /Silenced .* cluster standalone .* Lena Lead new nodes/);
  assert.match(over, /Over .* payments-fraud-scoring keeps restarting over restarting .* It runs again on 4\/4 tasks\./);
});

test('one incident: its message with the buttons, the picture and the timeline of the hour around it', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const [incident] = await openIncidents(rig.database.db, 'payments-fraud-scoring');
  const { body } = await (await rig.as(emma)).get(`/incidents/${incident?.id}`);
  assert.match(body, /<svg[^>]*role="img"[\s\S]*<rect class="trouble"[\s\S]*v1 failed/);
  assert.match(
    textOf(body),
    /java\.lang\.OutOfMemoryError: Java heap space .* Resume .* Timeline .* The run ended: v1 failed .* Acknowledged by Lena Lead\./,
  );
  assert.equal((await (await rig.as(emma)).get('/incidents/inc_zzzzzzzzzzzz')).status, 404);
});

test('incidents of jobs that are not a person’s are neither listed nor shown', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  await rig.database.transaction(async (tx) => {
    await tx.execute("update jobs set team = 'elsewhere' where name = 'payments-fraud-scoring'" as never);
    await openIncident(tx, {
      key: 'cluster:standalone:unreachable',
      job: undefined,
      cluster: 'standalone',
      cause: 'unreachable',
      title: 'standalone does not answer',
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    });
  });
  const [hidden] = await openIncidents(rig.database.db, 'payments-fraud-scoring');
  const page = textOf((await (await rig.as(emma)).get('/incidents')).body);
  assert.doesNotMatch(page, /payments-fraud-scoring/);
  assert.match(page, /standalone does not answer/);
  assert.equal((await (await rig.as(emma)).get(`/incidents/${hidden?.id}`)).status, 403);
});
