import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { figures } from '../../src/watch/figures.store.ts';
import type { WebOptions } from '../../src/web/web.ts';
import { browser, createRig } from './rig.ts';
import { emma } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

test('metrics: what is under way, what is wrong and how old the last answers are, without names of jobs and people', async (t) => {
  const options: Partial<WebOptions> = {};
  const rig = await createRig(t, options);
  await seedFleet(rig.database);
  const list = await figures(rig.database.db);
  const other = await createRig(t, { metrics: async () => list });
  const { status, body, headers } = await browser(other.web, '').get('/metrics');
  assert.equal(status, 200);
  assert.match(String(headers['content-type']), /^text\/plain; version=/);
  assert.match(body, /^sluice_operations\{state="running"\} 1$/m);
  assert.match(body, /^sluice_incidents\{cause="failed",state="firing"\} 1$/m);
  assert.match(body, /^sluice_cluster_last_answer_age_seconds\{cluster="standalone"\} \d/m);
  assert.match(body, /^sluice_state_store_up 1$/m);
  assert.match(body, /^process_resident_memory_bytes \d+/m);
  assert.doesNotMatch(body, /etl-orders|payments|Emma|Lena/);
});

test('metrics answer while the state store does not, and say that', async (t) => {
  const rig = await createRig(t, {
    metrics: async () => {
      throw new UnreachableError('The state store does not answer.');
    },
  });
  const { status, body } = await browser(rig.web, '').get('/metrics');
  assert.equal(status, 200);
  assert.match(body, /^sluice_state_store_up 0$/m);
});

test('the page of clusters says of how many jobs the checkpoints are not read', async (t) => {
  const rig = await createRig(t, { unread: async () => new Map([['standalone', { runs: 5, unread: 2, afterMs: 300_000 }]]) });
  await seedFleet(rig.database);
  const { body } = await (await rig.as(emma)).get('/clusters');
  assert.match(body, /standalone<\/strong>: the checkpoints of 2 of 5 running jobs could not be read for over 5 min/);
});
