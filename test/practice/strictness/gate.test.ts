import assert from 'node:assert/strict';
import { test } from 'node:test';
import { http } from '../../../src/core/http.ts';
import { createPractice } from '../../../src/practice/server.ts';
import { botToken, signingSecret, startPractice } from '../rig.ts';

const options = { port: 0, botToken, signingSecret, transport: 'http' } as const;

test('gate: it does not start when NODE_ENV is production (slack.md 4.3)', async () => {
  await assert.rejects(createPractice({ ...options, nodeEnv: 'production' }), /production/);
});

test('gate: it listens on loopback only (slack.md 4.3)', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.com']) await assert.rejects(createPractice({ ...options, host }), /loopback/);
});

test('gate: a page of another site, or a name that leads here, is let in nowhere (slack.md 4.3)', async (t) => {
  const practice = await startPractice(t);
  const foreign = await fetch(`${practice.url}/practice/say`, { method: 'POST', headers: { origin: 'https://evil.example' }, body: '{}' });
  assert.equal(foreign.status, 403);
  const rebound = await http(`${practice.url}/practice/journal`, { headers: { host: 'evil.example' } });
  assert.equal(rebound.status, 403);
});
