import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromSlackText, lineOfMention } from '../../src/slack/incoming-text.ts';

test("what Slack escaped reads as typed, and people's mentions stay", () => {
  assert.equal(
    fromSlackText(' restore etl --from <https://b.example/sp?a=1&amp;b=2|b.example/sp?a=1&amp;b=2> &lt;x&gt; '),
    'restore etl --from https://b.example/sp?a=1&b=2 <x>',
  );
  assert.equal(fromSlackText('ack <@U0EMMA|emma> <#C0ETL|etl> <!subteam^S1|@leads>'), 'ack <@U0EMMA> <#C0ETL> <!subteam^S1>');
  assert.equal(fromSlackText('mail <mailto:a@b.example|a@b.example>'), 'mail a@b.example');
  assert.equal(fromSlackText('&amp;lt;'), '&lt;', 'unescaped once');
  assert.equal(fromSlackText('logs “a b” —grep'), 'logs “a b” —grep', 'curly quotes are the parser’s');
});

test('a mention is stripped wherever it stands', () => {
  assert.equal(lineOfMention('<@U0SLUICE> logs', 'U0SLUICE'), 'logs');
  assert.equal(lineOfMention('hey <@U0SLUICE|sluice>: status etl &amp; more', 'U0SLUICE'), 'status etl & more');
  assert.equal(lineOfMention('logs <@U0SLUICE>', 'U0SLUICE'), 'logs');
  assert.equal(lineOfMention('<@U0SLUICE>', 'U0SLUICE'), '');
  assert.equal(lineOfMention('<@U0OTHER1> ask <@U0SLUICE> logs', 'U0SLUICE'), 'logs');
  assert.equal(lineOfMention('<@U0SLUICE> logs', undefined), 'logs', 'before Slack has told who we are');
});
