import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Practice } from '../../../src/practice/server.ts';
import { botToken, section, startPractice } from '../rig.ts';

const source = 'docs.slack.dev/apis/web-api/#methods_supporting_json';
const bearer = { authorization: `Bearer ${botToken}` };
const fields = { channel: 'C0ETL', text: '{not json', blocks: JSON.stringify([section('x')]) };

async function send(practice: Practice, init: RequestInit, query = ''): Promise<{ ok: boolean; error?: string }> {
  const answer = await fetch(`${practice.apiUrl}chat.postMessage${query}`, { method: 'POST', ...init });
  return answer.json() as Promise<{ ok: boolean; error?: string }>;
}

test(`bodies: form, JSON, multipart and a GET query are one and the same; a text that begins with a brace stays text (${source})`, async (t) => {
  const practice = await startPractice(t);
  const multipart = new FormData();
  for (const [key, value] of Object.entries({ ...fields, token: botToken })) multipart.set(key, value);
  const query = `?${new URLSearchParams(fields)}`;
  const answers = [
    await send(practice, { headers: bearer, body: new URLSearchParams(fields) }),
    await send(practice, {
      headers: { ...bearer, 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ ...fields, blocks: [section('x')] }),
    }),
    await send(practice, { body: multipart }),
    await send(practice, { method: 'GET', headers: bearer }, query),
  ];
  assert.deepEqual(
    answers.map((a) => a.ok),
    [true, true, true, true],
  );
  assert.deepEqual(
    practice.messages('etl').map((m) => [m.text, m.blocks?.length]),
    Array(4).fill(['{not json', 1]),
  );
});

const refused: [what: string, type: string, body: string, error: string][] = [
  ['JSON that cannot be read', 'application/json', '{', 'invalid_json'],
  ['JSON that is no object', 'application/json', '[1]', 'json_not_object'],
  ['a type that Slack does not take', 'text/plain', 'channel=C0ETL&text=x', 'invalid_post_type'],
  ['a multipart body without its border', 'multipart/form-data; boundary=b', 'x', 'invalid_form_data'],
];
for (const [what, type, body, error] of refused) {
  test(`bodies: ${what} is ${error} (${source})`, async (t) => {
    const practice = await startPractice(t);
    assert.deepEqual(await send(practice, { headers: { ...bearer, 'content-type': type }, body }), { ok: false, error });
    assert.equal(practice.journal().at(-1)?.refused, true);
  });
}
