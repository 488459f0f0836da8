import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'parse5';
import { htmlOf } from '../../src/channels/email-html.ts';
import { outgoingOf } from '../../src/channels/sender.ts';
import { message, text } from '../../src/core/message.ts';
import type { PostResult, Sender } from '../../src/outbox/sender.ts';
import { anyMessage } from '../slack/any-message.ts';
import { hostileStrings } from '../slack/hostile-corpus.ts';
import { closedPort } from './http-receiver.ts';
import { type MailServer, startMailServer } from './mail-server.ts';
import { caFile, channelsOf, deliveryOf, incidentMessage, publicUrl, senderOf } from './rig.ts';

const password = 'correct-horse-battery';
const address = { kind: 'email', host: '127.0.0.1', from: 'sluice@example.com', to: ['oncall@example.com'] };

async function rig(
  t: TestContext,
  change: Record<string, unknown> = {},
  options: Parameters<typeof startMailServer>[2] = {},
): Promise<{ server: MailServer; sender: Sender }> {
  const server = await startMailServer(t, password, options);
  const mail = {
    ...address,
    port: server.port,
    caFile: caFile(t),
    user: 'sluice',
    password: { env: 'SMTP_PASSWORD' },
    timeout: '3s',
    ...change,
  };
  return { server, sender: senderOf(channelsOf({ mail }, { SMTP_PASSWORD: password }), 'email') };
}
function tsOf(result: PostResult): string {
  if (result.is !== 'sent') assert.fail(`not sent: ${JSON.stringify(result)}`);
  return result.ts;
}

