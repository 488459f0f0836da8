import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { words } from '../../src/commands/parse.ts';
import { addVersion, findJob, findVersion, type JobDefinition, listVersions } from '../../src/jobs/jobs.store.ts';
import { assignParameter } from '../../src/jobs/parameters.ts';
import { formValues, readChanges, setCommand } from '../../src/web/parameters-form.ts';
import { type Browser, createRig, plainText } from './rig.ts';
import { definition, emma, lena } from './seed.ts';
import { seedFleet } from './seed-fleet.ts';

const path = '/jobs/etl-orders/parameters';
/** The form as a browser would send it, unchanged. */
async function formOf(person: Browser): Promise<Record<string, string>> {
  const { body } = await person.get(path);
  const fields = await person.guards(path, 'name="base"');
  for (const [, name, value] of body.matchAll(/<input id="p-[^"]*" name="([^"]+)"[^>]*? value="([^"]*)"/g))
    fields[name as string] = plainText(value as string);
  for (const [, name, value] of body.matchAll(/<textarea id="p-[^"]*" name="([^"]+)"[^>]*>\n?([^<]*)<\/textarea>/g))
    fields[name as string] = plainText(value as string).replace(/\n/g, '\r\n');
  for (const [, name, options] of body.matchAll(/<select id="p-[^"]*" name="([^"]+)"[^>]*>(.*?)<\/select>/gs))
    fields[name as string] = plainText(/<option value="([^"]*)" selected>/.exec(options as string)?.[1] ?? '');
  return fields;
}

test('saving makes the next version with only what was changed, as the command set', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const form = await formOf(person);
  assert.equal(form['args'], '--rate 200 --name "late orders"');
  const saved = await person.post(path, {
    ...form,
    args: '--rate 300 --name "late orders"',
    flink: 'state.backend.incremental: true\r\ntaskmanager.numberOfTaskSlots = 4\r\n# a note\r\n',
  });
  assert.equal(saved.status, 200);
  assert.match(saved.body, /etl-orders v4 saved and current/);
  assert.match(saved.body, /Parameters of v4/);
  assert.equal(rig.asked[0]?.line, `set etl-orders 'args=--rate 300 --name "late orders"' "taskmanager.numberOfTaskSlots=4"`);
  const version = await findVersion(rig.database.db, 'etl-orders', 4);
  assert.deepEqual(version?.definition.args, ['--rate', '300', '--name', 'late orders']);
  assert.deepEqual(version?.definition.flink, { 'state.backend.incremental': 'true', 'taskmanager.numberOfTaskSlots': '4' });
  assert.equal(version?.createdBy.userId, emma.userId);
  assert.equal(version?.definition.parallelism, 8);
});

test('the same form sent twice, also at once, is one version', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const form = { ...(await formOf(person)), parallelism: '3' };
  const answers = [...(await Promise.all([person.post(path, form), person.post(path, form)])), await person.post(path, form)];
  for (const answer of answers) assert.equal(answer.status, 200);
  assert.match(answers[2]?.body ?? '', /v4 saved and current/);
  assert.equal((await listVersions(rig.database.db, 'etl-orders')).length, 4);
});

test('errors come back beside their fields with what was typed, and nothing is saved', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const typed = {
    parallelism: 'many <b>',
    'checkpoint-interval': 'soon',
    links: 'no link',
    flink: 'bogus\r\nexecution.savepoint.path: x',
    args: '--name "open',
    'main-class': 'com.example.Other',
  };
  const answer = await person.post(path, { ...(await formOf(person)), ...typed }, { 'hx-request': 'true' });
  assert.equal(answer.status, 422);
  assert.match(answer.body, /Nothing was saved: 5 values cannot be used/);
  const errors = Object.fromEntries(
    [...answer.body.matchAll(/class="error" id="p-([^"]+)-error">([^<]*)</g)].map((m) => [m[1], plainText(m[2] as string)]),
  );
  assert.deepEqual(Object.keys(errors).sort(), ['args', 'checkpoint-interval', 'flink', 'links', 'parallelism']);
  assert.match(errors['parallelism'] ?? '', /whole number from 1 to 32768, not many <b>/);
  assert.match(errors['flink'] ?? '', /Line 1, bogus.*What a run starts from/);
  for (const value of [
    typed.parallelism,
    typed['checkpoint-interval'],
    typed.links,
    typed.args,
    typed['main-class'],
    'bogus\nexecution.savepoint.path: x',
  ])
    assert.ok(plainText(answer.body).includes(value), value);
  assert.equal(rig.asked.length, 0);
  assert.equal((await findJob(rig.database.db, 'etl-orders'))?.currentVersion, 3);
});

