import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { commands } from '../../src/commands/index.ts';
import { normalise, optionWords, parseCommand, words } from '../../src/commands/parse.ts';
import { Reply, usageOf } from '../../src/commands/spec.ts';
import { UserError } from '../../src/core/errors.ts';
import { messageToText } from '../../src/core/message.ts';
import { quoteWord } from '../../src/core/text.ts';
import { checkButtons } from '../helpers/command-world.ts';

function parsed(line: string, impliedJob?: string) {
  const result = parseCommand(line, commands, impliedJob);
  assert.equal(result.is, 'command', line);
  if (result.is !== 'command') throw new Error(line);
  return { name: result.command.name, values: { ...result.args.values }, options: { ...result.args.options }, rest: result.args.rest };
}
/** The text and the buttons of a reply that ends parsing. */
function answer(line: string, impliedJob?: string): { text: string; buttons: string[] } {
  try {
    parseCommand(line, commands, impliedJob);
  } catch (error) {
    if (error instanceof UserError) return { text: `${error.message}\n${error.hint}`, buttons: [] };
    if (!(error instanceof Reply)) throw error;
    return { text: messageToText(error.reply), buttons: checkButtons(error.reply).map((a) => a.command ?? '') };
  }
  throw new Error(`${line} was understood`);
}

test('what chat clients do to text is undone', () => {
  const cases: [string, string[]][] = [
    ['start etl-orders —build', ['start', 'etl-orders', '--build']],
    ['start etl-orders –version v6', ['start', 'etl-orders', '--version', 'v6']],
    ['restore x --reason “bad deploy at 14:00”', ['restore', 'x', '--reason', 'bad deploy at 14:00']],
    ['restore x --reason «bad deploy»', ['restore', 'x', '--reason', 'bad deploy']],
    ['restore x --reason ‘bad deploy’', ['restore', 'x', '--reason', 'bad deploy']],
    ['start\u00a0etl-orders\u202f--build', ['start', 'etl-orders', '--build']],
    ['`start etl-orders`', ['start', 'etl-orders']],
    ['```start etl-orders```', ['start', 'etl-orders']],
    ['status `etl-orders`', ['status', 'etl-orders']],
    ['start etl-\u200borders\u0007', ['start', 'etl-orders']],
    ['stop x --reason "we — I mean ops — know"', ['stop', 'x', '--reason', 'we — I mean ops — know']],
  ];
  for (const [line, expected] of cases) assert.deepEqual(words(line), expected);
});

test('an apostrophe in a word is no quote', () => {
  assert.deepEqual(words('stop x --reason "it\'s the DBA\'s fault"'), ['stop', 'x', '--reason', "it's the DBA's fault"]);
  assert.deepEqual(words('stop x --reason don’t'), ['stop', 'x', '--reason', "don't"]);
  assert.deepEqual(words("rock'n'roll it's"), ["rock'n'roll", "it's"]);
  assert.deepEqual(words("stop x --reason 'it's Bob’s'"), ['stop', 'x', '--reason', "it's Bob's"]);
  assert.deepEqual(words("set x args='--rate 200'"), ['set', 'x', 'args=--rate 200']);
});

