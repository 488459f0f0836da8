import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { certificate, certificateKey } from './certificate.ts';

export interface MailServer {
  port: number;
  mails: ParsedMail[];
  /** As they came over the wire. */
  raw: string[];
  /** Whether each mail came encrypted, and from whom. */
  sessions: { secure: boolean; user: string | undefined; to: string[] }[];
  /** What happens to a mail that was read whole: it is taken, refused with this code, or the connection ends. */
  onMail: 'take' | number | 'cut' | 'hang';
}

/** A real SMTP server on loopback, with STARTTLS and the user `sluice`; stopped after the test. */
export async function startMailServer(t: TestContext, password: string, options: SMTPServerOptions = {}): Promise<MailServer> {
  const sockets = new Set<Socket>();
  const server = new SMTPServer({
    cert: certificate,
    key: certificateKey,
    authMethods: ['PLAIN', 'LOGIN'],
    disableReverseLookup: true,
    closeTimeout: 100,
    onAuth(auth, _session, done) {
      if (auth.username === 'sluice' && auth.password === password) return done(null, { user: 'sluice' });
      done(Object.assign(new Error(`no user ${auth.username} with ${auth.password}`), { responseCode: 535 }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', async () => {
        const bytes = Buffer.concat(chunks);
        mails.raw.push(bytes.toString('latin1'));
        mails.mails.push(await simpleParser(bytes));
        mails.sessions.push({
          secure: session.secure,
          user: session.user as string | undefined,
          to: session.envelope.rcptTo.map((to) => to.address),
        });
        if (mails.onMail === 'take') done(null, 'queued as 4711');
        else if (mails.onMail === 'cut') for (const socket of sockets) socket.destroy();
        else if (typeof mails.onMail === 'number') done(Object.assign(new Error('no such luck'), { responseCode: mails.onMail }));
      });
    },
    ...options,
  });
  server.on('error', () => {});
  server.server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
  const mails: MailServer = { port: (server.server.address() as AddressInfo).port, mails: [], raw: [], sessions: [], onMail: 'take' };
  return mails;
}
