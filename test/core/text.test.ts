import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearest, oneLine, plural, quoteWord, stripControls, truncate } from '../../src/core/text.ts';

const commands = ['start', 'stop', 'status', 'restart', 'restore', 'retry', 'reject', 'list', 'logs', 'build', 'set', 'use', 'savepoint'];

test('a mistyped word finds what was meant, the best first', () => {
  const table: [string, string][] = [
    ['strat', 'start'],
    ['statsu', 'status'],
    ['restroe', 'restore'],
    ['STOP', 'stop'],
    ['biuld', 'build'],
    ['lst', 'list'],
    ['sav', 'savepoint'],
  ];
  for (const [typed, meant] of table) assert.equal(nearest(typed, commands)[0], meant, typed);
  assert.deepEqual(nearest('etl-order', ['customers', 'etl-orders', 'etl-returns']), ['etl-orders']);
  assert.equal(nearest('orders', ['customers', 'etl-orders', 'etl-orders-nightly'])[0], 'etl-orders');
});

test('a word that is far from everything finds nothing', () => {
  for (const typed of ['xyzzy', 'kubernetes', 'q', 'go', '']) assert.deepEqual(nearest(typed, commands), [], typed);
  assert.deepEqual(nearest('start', []), []);
});

test('at most so many candidates, each of the list, and the word itself first', () => {
  const word = fc.stringMatching(/^[a-z-]{1,12}$/);
  fc.assert(
    fc.property(word, fc.uniqueArray(word, { maxLength: 20 }), fc.integer({ min: 1, max: 5 }), (typed, candidates, limit) => {
      const found = nearest(typed, candidates, limit);
      assert.ok(found.length <= limit);
      for (const one of found) assert.ok(candidates.includes(one));
      if (candidates.includes(typed)) assert.equal(found[0], typed);
    }),
  );
});

test('text is cut on a border that people see, and the cut is marked', () => {
  const family = '👩‍👩‍👧‍👦';
  assert.equal(truncate('abcdef', 6), 'abcdef');
  assert.equal(truncate('abcdefg', 6), 'abcde…');
  assert.equal(truncate(`ab${family}cd`, 2 + family.length), 'ab…');
  assert.equal(truncate(`ab${family}cd`, 3 + family.length), `ab${family}…`);
  assert.equal(truncate('e\u0301e\u0301e\u0301', 4), 'e\u0301…');
  assert.equal(truncate('🇩🇪🇫🇷', 5), '🇩🇪…');
  assert.equal(truncate(`a${'\u0301'.repeat(500)}b`, 50), '…');
});

test('cut text is never too long, never ends within a character, and begins as the text does', () => {
  const piece = fc.constantFrom('a', ' ', 'é', 'e\u0301', '👍🏽', '👩‍👩‍👧‍👦', '🇩🇪', 'क्षि', '\r\n', '𝒳', '\ud800');
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 60 }), (pieces, limit) => {
      const whole = pieces.join('');
      const cut = truncate(whole, limit);
      assert.ok(cut.length <= limit);
      if (whole.length <= limit) return assert.equal(cut, whole);
      const kept = cut.slice(0, -1);
      assert.ok(cut.endsWith('…') && whole.startsWith(kept));
      const borders = new Set([...segmenter.segment(whole)].map((part) => part.index));
      assert.ok(kept === '' || borders.has(kept.length), `cut within a character at ${kept.length}`);
      // No more is lost than the one character that did not fit.
      const next = [...segmenter.segment(whole)].find((part) => part.index === kept.length);
      assert.ok(kept.length + (next?.segment.length ?? 0) > limit - 1);
    }),
  );
});

test('one line is one line', () => {
  assert.equal(oneLine('  a\r\n b\t\tc\u2028d\u00a0 e '), 'a b c d e');
});

test('what could hide or reorder text is taken out, the text itself is not', () => {
  assert.equal(stripControls('a\u0000b\u001b[31mc\u202ed\u200be\ufefff\u0085g'), 'ab[31mcdefg');
  assert.equal(stripControls('tab\tline\nnext — ünïcödé 👍'), 'tab\tline\nnext — ünïcödé 👍');
});

test('a word is quoted for a command line when it must be', () => {
  const table = [
    ['etl-orders', 'etl-orders'],
    ['s3://lake/savepoint-1', 's3://lake/savepoint-1'],
    ['{input}', '{input}'],
    ['two words', '"two words"'],
    ['say "hi"', `"say 'hi'"`],
    ['', '""'],
    ["it's", `"it's"`],
  ] as const;
  for (const [word, quoted] of table) assert.equal(quoteWord(word), quoted);
});

test('one and many', () => {
  assert.deepEqual(
    [plural(0, 'job'), plural(1, 'job'), plural(3, 'job'), plural(2, 'class', 'classes')],
    ['0 jobs', '1 job', '3 jobs', '2 classes'],
  );
});
