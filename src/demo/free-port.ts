import { createServer } from 'node:net';

/** The wanted port if it is free on loopback, else (or for 0) any free one. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryPort(wanted)) ?? (await tryPort(0)) ?? 0;
}
/**
 * Starts something on a port that was free a moment ago; when somebody took it since (another demo that was started at the same time), on another one.
 * @throws what `start` throws for any other reason, or the second time.
 */
export async function onFreePort<T>(port: number, start: (port: number) => Promise<T>): Promise<T> {
  try {
    return await start(port);
  } catch (error) {
    const taken = error instanceof Error && /EADDRINUSE|BindException|Could not start rest endpoint/.test(error.message);
    if (!taken) throw error;
    return start(await freePort(0));
  }
}
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
