import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JobDefinition } from '../../src/db/schema/index.ts';
import { splitArguments } from '../../src/jobs/arguments.ts';
import { assignParameter, diffDefinitions, flatten, isFlinkKey, ParameterProblem, parameters } from '../../src/jobs/parameters.ts';

const empty: JobDefinition = { cluster: 'standalone', environment: 'production', args: [], flink: {}, links: [] };
const shown = (definition: JobDefinition, key: string) => parameters.find((p) => p.key === key)!.show(definition);

describe('a parameter', () => {
  const good: [key: string, typed: string, shown?: string][] = [
    ['cluster', 'yarn'],
    ['environment', 'development'],
    ['main-class', 'com.example.etl.OrdersJob'],
    ['main-class', 'Orders$Inner'],
    ['args', '--rate 100'],
    ['args', `--name "two words" --quote 'say "hi"'`, `--name "two words" --quote 'say "hi"'`],
    ['parallelism', '4'],
    ['parallelism', '32768'],
    ['checkpoint-interval', '10s'],
    ['checkpoint-interval', '5 min'],
    ['checkpoint-dir', 's3://lake/checkpoints'],
    ['savepoint-dir', '/data/savepoints'],
    ['savepoint-dir', 'file:/data/savepoints'],
    ['restart-strategy', 'none'],
    ['restart-strategy', 'exponential-delay'],
    ['restart-strategy', 'fixed-delay(3, 10s)'],
    ['restart-strategy', 'fixed-delay( 3 ,10 s )', 'fixed-delay(3, 10 s)'],
    ['state-backend', 'rocksdb'],
    ['channel', 'C0123ABCD'],
    ['channel', '<#C0123ABCD|etl>', 'C0123ABCD'],
    ['alert-channel', '<#G0123ABCD>', 'G0123ABCD'],
    ['links', 'runbook=https://wiki.example.com/etl'],
    ['links', 'a=https://a.example, b=http://b.example?x=1', 'a=https://a.example\nb=http://b.example?x=1'],
    ['links', 'grafana=https://g.example/d?var=a,b&c=1'],
    ['taskmanager.numberOfTaskSlots', '4'],
    ['table.exec.uid.generation', 'PLAN_ONLY'],
  ];
  for (const [key, typed, expected = typed] of good)
    it(`${key} takes ${typed}`, () => {
      const after = assignParameter(empty, key, `  ${typed} `);
      assert.equal(flatten(after).get(key), expected);
      assert.deepEqual(assignParameter(after, key, expected), after, 'what is shown can be typed again');
    });

  const bad: [key: string, typed: string, says: RegExp][] = [
    ['cluster', '', /needs a cluster/],
    ['environment', 'test', /production or development, not test/],
    ['environment', '', /not empty/],
    ['main-class', 'a b', /no Java class name/],
    ['main-class', '.Orders', /no Java class name/],
    ['args', '--name "open', /The quote " in the arguments does not close/],
    ['parallelism', '0', /1 to 32768, not 0/],
    ['parallelism', '-1', /not -1/],
    ['parallelism', '1e3', /not 1e3/],
    ['parallelism', '32769', /not 32769/],
    ['parallelism', 'four', /not four/],
    ['checkpoint-interval', 'often', /no duration/],
    ['checkpoint-interval', '-5s', /no duration/],
    ['checkpoint-interval', '5ms', /under 10 ms/],
    ['checkpoint-dir', 'relative/path', /no directory: expected an absolute path or a URI/],
    ['restart-strategy', 'sometimes', /no restart strategy/],
    ['restart-strategy', 'fixed-delay(3)', /no restart strategy/],
    ['restart-strategy', 'fixed-delay(3, soon)', /no restart strategy/],
    ['restart-strategy', 'fixed-delay(99999999999, 10s)', /more than Flink can count/],
    ['state-backend', 'disk', /hashmap or rocksdb, not disk/],
    ['channel', 'etl', /no Slack channel/],
    ['links', 'runbook', /no link/],
    ['links', 'runbook=ftp://x', /no link/],
    ['links', 'x=javascript:alert(1)', /no link/],
    ['table.exec.uid.generation', 'always', /no savepoint could be restored/],
    ['execution.savepoint.path', 's3://x', /chosen by start and restore/],
    ['execution.state-recovery.path', 's3://x', /chosen by start and restore/],
    ['$internal.pipeline.job-id', 'x', /no parameter \$internal/],
    ['paralelism', '4', /Did you mean parallelism\?/],
    ['zzz', '4', /Known: cluster, environment/],
  ];
  for (const [key, typed, says] of bad)
    it(`${key} refuses "${typed}"`, () => {
      assert.throws(
        () => assignParameter(empty, key, typed),
        (error) => error instanceof ParameterProblem && says.test(error.message) && !/undefined/.test(error.message),
      );
    });

  it('is unset by an empty value, and a job keeps what it cannot do without', () => {
    let full = empty;
    for (const [key, typed] of good) full = assignParameter(full, key, typed);
    for (const { key } of parameters) {
      if (key === 'cluster' || key === 'environment') continue;
      const without = assignParameter(full, key, '');
      assert.equal(shown(without, key), undefined, key);
    }
    assert.equal(flatten(assignParameter(full, 'taskmanager.numberOfTaskSlots', '')).get('taskmanager.numberOfTaskSlots'), undefined);
  });

  it('never changes the definition it is given', () => {
    const before = structuredClone(empty);
    for (const [key, typed] of good) assignParameter(empty, key, typed);
    assert.deepEqual(empty, before);
  });
});

describe('arguments', () => {
  it('come back as they are, whatever they hold', () => {
    const arg = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '\\', '\n', '\t', '=', '{', '}', '\u00a0', 'ü', '😀') }),
    );
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 6 }), (args) => {
        const text = shown({ ...empty, args }, 'args') ?? '';
        assert.deepEqual(splitArguments(text), args);
        assert.deepEqual(assignParameter(empty, 'args', text).args, args);
      }),
      { numRuns: 3000 },
    );
  });
  it('are split as a shell would', () => {
    assert.deepEqual(splitArguments(`  a  'b c' "d 'e'" f"g h"i '' \n j`), ['a', 'b c', "d 'e'", 'fg hi', '', 'j']);
    assert.throws(() => splitArguments(`it's`), ParameterProblem);
  });
});

