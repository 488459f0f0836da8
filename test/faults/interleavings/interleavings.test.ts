import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { operationKinds } from '../../../src/operations/kinds/index.ts';
import { type Mutant, runMutant } from '../mutate.ts';
import { effectOf } from './effects.ts';
import { violations } from './invariants.ts';
import { plantedFaults, soundRules } from './rules.ts';
import { variants } from './schedule.ts';
import { type Search, search } from './search.ts';
import { simulate } from './simulate.ts';

const runs = Number(process.env['SLUICE_INTERLEAVINGS'] ?? 20_000);
const seed = Number(process.env['SLUICE_SEED'] ?? Date.now() % 2 ** 31);

function told(result: Search): string {
  const { found } = result;
  return found
    ? `seed ${result.seed}, run ${found.afterRuns}: ${found.violations.join('; ')}\n${JSON.stringify(found.schedule)}`
    : `seed ${result.seed}: ${result.runs} interleavings, ${result.fired} faults fired, ends ${JSON.stringify(result.ends)}, ${Math.round(result.tookMs / 1000)} s`;
}

describe('interleavings of replicas, people and a faulty cluster', () => {
  it('break nothing', (t) => {
    const result = search(runs, seed);
    t.diagnostic(told(result));
    assert.equal(result.found, undefined, told(result));
    if (runs < 5000) return;
    assert.ok(result.fired > runs, 'faults were met');
    for (const state of ['succeeded', 'failed', 'canceled', 'parked']) assert.ok((result.ends[state] ?? 0) > 0, `some end as ${state}`);
  });

  it('cover every kind and every step as it is written', () => {
    for (const kind of operationKinds) {
      assert.ok(
        variants.some((variant) => variant.kind === kind.kind),
        `${kind.kind} is simulated`,
      );
      for (const step of [...kind.steps, ...(kind.undo ?? [])]) {
        const effect = effectOf(step.name);
        assert.equal(effect.observe !== undefined, step.observe !== undefined, `${step.name} is observed here as there`);
      }
    }
  });

  it('are the same again under the same seed', () => {
    const [one, two] = [search(50, 7), search(50, 7)].map(({ tookMs: _, ...rest }) => rest);
    assert.deepEqual(one, two);
  });
});

describe('a planted fault of the protocol is found:', () => {
  for (const { name, rules, focus, schedule } of plantedFaults)
    it(name, (t) => {
      const broken = { ...soundRules, ...rules };
      if (schedule) {
        assert.deepEqual(violations(simulate(schedule, soundRules)), [], 'sound without it');
        assert.notDeepEqual(violations(simulate(schedule, broken)), []);
        return;
      }
      const result = search(6000, 11, broken, focus, false);
      t.diagnostic(told(result));
      assert.ok(result.found, told(result));
    });
});

const machine = 'src/operations/machine.ts';
const mutants: readonly (Mutant & { name: string })[] = [
  { name: 'goes forward after the turn', file: machine, from: 'view.turned ? view.undo : view.steps', to: 'view.steps' },
  { name: 'acts on what an earlier owner began', file: machine, from: "const begun = state === 'running';", to: 'const begun = false;' },
  {
    name: 'a stop that was begun is not finished before a cancel',
    file: machine,
    from: '!mustFinish(step, begun, finishing)',
    to: 'true',
  },
  { name: 'never gives up on deaths', file: machine, from: 'if (view.crashes >= maxCrashes)', to: 'if (view.crashes > 1000)' },
  {
    name: 'repeats blindly after silence',
    file: machine,
    from: "{ is: acted ? 'park' : 'fail' } : { is: 'wait' }, mayHaveActed: acted };",
    to: "{ is: acted ? 'park' : 'fail' } : { is: 'wait' }, mayHaveActed: false };",
  },
  {
    name: '"cannot tell" becomes "failed"',
    file: machine,
    from: "return stays(t.late ? { is: acted ? 'park' : 'fail' } : { is: 'wait' });",
    to: "return stays({ is: 'fail' });",
  },
];
describe('a mutant of machine.ts is found:', () => {
  it('only with one: the same search finds nothing in what is there', () => {
    const result = search(6000, 11);
    assert.equal(result.found, undefined, told(result));
  });
  for (const { name, ...mutant } of mutants)
    it(name, async (t) => {
      const { code, output } = await runMutant(mutant, 'test/faults/interleavings/search.ts', ['6000', '11'], { timeoutMs: 180_000 });
      t.diagnostic(output);
      assert.equal(code, 3, output);
    });
});