test('a quote that does not close, and a line that is too long, are said to be that', () => {
  assert.match(answer('stop x --reason "bad deploy').text, /^The quote " does not close\.\nAdd a "/);
  assert.match(answer("stop x --reason 'bad deploy").text, /^The quote ' does not close/);
  assert.match(
    answer(`set x args=${'y'.repeat(3989)}`).text,
    /^That command is 4000 characters long; at most 3000 are read\.\nPut long values/,
  );
});

test('an empty line is empty; the slash command may be typed again', () => {
  for (const line of ['', '   ', '``', '/flink', '\u200b']) assert.equal(parseCommand(line, commands).is, 'empty');
  assert.equal(parsed('/flink status etl-orders').name, 'status');
  assert.equal(parsed('flink STATUS etl-orders').name, 'status');
});

test('a mistyped verb is offered as a button with the rest of the line, never run', () => {
  const { text, buttons } = answer('strat etl-orders --reason "bad deploy"');
  assert.match(text, /^There is no command strat\. Did you mean start\?\nNothing was done/);
  assert.equal(buttons[0], 'start etl-orders --reason "bad deploy"');
  const far = answer('frobnicate');
  assert.match(far.text, /^There is no command frobnicate\.\nKnown: help, list, /);
  assert.doesNotMatch(far.text, /review/);
  assert.deepEqual(far.buttons, ['help']);
});

test('a mistyped option is offered corrected; an unknown one tells what there is', () => {
  const { text, buttons } = answer('start etl-orders --buld --branch "fix it"');
  assert.match(text, /^start has no option --buld\. Did you mean --build\?\nNothing was done/);
  assert.deepEqual(buttons, ['start etl-orders --build --branch "fix it"']);
  assert.deepEqual(answer('start x --versoin=v3').buttons, ['start x --version=v3']);
  assert.match(
    answer('start x --zzzzzz').text,
    /^start has no option --zzzzzz\.\nIt knows --build, --branch, .*\nUsage: \/flink start <job>/,
  );
  assert.match(answer('whoami --zzzzzz').text, /It has no options/);
  assert.match(answer('start x --constructor').text, /^start has no option --constructor/);
  assert.match(answer('start x --version').text, /^--version needs a value: --version <vN>/);
  assert.match(answer('start x --version --build').text, /^--version needs a value/);
  assert.match(answer('start x --build=yes').text, /^--build is a switch and takes no value/);
});

test('the value of an option may begin with a dash', () => {
  assert.equal(parsed('stop x --reason "- no storage\n- no sleep"').options['reason'], '- no storage\n- no sleep');
  assert.equal(parsed('stop x --reason "--why"').options['reason'], '--why');
  assert.deepEqual(parsed('stop x --reason "- a" --no-savepoint').options, { reason: '- a', 'no-savepoint': true });
});

test('a missing argument is named with usage and example', () => {
  const { text, buttons } = answer('start');
  assert.match(text, /^start needs the name of a job\.\nUsage: \/flink start <job> .*\nExample: \/flink start etl-orders/);
  assert.deepEqual(buttons, ['list']);
  assert.match(answer('acknowledge').text, /^acknowledge needs <incident>: its id, or the job or cluster:name that it is about\./);
  assert.match(answer('diff x').text, /^diff needs <from>: a version, for example v3\./);
  assert.match(answer('set x').text, /^set needs <key=value>: what to change, for example parallelism=4\./);
});

test('a job name with spaces is offered as names are written, with its options', () => {
  const { text, buttons } = answer('start Etl orders --version v3');
  assert.match(text, /^start was given more than it takes: orders\.\nJob names have no spaces\. Nothing was done/);
  assert.deepEqual(buttons, ['start etl-orders --version v3']);
  assert.match(answer('use etl orders v3').text, /given more than it takes: v3/);
  assert.doesNotMatch(answer('whoami now').text, /Job names/);
});

test("the thread's job is implied where it is left out", () => {
  assert.deepEqual(parsed('logs', 'etl-orders').values, { job: 'etl-orders' });
  assert.deepEqual(parsed('logs customers', 'etl-orders').values, { job: 'customers' });
  assert.deepEqual(parsed('restart --build', 'etl-orders').values, { job: 'etl-orders' });
  assert.deepEqual(parsed('use v3', 'etl-orders').values, { job: 'etl-orders', version: 'v3' });
  assert.deepEqual(parsed('diff v3 v5', 'etl-orders').values, { job: 'etl-orders', from: 'v3', to: 'v5' });
  assert.deepEqual(parsed('set parallelism=4 args=', 'etl-orders').rest, ['parallelism=4', 'args=']);
  assert.equal(parsed('set parallelism=4 args=', 'etl-orders').values['job'], 'etl-orders');
  assert.deepEqual(parsed('set customers parallelism=4', 'etl-orders').values['job'], 'customers');
  assert.deepEqual(parsed('list', 'etl-orders').values, { filter: undefined });
});

test('--help needs nothing else', () => {
  for (const command of commands) assert.equal(parsed(`${command.name} --help`).options['help'], true);
});

test('every alias and every example means its own command, and no name is taken twice', () => {
  const names = commands.flatMap((c) => [c.name, ...(c.aliases ?? [])]);
  assert.equal(new Set(names).size, names.length);
  for (const command of commands) {
    for (const alias of command.aliases ?? []) assert.equal(parsed(`${alias} --help`).name, command.name);
    assert.ok(command.examples.length > 0, command.name);
    for (const example of command.examples) assert.equal(parsed(example).name, command.name);
    assert.ok(usageOf(command).startsWith(command.name));
  }
});

const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...commands.flatMap((c) => [c.name, ...Object.keys(c.options).map((o) => `--${o}`)])),
        fc.constantFrom(
          '"',
          "'",
          '“',
          '’',
          '`',
          '—build',
          '--',
          '-',
          '=',
          '--=',
          '--reason=',
          'etl-orders',
          '__proto__',
          '--__proto__',
          '\0',
          '\n',
        ),
        fc.string({ maxLength: 8 }),
      ),
      { maxLength: 10 },
    )
    .chain((parts) => fc.constantFrom(' ', '').map((glue) => parts.join(glue))),
);

test('whatever is typed is a command, or a sentence about it', () => {
  fc.assert(
    fc.property(anything, fc.constantFrom(undefined, 'etl-orders'), (line, implied) => {
      try {
        const result = parseCommand(line, commands, implied);
        assert.ok(result.is === 'empty' || commands.includes(result.command));
      } catch (error) {
        assert.ok(error instanceof UserError || error instanceof Reply, `${error}`);
      }
    }),
    { numRuns: 10_000 },
  );
});

/** Words that the command language can carry: it has no escape for a double quote, and backticks and look-alikes are normalised. */
const word = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .filter((w) => !w.includes('"') && normalise(`"${w}"`) === `"${w}"` && !/(^|\s)[—–]/.test(w));

test('what is written as words is read as the same words', () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), (list) => {
      assert.deepEqual(words(list.map(quoteWord).join(' ')), list);
    }),
    { numRuns: 3000 },
  );
});

test('options that are written again are read as the same options', () => {
  fc.assert(
    fc.property(word, fc.boolean(), (reason, noSavepoint) => {
      const options = { reason, ...(noSavepoint ? { 'no-savepoint': true } : {}) };
      assert.deepEqual(parsed(['stop', 'etl-orders', ...optionWords(options)].join(' ')).options, options);
    }),
    { numRuns: 2000 },
  );
});
