import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commands } from '../../src/commands/index.ts';
import { parseCommand } from '../../src/commands/parse.ts';
import { questionOf, restorePointsIn } from '../../src/commands/question.ts';

const ask = (line: string) => questionOf(line, commands);
const fieldsOf = (line: string) => ask(line)?.fields.map(({ name, kind }) => `${name}:${kind}`);

test('every command with a required job offers it when it is left out, and no other command does', () => {
  let asking = 0;
  for (const command of commands) {
    const needsJob = command.arguments[0]?.kind === 'job' && command.arguments[0].required;
    for (const name of [command.name, ...(command.aliases ?? [])]) {
      const question = ask(name);
      assert.equal(question !== undefined, needsJob, name);
      if (!question) continue;
      asking++;
      assert.equal(question.fields[0]?.kind, 'job');
      // Each required argument is asked for, so that what the form makes can be run.
      const values = Object.fromEntries(question.fields.map((f) => [f.name, f.kind === 'words' ? 'parallelism=4' : 'v1']));
      const parsed = parseCommand(question.complete({ ...values, job: 'etl-orders' }), commands);
      assert.ok(parsed.is === 'command' && parsed.command === command && parsed.args.values['job'] === 'etl-orders', name);
    }
  }
  assert.ok(asking >= 14, `${asking} commands ask`);
});

test('what was typed stays; what else is needed is asked for', () => {
  assert.equal(ask('start --build --branch "new prices"')?.complete({ job: 'etl' }), 'start etl --build --branch "new prices"');
  assert.equal(ask('resume')?.complete({ job: 'etl' }), 'start etl');
  assert.deepEqual(fieldsOf('set parallelism=4 args="--rate 2"'), ['job:job']);
  assert.equal(ask('set parallelism=4 args="--rate 2"')?.complete({ job: 'etl' }), 'set etl parallelism=4 "args=--rate 2"');
  assert.deepEqual(fieldsOf('set'), ['job:job', 'key=value:words']);
  assert.equal(ask('set')?.complete({ job: 'etl', 'key=value': 'a=1\n b=2' }), 'set etl a=1 b=2');
  assert.deepEqual(fieldsOf('use v3'), ['job:job']);
  assert.equal(ask('use v3')?.complete({ job: 'etl' }), 'use etl v3');
  assert.deepEqual(fieldsOf('diff'), ['job:job', 'from:text']);
  assert.deepEqual(fieldsOf('restore'), ['job:job', 'from:restore-point', 'reason:text']);
  assert.deepEqual(fieldsOf('restore --from s3://a/b --reason "bad deploy"'), ['job:job']);
  assert.deepEqual(fieldsOf('restore --break-glass "all is down"'), ['job:job', 'from:restore-point']);
  assert.equal(
    ask('restore --version v2')?.complete({ job: 'etl', from: 'rp_1', reason: '--build "now"' }),
    `restore etl --version v2 --from rp_1 --reason "--build 'now'"`,
  );
});

test('a line that is whole, that helps, or that cannot be understood asks nothing', () => {
  for (const line of [
    'start etl',
    'start --help',
    'operations',
    'start --nope',
    'stop a b',
    'start "',
    'diff etl',
    'nothing',
    '',
    `start --reason ${'x'.repeat(2000)}`,
  ])
    assert.equal(ask(line), undefined, line);
});

test('any job, however named, and any reason arrive as one word each', () => {
  const word = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.string({ unit: 'grapheme', minLength: 1 }),
    fc.constantFrom('{job}', '<@U1>', 'a b', "it's", '$&', '`x`'),
  );
  const question = ask('restore');
  assert.ok(question);
  fc.assert(
    fc.property(word, word, (job, reason) => {
      const line = question.complete({ job: `j${job}`, from: 'rp_1', reason: `r${reason}` });
      const parsed = parseCommand(line, commands);
      assert.ok(parsed.is === 'command' && parsed.command.name === 'restore');
      assert.deepEqual(Object.keys(parsed.args.options), ['from', 'reason']);
      assert.ok(parsed.args.values['job']?.startsWith('j') && String(parsed.args.options['reason']).startsWith('r'));
    }),
  );
});

test('a button that lets choose a restore point is recognised by the table', () => {
  const found = restorePointsIn('restore etl --from {choice} --reason {input}', commands);
  assert.deepEqual([found?.command.name, found?.job], ['restore', 'etl']);
  assert.equal(restorePointsIn('restore etl --from s3://a --reason {choice}', commands), undefined);
  assert.equal(restorePointsIn('cancel etl --operation {choice}', commands), undefined);
  assert.equal(restorePointsIn('no "', commands), undefined);
});
