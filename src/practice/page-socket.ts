import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { NotFoundError } from '../core/errors.ts';
import type { Context } from './context.ts';
import { actor } from './people/acting.ts';
import { meta } from './snapshot.ts';
import { followChanges, type Send } from './stream.ts';
import type { Person } from './types.ts';

const path = '/practice/page-socket';
/** Closing code that tells the page not to come back: nobody of that name is here. */
const nobody = 4404;

export interface PageSockets {
  /** Takes over a connection of a page; false when it is none. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
  close(): void;
}

/**
 * The changes for pages, over a WebSocket each: a browser opens six HTTP connections to one origin and no more, so that with server-sent
 * events the seventh tab would show nothing and none of them could send. `mayCome` says whether a request is from here.
 */
export function createPageSockets(ctx: Context, mayCome: (request: IncomingMessage) => boolean): PageSockets {
  const server = new WebSocketServer({ noServer: true });
  return {
    upgrade(request, socket, head) {
      const address = new URL(request.url ?? '/', 'http://localhost');
      if (address.pathname !== path) return false;
      if (!mayCome(request)) {
        socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
        return true;
      }
      server.handleUpgrade(request, socket, head, (page) => {
        page.on('error', () => {});
        let person: Person;
        try {
          person = actor(ctx, address.searchParams.get('as'));
        } catch (error) {
          page.close(nobody, error instanceof NotFoundError ? error.message : undefined);
          return;
        }
        let faults = '';
        const send: Send = (type, seq, data) => {
          page.send(JSON.stringify({ ...data, type, seq }));
          const before = faults;
          faults = JSON.stringify(ctx.faults);
          // a fault for the next so many requests has been used up by this one
          if (type === 'journal' && faults !== before) send('meta', seq, meta(ctx));
        };
        const end = followChanges(ctx, person, send, { journal: true, quiet: false });
        page.on('close', end);
      });
      return true;
    },
    close() {
      for (const page of server.clients) page.terminate();
      server.close();
    },
  };
}