describe('every definition', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const duration = fc.tuple(fc.integer({ min: 10, max: 999 }), fc.constantFrom('ms', 's', 'min', ' h')).map(([n, unit]) => `${n}${unit}`);
  const definitions: fc.Arbitrary<JobDefinition> = fc
    .record(
      {
        cluster: word,
        environment: fc.constantFrom('production' as const, 'development' as const),
        mainClass: fc.tuple(word, word).map((w) => w.join('.')),
        args: fc.array(fc.string(), { maxLength: 4 }),
        parallelism: fc.integer({ min: 1, max: 32_768 }),
        checkpointInterval: duration,
        checkpointDir: word.map((w) => `s3://${w}/cp`),
        savepointDir: word.map((w) => `/${w}`),
        restartStrategy: fc.oneof(
          fc.constant({ kind: 'none' as const }),
          fc.constant({ kind: 'exponential-delay' as const }),
          fc.record({ kind: fc.constant('fixed-delay' as const), attempts: fc.integer({ min: 0, max: 1000 }), delay: duration }),
        ),
        stateBackend: fc.constantFrom('hashmap' as const, 'rocksdb' as const),
        flink: fc.dictionary(
          fc.tuple(word, word).map((w) => `own.${w.join('.')}`),
          word,
          { maxKeys: 3 },
        ),
        channel: fc.stringMatching(/^C[A-Z0-9]{3,8}$/),
        alertChannel: fc.stringMatching(/^G[A-Z0-9]{3,8}$/),
        links: fc.array(fc.record({ label: word, url: fc.webUrl({ withQueryParameters: true, withFragments: true }) }), { maxLength: 3 }),
      },
      { requiredKeys: ['cluster', 'environment', 'args', 'flink', 'links'] },
    )
    // Without fast-check's null prototypes.
    .map((d) => JSON.parse(JSON.stringify(d)) as JobDefinition);

  it('can be shown and typed again, parameter by parameter', () => {
    fc.assert(
      fc.property(definitions, (definition) => {
        let again: JobDefinition = empty;
        for (const [key, value] of flatten(definition)) again = assignParameter(again, key, value);
        assert.deepEqual(again, definition);
        for (const { key } of parameters) {
          const value = shown(definition, key);
          if (value !== undefined) assert.deepEqual(assignParameter(definition, key, value), definition, key);
        }
      }),
      { numRuns: 500 },
    );
  });
  it('differs from another exactly where the diff says', () => {
    fc.assert(
      fc.property(definitions, definitions, (a, b) => {
        const diff = diffDefinitions(a, b);
        let patched = a;
        for (const { key, after } of diff) patched = assignParameter(patched, key, after ?? '');
        assert.deepEqual(patched, b);
        assert.deepEqual(diffDefinitions(a, a), []);
      }),
      { numRuns: 300 },
    );
  });
});

it('tells Flink keys from names of ours', () => {
  for (const key of ['taskmanager.numberOfTaskSlots', 'state.backend.type', 'own.a-b.c_d']) assert.equal(isFlinkKey(key), true, key);
  for (const key of ['parallelism', 'a.', '.a', 'a..b', 'a b.c', '__proto__', '$internal.x', 'constructor'])
    assert.equal(isFlinkKey(key), false, key);
});
