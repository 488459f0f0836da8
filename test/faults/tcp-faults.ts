import type { Socket } from 'node:net';

/** Where a TCP or Unix socket server listens. */
export type Address = { host: string; port: number } | { socketPath: string };
/** What a request's bytes have to hold, from its first byte on: `/^POST/`, `commit`. */
export type Pattern = RegExp | Buffer | string;
/** Which way bytes go: `up` to the server, `down` to the client. */
export type Way = 'up' | 'down';

/**
 * What the proxy does to connections until something else is set. `matching` looks at the bytes of a request (what the client sent since the server's
 * last answer, its first 64 KiB); `times` is for how many of them (1 when left out, where it says so).
 */
export type Fault =
  | { is: 'none' }
  /** Each chunk is held back this long, in order; `way`: both when left out. */
  | { is: 'latency'; ms: number; jitterMs?: number; way?: Way }
  /** Connections are accepted and stay open, and nothing passes: a frozen server. What came in meanwhile passes once it is lifted. */
  | { is: 'blackhole' }
  /** Nobody listens any more; what is open stays so (see `cut`). */
  | { is: 'refuse' }
  /** RST to both sides. With `matching`, the next `times` (1) such requests, which never reach the server; else what is open and whatever comes, `times` (all). */
  | { is: 'reset'; matching?: Pattern; times?: number }
  /** The next `times` (1) such requests reach the server, which answers them: at the answer's first byte both sides are reset, and the answer is thrown away. */
  | { is: 'reset-after-commit'; matching: Pattern; times?: number }
  /**
   * FIN to one side after the next `times` (all) such requests, or at once where a connection is open and nothing has to match. `client`: it sees the
   * end and gets no answer, what it sends still arrives. `server`: it sees the end, its answer still arrives.
   */
  | { is: 'half-close'; side: 'client' | 'server'; matching?: Pattern; times?: number }
  /** So many bytes a second, each way. */
  | { is: 'slow-drip'; bytesPerSecond: number }
  /** Each connection is closed after so many bytes have passed from now on; `way`: `down` when left out. */
  | { is: 'cut-after'; bytes: number; way?: Way };
export type FaultOf<K extends Fault['is']> = Extract<Fault, { is: K }>;

/**
 * RST where there is such a thing (TCP), else the ordinary end. A socket whose FIN is still on its way cannot be reset: libuv answers EINVAL, Node leaves the
 * handle open, and the process spins in its own end for ever (seen on Node 24.21).
 */
export function rst(socket: Socket): void {
  socket.on('error', () => {});
  const closing = socket.writableEnded && !socket.writableFinished;
  if (socket.remoteAddress === undefined || socket.destroyed || closing) socket.destroy();
  else socket.resetAndDestroy();
}
/** Whether the beginning of a request holds what a fault waits for. */
export function matches(head: Buffer, pattern: Pattern | undefined): boolean {
  if (pattern === undefined) return true;
  if (!(pattern instanceof RegExp)) return head.includes(pattern);
  // A `g` would make it remember where it was.
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(head.toString('latin1'));
}
