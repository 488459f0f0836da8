import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fillTemplate, type Json } from '../../src/channels/template.ts';

test('a text that is one placeholder becomes the value itself, inside a longer text it is written out', () => {
  const values = { title: 'etl "x"\n', edition: 3, incident: { id: 'inc_1' }, nothing: null, list: [1, 'b'] };
  assert.deepEqual(
    fillTemplate(
      {
        a: '{{title}}',
        b: '{{ edition }}',
        c: '{{incident}}',
        d: '{{nothing}}',
        e: ['{{list}}', 'n {{edition}}: {{title}}, {{nothing}}{{incident}}'],
      },
      values,
    ),
    { a: 'etl "x"\n', b: 3, c: { id: 'inc_1' }, d: null, e: [[1, 'b'], 'n 3: etl "x"\n, {"id":"inc_1"}'] },
  );
});

test('keys, unknown names, numbers and what only looks like a placeholder stay as they are', () => {
  const template = { '{{title}}': '{{other}} {{constructor}} {{__proto__}} {title} {{ti tle}}', n: 1, t: true, z: null };
  assert.deepEqual(fillTemplate(template, { title: 'x' }), template);
  assert.equal(JSON.stringify(fillTemplate(JSON.parse('{"__proto__":"{{title}}"}'), { title: 'x' })), '{"__proto__":"x"}');
});

test('values are put in once, whatever they hold: no placeholder, no pattern of replace, no JSON breaks out', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('{{title}}', '{{text}}', '$&', "$'", '$1', '"}', '","x":"', '\\', '\u2028', '{{{title}}}'),
  );
  const tree = fc.letrec<{ json: Json }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 3 },
      nasty,
      fc.constantFrom('{{title}}', 'a {{text}} b'),
      fc.integer(),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie('json'), { maxKeys: 3 }),
    ),
  })).json;
  fc.assert(
    fc.property(nasty, nasty, tree, (title, text, template) => {
      const filled = fillTemplate({ whole: '{{title}}', inside: `<{{title}}|{{text}}>`, template }, { title, text }) as Record<
        string,
        Json
      >;
      assert.equal(filled['whole'], title);
      assert.equal(filled['inside'], `<${title}|${text}>`);
      const back = JSON.parse(JSON.stringify(filled)) as Record<string, Json>;
      assert.deepEqual(Object.keys(back), ['whole', 'inside', 'template']);
      assert.deepEqual(shape(back['template'] as Json), shape(template));
    }),
  );
});

/** Kinds and keys of a tree, without its texts. */
function shape(value: Json): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? '' : value;
  return Object.entries(value).map(([key, inner]) => [key, shape(inner)]);
}