test('a mail comes encrypted, signed in, as text and HTML, with the title as subject and links for buttons', async (t) => {
  const { server, sender } = await rig(t);
  tsOf(await sender.post(deliveryOf('mail', incidentMessage('firing'))));
  const mail = server.mails[0];
  assert.deepEqual(server.sessions, [{ secure: true, user: 'sluice', to: ['oncall@example.com'] }]);
  assert.equal(mail?.subject, 'etl-orders failed');
  assert.equal(mail?.from?.text, '"Sluice" <sluice@example.com>');
  assert.match(mail?.text ?? '', /the dashboard \(https:\/\/grafana\.example\/d\/1\?a=1&b=2\)/);
  assert.match(mail?.text ?? '', /Since: 2026-11-25 08:15 UTC/);
  assert.match(mail?.text ?? '', /Resume \(https:\/\/sluice\.example\/jobs\/etl-orders\)/);
  assert.match(String(mail?.html), /<a href="https:\/\/sluice\.example\/jobs\/etl-orders">Resume<\/a>/);
  assert.match(String(mail?.html), /background:#dc2626/);
  assert.match(String(mail?.html), /prefers-color-scheme: dark/);
  assert.equal(mail?.headers.get('auto-submitted'), 'auto-generated');
});

test('news answers the first mail, a repaint sends nothing, what is in the thread answers it too', async (t) => {
  const { server, sender } = await rig(t);
  const first = tsOf(await sender.post(deliveryOf('mail', incidentMessage('firing'))));
  const repainted = incidentMessage('firing');
  repainted.parts.push(text('seen 3 times'));
  const same = tsOf(await sender.update({ ...deliveryOf('mail', repainted), ts: first }));
  assert.equal(same, first);
  assert.equal(server.mails.length, 1);

  const second = tsOf(await sender.update({ ...deliveryOf('mail', incidentMessage('resolved')), ts: same }));
  tsOf(await sender.update({ ...deliveryOf('mail', incidentMessage('firing', { title: 'etl-orders failed again' })), ts: second }));
  tsOf(await sender.post(deliveryOf('mail', message('neutral', 'Ada looks after it'), { outboxId: 'msg_reply', threadTs: second })));
  const [root, resolved, again, reply] = server.mails;
  assert.match(root?.messageId ?? '', /^<msg_4k2m9x7qw3tz\.[0-9a-f]{12}@example\.com>$/);
  assert.equal(root?.inReplyTo, undefined);
  for (const mail of [resolved, again, reply]) {
    assert.equal(mail?.inReplyTo, root?.messageId);
    assert.ok(mail?.references?.includes(root?.messageId ?? '-'));
    assert.ok(mail?.references?.includes('<msg_4k2m9x7qw3tz@example.com>'), 'the common root of all of them');
  }
  assert.equal(new Set(server.mails.map((mail) => mail.messageId)).size, 4);
  assert.equal(resolved?.subject, 'Resolved: etl-orders failed');
});

test('a mail whose answer was lost is unknown, and has the same Message-ID when it is sent again, unless it says something else', async (t) => {
  const { server, sender } = await rig(t);
  server.onMail = 'cut';
  assert.equal((await sender.post(deliveryOf('mail', incidentMessage('firing')))).is, 'unknown');
  server.onMail = 'take';
  tsOf(await sender.post(deliveryOf('mail', incidentMessage('firing'))));
  tsOf(await sender.post(deliveryOf('mail', incidentMessage('resolved'))));
  const [lost, again, other] = server.mails;
  assert.equal(again?.messageId, lost?.messageId);
  assert.notEqual(other?.messageId, lost?.messageId, 'a mail server would drop it as a double');
  assert.equal(other?.references, lost?.references);
});

test('4xx is later with growing pauses, 5xx refused, at every stage', async (t) => {
  const { server, sender } = await rig(t);
  server.onMail = 451;
  const [one, two] = [
    await sender.post(deliveryOf('mail', incidentMessage('firing'))),
    await sender.post(deliveryOf('mail', incidentMessage('firing'))),
  ];
  assert.ok(one.is === 'later' && two.is === 'later');
  assert.ok(one.afterMs >= 25_000 && two.afterMs > one.afterMs * 1.5, `${one.afterMs} then ${two.afterMs}`);
  assert.match(one.reason, /^451 /);
  server.onMail = 554;
  const refused = await sender.post(deliveryOf('mail', incidentMessage('firing')));
  assert.deepEqual(refused, { is: 'refused', reason: '554 no such luck' });
});

test('refusals of the sender and of recipients count like those of the mail', async (t) => {
  const refusal = (responseCode: number) => Object.assign(new Error('not here'), { responseCode });
  const later = await rig(t, {}, { onRcptTo: (_address, _session, done) => done(refusal(450)) });
  assert.equal((await later.sender.post(deliveryOf('mail', incidentMessage('firing')))).is, 'later');
  const never = await rig(t, {}, { onRcptTo: (_address, _session, done) => done(refusal(550)) });
  assert.deepEqual(await never.sender.post(deliveryOf('mail', incidentMessage('firing'))), { is: 'refused', reason: '550 not here' });
  const from = await rig(t, {}, { onMailFrom: (_address, _session, done) => done(refusal(553)) });
  assert.equal((await from.sender.post(deliveryOf('mail', incidentMessage('firing')))).is, 'refused');
  // One of two is taken: it is sent, and the other one is not asked again and again.
  const some = await rig(
    t,
    { to: ['gone@example.com', 'oncall@example.com'] },
    { onRcptTo: ({ address }, _session, done) => done(address.startsWith('gone') ? refusal(550) : null) },
  );
  tsOf(await some.sender.post(deliveryOf('mail', incidentMessage('firing'))));
  assert.deepEqual(some.server.sessions[0]?.to, ['oncall@example.com']);
});

test('a wrong password is refused and told to nobody', async (t) => {
  const server = await startMailServer(t, password);
  const mail = { ...address, port: server.port, caFile: caFile(t), user: 'sluice', password: { env: 'SMTP_PASSWORD' }, timeout: '3s' };
  const sender = senderOf(channelsOf({ mail }, { SMTP_PASSWORD: 'hunter2-was-wrong' }), 'email');
  const result = await sender.post(deliveryOf('mail', incidentMessage('firing')));
  assert.ok(result.is === 'refused' && /^535 /.test(result.reason), JSON.stringify(result));
  // This server repeats what it was sent.
  assert.match(result.reason, /with \*\*\*/);
  assert.equal(server.mails.length, 0);
});

test('without STARTTLS, or with a certificate that nobody vouches for, neither password nor mail leaves', async (t) => {
  const bare = await rig(t, {}, { hideSTARTTLS: true, disabledCommands: ['STARTTLS'] });
  assert.notEqual((await bare.sender.post(deliveryOf('mail', incidentMessage('firing')))).is, 'sent');
  const unknownCa = await rig(t, { caFile: undefined });
  assert.equal((await unknownCa.sender.post(deliveryOf('mail', incidentMessage('firing')))).is, 'later');
  assert.equal(bare.server.mails.length + unknownCa.server.mails.length, 0);
});

test('TLS from the start, and no encryption for a relay without a password', async (t) => {
  const tls = await rig(t, { security: 'tls' }, { secure: true });
  tsOf(await tls.sender.post(deliveryOf('mail', incidentMessage('firing'))));
  assert.equal(tls.server.sessions[0]?.secure, true);
  const relay = await rig(t, { security: 'none', user: undefined, password: undefined }, { authOptional: true });
  tsOf(await relay.sender.post(deliveryOf('mail', incidentMessage('firing'))));
  assert.equal(relay.server.sessions[0]?.secure, false);
});

test('a server that is not there is later; one that says nothing is later before the mail has left and unknown after it', async (t) => {
  const gone = senderOf(channelsOf({ mail: { ...address, port: await closedPort() } }), 'email');
  assert.equal((await gone.post(deliveryOf('mail', incidentMessage('firing')))).is, 'later');
  const mute = await rig(t, { timeout: '400 ms' }, { onConnect: () => {} });
  assert.equal((await mute.sender.post(deliveryOf('mail', incidentMessage('firing')))).is, 'later');
  const slow = await rig(t, { timeout: '2s' });
  slow.server.onMail = 'hang';
  assert.equal((await slow.sender.post(deliveryOf('mail', incidentMessage('firing')))).is, 'unknown');
});

test('no string in a message makes a header, a tag or a script', async (t) => {
  const { server, sender } = await rig(t, { security: 'none', user: undefined, password: undefined }, { authOptional: true });
  const evil = [
    'x\r\nBcc: victim@example.com',
    'x\nSubject: other\n\nbody',
    'x\r\n\r\n<script>alert(1)</script>',
    'x\u2028Bcc: v@e.com',
    '=?utf-8?q?=0d=0aBcc:_v@e.com?=',
  ];
  const samples = [...evil, ...hostileStrings.filter((_, i) => i % 47 === 0)];
  for (const [i, hostile] of samples.entries()) {
    const outboxId = `msg_${i}\r\nBcc: victim@example.com`;
    tsOf(
      await sender.post(
        deliveryOf('mail', { ...incidentMessage('firing'), title: hostile, parts: [text(hostile, { bold: hostile })] }, { outboxId }),
      ),
    );
  }
  for (const [i, mail] of server.mails.entries()) {
    assert.deepEqual(server.sessions[i]?.to, ['oncall@example.com']);
    assert.equal(mail.bcc, undefined);
    assert.deepEqual([...mail.headers.keys()].sort(), [
      'auto-submitted',
      'content-type',
      'date',
      'from',
      'message-id',
      'mime-version',
      'references',
      'subject',
      'to',
      'x-auto-response-suppress',
      'x-sluice-id',
    ]);
    assert.deepEqual(
      tagsOf(String(mail.html)).filter((tag) => tag === 'script' || tag === 'img'),
      [],
    );
    assert.doesNotMatch(server.raw[i] ?? '', /hunter2/);
  }
});

test('any message at all becomes well-formed HTML of bounded size', () => {
  const allowed = new Set([
    'html',
    'head',
    'meta',
    'title',
    'style',
    'body',
    'table',
    'tbody',
    'tr',
    'td',
    'th',
    'h1',
    'p',
    'a',
    'b',
    'code',
    'pre',
    'br',
  ]);
  fc.assert(
    fc.property(anyMessage(8), (what) => {
      const html = htmlOf(outgoingOf(deliveryOf('mail', what), undefined), publicUrl);
      assert.ok(html.length < 85_000, `${html.length}`);
      assert.deepEqual(
        tagsOf(html).filter((tag) => !allowed.has(tag)),
        [],
      );
    }),
    { numRuns: 60 },
  );
});

test('any message at all is taken by a mail server', async (t) => {
  const { server, sender } = await rig(t, { security: 'none', user: undefined, password: undefined }, { authOptional: true });
  await fc.assert(
    fc.asyncProperty(anyMessage(5), async (what) => {
      assert.equal((await sender.post(deliveryOf('mail', what))).is, 'sent');
      const mail = server.mails.at(-1);
      assert.ok((mail?.subject ?? '').length <= 200 && Buffer.byteLength(mail?.text ?? '') <= 62_000);
    }),
    { numRuns: 15 },
  );
});

interface Node {
  nodeName: string;
  childNodes?: Node[];
  attrs?: { name: string; value: string }[];
}
/** Every element; a link to anything but http(s), or an attribute that runs something, is named as such. */
function tagsOf(html: string): string[] {
  const found: string[] = [];
  const visit = (node: Node) => {
    if (!node.nodeName.startsWith('#')) found.push(node.nodeName);
    for (const { name, value } of node.attrs ?? [])
      if (name.startsWith('on') || (name === 'href' && !/^https?:\/\//.test(value))) found.push(`${name}=${value}`);
    for (const child of node.childNodes ?? []) visit(child);
  };
  visit(parse(html) as unknown as Node);
  return [...new Set(found)];
}

test('who of several is refused for now gets it later, alone; who is refused for good is told; nobody gets it twice', async (t) => {
  const refusal = (responseCode: number, words: string) => Object.assign(new Error(words), { responseCode });
  const answers: Record<string, Error | null> = {
    'oncall@example.com': refusal(450, 'greylisted'),
    'gone@example.com': refusal(550, 'no such user'),
  };
  const to = ['lead@example.com', 'oncall@example.com', 'gone@example.com'];
  const { server, sender } = await rig(t, { to }, { onRcptTo: ({ address }, _session, done) => done(answers[address] ?? null) });
  const delivery = deliveryOf('mail', incidentMessage('firing'));
  const first = await sender.post(delivery);
  assert.ok(first.is === 'sent' && first.again, JSON.stringify(first));
  assert.deepEqual(first.left, [{ who: 'gone@example.com', words: '550 no such user' }]);
  assert.match(first.again.reason, /^oncall@example.com: 450 greylisted$/);
  const still = await sender.update({ ...delivery, ts: first.ts });
  assert.ok(still.is === 'sent' && still.again && still.again.afterMs > first.again.afterMs, JSON.stringify(still));
  answers['oncall@example.com'] = null;
  const last = await sender.update({ ...delivery, ts: still.ts });
  assert.ok(last.is === 'sent' && !last.again && !last.left, JSON.stringify(last));
  await sender.update({ ...delivery, ts: last.ts });
  assert.deepEqual(
    server.mails.map((mail) => mail.messageId === server.mails[0]?.messageId),
    [true, true],
  );
  const got = server.sessions.flatMap((session) => session.to).sort();
  assert.deepEqual(got, ['lead@example.com', 'oncall@example.com']);
  // News goes to all of them again.
  const resolved = await sender.update({ ...deliveryOf('mail', incidentMessage('resolved')), ts: first.ts });
  assert.ok(resolved.is === 'sent' && resolved.left?.length === 1);
  assert.deepEqual(server.sessions.at(-1)?.to, ['lead@example.com', 'oncall@example.com']);
});
