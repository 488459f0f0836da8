import { connect, createServer, type Socket } from 'node:net';

/** Passes bytes on as they are and reads which savepoints are asked for. */
export async function startSavepointTap(
  port: number,
  onSavepoint: (jobId: string, triggerId: string) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const request = /POST \/jobs\/([0-9a-f]{32})\/(?:savepoints|stop) HTTP\/1\.1\r\n[^{]*\r\n\r\n\{[^}]*"triggerId"\s*:\s*"([0-9a-f]{32})"/g;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const flink = connect(port, '127.0.0.1');
    let tail = '';
    for (const [one, other] of [
      [client, flink],
      [flink, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    client.on('data', (chunk) => {
      tail = (tail + chunk.toString('latin1')).slice(-4096);
      for (const [, jobId = '', triggerId = ''] of tail.matchAll(request)) onSavepoint(jobId, triggerId);
    });
    client.pipe(flink).pipe(client);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
