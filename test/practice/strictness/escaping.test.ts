import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifest, startHttpPractice } from '../rig.ts';

const source = 'docs.slack.dev/interactivity/implementing-slash-commands#creating_commands';
const typed = 'start @lena #etl https://a.example/?b=1&c=2 "a & b" <x>';

test(`should_escape: true sends mentions, channels and addresses in angle brackets, the rest escaped (${source})`, async (t) => {
  const { app, emma } = await startHttpPractice(t, { manifest: manifest({ commands: [{ command: '/flink', should_escape: true }] }) });
  await emma.types(`/flink ${typed}`, { channel: 'etl' });
  const url = 'https://a.example/?b=1&amp;c=2';
  assert.equal(app.received[0]?.form.get('text'), `start <@U0LENA|lena> <#C0ETL|etl> <${url}|${url}> "a &amp; b" &lt;x&gt;`);
});

test(`should_escape: false, which is the default, sends what was typed (${source})`, async (t) => {
  for (const command of [{ command: '/flink', should_escape: false }, { command: '/flink' }]) {
    const { app, emma } = await startHttpPractice(t, { manifest: manifest({ commands: [command] }) });
    await emma.types(`/flink ${typed}`, { channel: 'etl' });
    assert.equal(app.received[0]?.form.get('text'), typed);
  }
});
