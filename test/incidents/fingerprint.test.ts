import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { fingerprint } from '../../src/incidents/fingerprint.ts';

const same = (a: string, b: string, jobs: [string, string] = ['a', 'a']) => assert.equal(fingerprint(a, jobs[0]), fingerprint(b, jobs[1]));

it('takes out what differs from time to time', () => {
  same('java.io.IOException: broker kafka-3:9092 gone after 5012 ms', 'java.io.IOException: broker kafka-11:9092 gone after 7 ms');
  same(
    'java.lang.IllegalStateException: pool com.acme.Pool@1b2c3d4f closed',
    'java.lang.IllegalStateException: pool com.acme.Pool@9f8e7d6c closed',
  );
  same(
    'org.apache.flink.util.FlinkException: task a1b2c3d4e5f60718293a4b5c6d7e8f90 failed',
    'org.apache.flink.util.FlinkException: task 00112233445566778899aabbccddeeff failed',
  );
  same('x.Y: request 123e4567-e89b-12d3-a456-426614174000 timed out', 'x.Y: request 9b2e4567-e89b-12d3-a456-4266141740ff timed out');
  same('x.Y: in Job$$Lambda/0x00007f2c1c0: bad', 'x.Y: in Job$$Lambda/0x00007faaaa0: bad');
  same('x.Y: group etl-orders is fenced', 'x.Y: group etl-clicks is fenced', ['etl-orders', 'etl-clicks']);
});

it('keeps what is another problem apart', () => {
  assert.notEqual(
    fingerprint('java.io.IOException: disk full', undefined),
    fingerprint('java.io.IOException: connection reset', undefined),
  );
  assert.notEqual(fingerprint('java.io.IOException: x', undefined), fingerprint('java.io.UncheckedIOException: x', undefined));
});

it('is the same again when taken of itself, short, and never empty for a text', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 2000 }), (text) => {
      const print = fingerprint(text, undefined);
      assert.ok(print.length <= 300);
      assert.ok(print.length > 0 || text.trim() === '');
    }),
  );
});
