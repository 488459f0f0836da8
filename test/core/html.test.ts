import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseFragment } from 'parse5';
import { escapeHtml, html } from '../../src/core/html.ts';

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</textarea><svg/onload=alert(1)>',
  '&lt;b&gt;',
  '<!--',
  ']]>',
  '\u0000<a>',
  '＜script＞',
];

test('the five letters that mean something in markup are escaped', () => {
  assert.equal(escapeHtml(`<a href="x" title='y'>&</a>`), '&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;&lt;/a&gt;');
  assert.equal(escapeHtml('plain ünïcödé'), 'plain ünïcödé');
});

/** What a browser makes of an element with this value as text and as an attribute. */
function parsed(value: string): { elements: number; attributes: string[]; title: string | undefined; text: string } {
  const fragment = parseFragment(html`<p title="${value}">${value}</p>`.markup);
  const [p] = fragment.childNodes as { attrs?: { name: string; value: string }[]; childNodes?: { value?: string }[] }[];
  return {
    elements: fragment.childNodes.length,
    attributes: (p?.attrs ?? []).map((a) => a.name),
    title: p?.attrs?.[0]?.value,
    text: (p?.childNodes ?? []).map((n) => n.value ?? '(an element)').join(''),
  };
}

test('hostile values stay text: a browser sees one element with one attribute', () => {
  for (const value of hostile) {
    const seen = parsed(value);
    assert.deepEqual([seen.elements, seen.attributes], [1, ['title']], value);
    const plain = value.replaceAll('\u0000', '');
    assert.equal(seen.text.replaceAll('\u0000', '').replaceAll('\ufffd', ''), plain);
  }
});

test('any printable value comes out of a browser as it went in', () => {
  const letter = fc.constantFrom('<', '>', '&', '"', "'", '=', '/', '!', '-', ' ', 'a', '#', ';', 'amp', 'lt', 'ü', '👍');
  fc.assert(
    fc.property(fc.array(letter, { maxLength: 30 }), (letters) => {
      const value = letters.join('');
      assert.deepEqual(parsed(value), { elements: 1, attributes: ['title'], title: value, text: value });
    }),
  );
});

test('markup and lists of it pass, nothing prints for nothing, and a look-alike object is no markup', () => {
  const item = (name: string) => html`<li>${name}</li>`;
  assert.equal(html`<ul>${['a', '<b>'].map(item)}</ul>`.markup, '<ul><li>a</li><li>&lt;b&gt;</li></ul>');
  assert.equal(html`${null}${undefined}${false}${true}${0}${''}`.markup, '0');
  assert.equal(html`${[['<', [html`<b>`]], 1]}`.markup, '&lt;<b>1');
  assert.equal(html`${{ markup: '<b>', toString: () => '<i>' } as never}`.markup, '&lt;i&gt;');
  assert.equal(`${html`<b>${'x'}</b>`}`, '<b>x</b>');
});
