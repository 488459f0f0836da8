import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnreachableError } from '../../src/core/errors.ts';
import { createWorld, minute, otto, vic } from '../helpers/command-world.ts';

test('logs show the root exception first, then the ends of the logs', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  w.cluster.rootCause = { name: 'java.io.IOException', message: 'disk full', task: 'Window (3/4)', at: Date.now() - 3 * minute, stack: '' };
  w.cluster.logs = [
    { from: 'JobManager', text: Array.from({ length: 40 }, (_, i) => `INFO line ${i + 1}`).join('\n') },
    { from: 'TaskManager tm-1', text: `WARN ${'x'.repeat(500)}\nERROR password=hunter2hunter2 IOException\n` },
  ];
  const reply = await w.say(vic, 'logs etl-orders');
  assert.match(
    reply.text,
    /^Logs of etl-orders\nRoot exception, 3 min ago, in Window \(3\/4\)\njava\.io\.IOException: disk full\nINFO line 16\n/,
  );
  assert.match(reply.text, /INFO line 40\nWARN x+\nERROR /);
  assert.doesNotMatch(reply.text, /hunter2/);
  assert.ok(reply.text.split('\n').every((line) => line.length <= 220));
  assert.deepEqual(
    reply.message.parts.flatMap((p) => (p.kind === 'code' && p.label ? [p.label] : [])),
    ['JobManager', 'TaskManager tm-1'],
  );
  assert.match(JSON.stringify(reply.message), /https:\/\/sluice\.example\.com\/jobs\/etl-orders\/logs"/);
  assert.equal(reply.message.tone, 'bad');
});

test('--grep keeps the lines that contain it, whatever the case, and goes with the link', async (t) => {
  const w = await createWorld(t);
  await w.run('etl-orders');
  w.cluster.logs = [
    { from: 'JobManager', text: 'INFO fine\nERROR an exception & more\n' },
    { from: 'TaskManager', text: 'INFO fine\n' },
  ];
  const reply = await w.say(vic, 'logs etl-orders --grep "EXCEPTION & more"');
  assert.match(reply.text, /^Logs of etl-orders\nERROR an exception & more\nno line contains EXCEPTION & more\n/);
  assert.match(JSON.stringify(reply.message), /logs\?grep=EXCEPTION%20%26%20more/);
});

test('a cluster that does not answer is said; what is known is shown', async (t) => {
  const w = await createWorld(t);
  const rootException = {
    name: 'java.io.IOException',
    message: 'disk full',
    at: new Date(Date.now() - 3 * minute).toISOString(),
    task: null,
  };
  await w.run('etl-orders', { rootException });
  w.cluster.logs = new UnreachableError('connect ECONNREFUSED');
  const { text } = await w.say(vic, 'logs etl-orders');
  assert.match(
    text,
    /Root exception, 3 min ago\njava\.io\.IOException: disk full\nstandalone does not answer, so its logs cannot be read now/,
  );
});

test('a job that never ran has the logs of its cluster; nobody without a role reads them', async (t) => {
  const w = await createWorld(t);
  w.cluster.logs = [{ from: 'JobManager', text: '' }];
  assert.match((await w.say(vic, 'logs etl-orders')).text, /^Logs of etl-orders\nempty\n/);
  await w.refused(otto, 'logs etl-orders', /You may not use logs/);
  await w.refused(vic, 'logs etl-order', /Did you mean etl-orders/);
});
