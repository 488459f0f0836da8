import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Candidate, rank } from '../../src/commands/picker-rank.ts';

const names = (list: Candidate[]) => list.map((c) => c.name);
const job = (name: string, usedAtMs?: number, own = false): Candidate => ({ name, usedAtMs, own });

test('what begins with the typed text comes first, then words that do, then what contains it', () => {
  const all = ['customers-etl', 'etl-orders', 'etl', 'betl', 'orders', 'late-etlx'].map((name) => job(name));
  assert.deepEqual(names(rank(all, 'etl')), ['etl', 'etl-orders', 'customers-etl', 'late-etlx', 'betl']);
  assert.deepEqual(names(rank(all, ' ETL ')), names(rank(all, 'etl')));
  assert.deepEqual(names(rank(all, 'orders etl')), ['etl-orders']);
  assert.deepEqual(rank(all, 'nothing'), []);
});

test('among equals: what the person used last, then own teams, then the alphabet', () => {
  const all = [job('a'), job('b', undefined, true), job('c', 5), job('d', 9), job('e', 5, true)];
  assert.deepEqual(names(rank(all, '')), ['d', 'e', 'c', 'b', 'a']);
});

test('any names, any typed text: a stable order of the matching ones only, the same whatever order they came in', () => {
  const word = fc.oneof(
    fc.constantFrom('etl', 'orders', 'etl-orders', 'x', ''),
    fc.string({ maxLength: 6 }),
    fc.string({ unit: 'grapheme', maxLength: 6 }),
  );
  const candidate = fc.record({ name: word, usedAtMs: fc.option(fc.nat(5), { nil: undefined }), own: fc.boolean() });
  fc.assert(
    fc.property(
      fc.uniqueArray(candidate, { selector: (c) => c.name, maxLength: 30 }),
      word,
      fc.infiniteStream(fc.nat(1000)),
      (list, typed, order) => {
        const found = rank(list, typed);
        const wanted = typed.trim().toLowerCase();
        for (const c of list) {
          const matches = wanted.split(/\s+/).every((w) => c.name.toLowerCase().includes(w)) || c.name.toLowerCase().includes(wanted);
          assert.equal(found.includes(c), matches, `${JSON.stringify(c.name)} for ${JSON.stringify(typed)}`);
        }
        const lastPrefix = found.findLastIndex((c) => c.name.toLowerCase().startsWith(wanted));
        assert.ok(
          found.slice(0, lastPrefix + 1).every((c) => c.name.toLowerCase().startsWith(wanted)),
          'nothing stands before a prefix',
        );
        const shuffled = [...list].map((c) => ({ c, at: order.next().value })).sort((a, b) => a.at - b.at);
        assert.deepEqual(
          rank(
            shuffled.map(({ c }) => c),
            typed,
          ),
          found,
        );
      },
    ),
  );
});