test('what the command refuses comes back above the form, with what was typed', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const answer = await person.post(path, { ...(await formOf(person)), environment: 'development', parallelism: '5' });
  assert.equal(answer.status, 422);
  assert.match(answer.body, /You may not change the environment/);
  assert.match(answer.body, /name="parallelism"[^>]* value="5"/);
  assert.match(answer.body, /<option value="development" selected>/);
});

test('a change made meanwhile by somebody else is kept, and shown where both touched one field', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const form = await formOf(person);
  const job = await findJob(rig.database.db, 'etl-orders');
  await rig.database.transaction((tx) =>
    addVersion(tx, 'etl-orders', {
      definition: { ...(job?.current.definition as JobDefinition), parallelism: 6 },
      origin: 'set',
      createdBy: lena,
    }),
  );
  const clash = await person.post(path, { ...form, parallelism: '7' });
  assert.equal(clash.status, 422);
  assert.match(clash.body, /changed meanwhile: it is 6 now/);
  const other = await person.post(path, { ...form, 'checkpoint-interval': '20s' });
  assert.equal(other.status, 200);
  const now = (await findJob(rig.database.db, 'etl-orders'))?.current.definition;
  assert.deepEqual([now?.parallelism, now?.checkpointInterval], [6, '20s']);
});

test('a value that a command line cannot carry is refused beside its field', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const answer = await person.post(path, { ...(await formOf(person)), args: '--a “curly”' });
  assert.equal(answer.status, 422);
  assert.match(answer.body, /This cannot be saved/);
  assert.equal(rig.asked.length, 0);
});

test('an unchanged form says so', async (t) => {
  const rig = await createRig(t);
  await seedFleet(rig.database);
  const person = await rig.as(emma);
  const answer = await person.post(path, await formOf(person));
  assert.equal(answer.status, 422);
  assert.match(answer.body, /nothing to save/);
});

test('a definition shown as a form and read back changes nothing', () => {
  const key = fc.constantFrom(
    'args',
    'parallelism',
    'checkpoint-interval',
    'checkpoint-dir',
    'restart-strategy',
    'links',
    'some.flink.key',
  );
  const value = fc.oneof(
    fc.constantFrom(
      '--a "b c" d',
      '4',
      '10s',
      's3://x/y',
      'fixed-delay(3, 10s)',
      'a=https://x.example,b=https://y.example',
      '',
      'x: y = z',
    ),
    fc.string({ maxLength: 12 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value), { maxLength: 8 }), (assignments) => {
      let made = definition;
      for (const [k, v] of assignments)
        try {
          made = assignParameter(made, k, v);
        } catch {
          // refused values are not in any definition
        }
      const { changes } = readChanges(made, formValues(made));
      assert.deepEqual(changes, []);
    }),
  );
});

test('what is saved arrives word for word, or is refused', () => {
  const change = fc.record({
    key: fc.constantFrom('args', 'links', 'main-class', 'a.b'),
    value: fc.string({ maxLength: 40 }),
    field: fc.constant('args'),
  });
  fc.assert(
    fc.property(fc.uniqueArray(change, { selector: (c) => c.key, minLength: 1 }), (changes) => {
      const { line, errors } = setCommand('etl-orders', changes);
      if (Object.keys(errors).length === 0)
        assert.deepEqual(words(line), ['set', 'etl-orders', ...changes.map((c) => `${c.key}=${c.value}`)]);
    }),
  );
});
