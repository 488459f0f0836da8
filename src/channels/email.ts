import { Transform } from 'node:stream';
import { createTransport } from 'nodemailer';
import type { SettingsOf } from '../config/channels.ts';
import type { Channel, ChannelDeps, Outgoing } from './channel.ts';
import { bytes, fitLines, scrub } from './clean.ts';
import { refusalsOf, resultOfSmtpError } from './email-errors.ts';
import { htmlOf } from './email-html.ts';
import { linesOf, plain, titleOf } from './flatten.ts';
import { readSecrets } from './http-channel.ts';
import { contentOf } from './mark.ts';
import { pageOf } from './page-links.ts';

const textBytes = 60_000;
const subjectLimit = 200;
/** The outbox gives a request a minute in all. */
const wholeMs = 45_000;

/**
 * E-mail by SMTP, as plain text and HTML. A mail cannot be changed: only news goes out (another title, another tone, another state of
 * the incident), as an answer to the first mail of the message; what belongs in the thread of a message answers its first mail too. The
 * Message-ID is made of the outbox id and a digest of the content: a mail that is sent again because no answer came has the same one, by
 * which mail servers drop the second. 4xx is later, 5xx refused, silence after the message left unknown, before it later. Of several recipients only those that
 * were refused for now (4xx) get it later; those that were refused for good are told.
 */
export function createEmail(settings: SettingsOf<'email'>, deps: ChannelDeps): Channel {
  return {
    takesRepaints: false,
    async send(outgoing) {
      const read = readSecrets({ password: settings.password, ca: settings.caFile ? { file: settings.caFile } : undefined }, deps);
      if ('failed' in read) return read.failed;
      const { password, ca } = read.values;
      const secrets = password === undefined ? [] : [password, `\0${settings.user}\0${password}`];
      const note = outgoing.before?.note || mailIdOf(outgoing);
      const mail = mailOf(outgoing, settings, deps.publicUrl, note);
      const to = outgoing.only?.filter((address) => settings.to.includes(address));
      if (to?.length === 0) return { is: 'sent', note };
      let hadLeft = false;
      const transport = createTransport({
        ...connectionOf(settings),
        tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
        ...(settings.user === undefined || password === undefined ? {} : { auth: { user: settings.user, pass: password } }),
      });
      // The message is piped through this once the server has said that it may come.
      transport.use('stream', ({ message }, done) => {
        message.transform(
          () =>
            new Transform({
              transform(chunk, _encoding, next) {
                hadLeft = true;
                next(null, chunk);
              },
            }),
        );
        done();
      });
      try {
        const info = await transport.sendMail({
          ...mail,
          ...(to ? { envelope: { from: settings.from, to } } : {}),
          signal: AbortSignal.timeout(Math.min(wholeMs, 4 * settings.timeout)),
        });
        if (info.rejected.length > 0)
          deps.log.warn({ outboxId: outgoing.outboxId, rejected: info.rejected.length }, 'a mail server took a mail not for all');
        return { is: 'sent', note, answer: scrub(info.response, secrets), ...refusalsOf(rejectedOf(info), secrets) };
      } catch (error) {
        const rejected = rejectedOf(error);
        // The others have it: that none of these takes it says nothing of the channel.
        if (outgoing.only && rejected.length > 0) return { is: 'sent', note, ...refusalsOf(rejected, secrets) };
        return resultOfSmtpError(error, hadLeft, secrets);
      } finally {
        transport.close();
      }
    },
  };
}

function rejectedOf(answer: unknown): readonly unknown[] {
  return (answer as { rejectedErrors?: unknown[] }).rejectedErrors ?? [];
}
function connectionOf({ host, port, security, timeout }: SettingsOf<'email'>) {
  return {
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    dnsTimeout: timeout,
    socketTimeout: timeout,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** What stands before the `@` of a Message-ID. */
function mailIdOf({ outboxId, message }: Outgoing): string {
  return `${outboxId}.${contentOf(message)}`;
}

/** @param firstId what stands before the `@` in the Message-ID of the first mail of this message */
function mailOf(outgoing: Outgoing, settings: SettingsOf<'email'>, publicUrl: string, firstId: string) {
  const { message, incident, thread, before } = outgoing;
  const domain = settings.from.split('@')[1];
  const asMailId = (id: string) => `<${id.replace(/[^\w.+-]/g, '')}@${domain}>`;
  const answered = before === undefined ? thread?.note : firstId;
  // An id that no mail has, but all mails of the message name: it holds them together where the first one was sent twice.
  const root = asMailId(thread?.outboxId ?? outgoing.outboxId);
  const lines = linesOf(message, plain, { publicUrl, incident });
  return {
    from: { name: 'Sluice', address: settings.from },
    to: settings.to.map((address) => ({ name: '', address })),
    subject: titleOf(message, subjectLimit),
    messageId: asMailId(mailIdOf(outgoing)),
    references: answered ? [root, asMailId(answered)] : [root],
    ...(answered ? { inReplyTo: asMailId(answered) } : {}),
    // Holiday notices must not answer (RFC 3834).
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All', 'X-Sluice-Id': outgoing.key.replace(/[^\w.-]/g, '') },
    text: `${fitLines([titleOf(message, 500), '', ...lines], textBytes, bytes)}\n\n-- \n${pageOf(publicUrl, incident)}\n`,
    html: htmlOf(outgoing, publicUrl),
  };
}
