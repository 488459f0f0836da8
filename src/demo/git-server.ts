import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, resolve } from 'node:path';
import { UpstreamError } from '../core/errors.ts';
import { runBinary } from '../core/process.ts';
import { ensureRepository } from './git-repository.ts';

export { commitChange, demoProjectDir } from './git-repository.ts';

export interface GitServerOptions {
  /** Where the repository lies; made on the first start. */
  dir: string;
  /** 0 picks a free port. */
  port: number;
  user: string;
  password: string;
}
export interface GitServer {
  /** Clone address without login data, for example `http://127.0.0.1:3001/etl-jobs.git`. */
  url: string;
  close(): Promise<void>;
}

const maxRequestBytes = 64 * 1024 * 1024;

/**
 * Serves the demo's repository over HTTP on loopback, by git's own `git http-backend`, to those who know the password (they may push too).
 * @throws UpstreamError if git is missing or the port is taken.
 */
export async function startGitServer(options: GitServerOptions): Promise<GitServer> {
  const root = resolve(options.dir);
  const repository = basename(await ensureRepository(root));
  const expected = digest(`Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`);
  const server = createServer((request, response) => {
    if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="demo git"' }).end('Login needed.\n');
      return;
    }
    answer(request, response, root, options.user).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(`${error instanceof Error ? error.message : 'failed'}\n`);
    });
  });
  await new Promise<void>((done, fail) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      fail(
        new UpstreamError(`The demo's git server cannot listen on port ${options.port}.`, {
          cause,
          hint: 'Choose another port, or end the program that uses it.',
        }),
      );
    });
    server.listen(options.port, '127.0.0.1', done);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${repository}`,
    async close() {
      await new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      });
    },
  };
}

/** One request by CGI: git reads the request from its environment and standard input, and writes headers, an empty line and the body. */
async function answer(request: IncomingMessage, response: ServerResponse, root: string, user: string): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const input = await readBody(request);
  const header = (name: string) => request.headers[name]?.toString();
  const { code, stdout, stderr } = await runBinary('git', ['http-backend'], {
    input,
    env: {
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header('content-type'),
      CONTENT_LENGTH: String(input.length),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      GIT_PROTOCOL: header('git-protocol'),
      REMOTE_USER: user,
      REMOTE_ADDR: '127.0.0.1',
    },
  });
  const end = stdout.indexOf('\r\n\r\n');
  if (end < 0) throw new Error(`git http-backend gave no answer (exit ${code}): ${stderr.slice(0, 200)}`);
  let status = 200;
  const headers: Record<string, string> = {};
  for (const line of stdout.subarray(0, end).toString('latin1').split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10);
    else headers[name] = value;
  }
  response.writeHead(status, headers).end(stdout.subarray(end + 4));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxRequestBytes) throw new Error('request too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
