import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface TestGitServer {
  /** http://127.0.0.1:PORT */
  base: string;
  host: string;
  url: string;
  /** The folder of the bare repository. */
  bare: string;
  /** Answers with the raw Authorization headers that arrived. */
  seen: string[];
  mode: 'normal' | 'hang' | 'redirect' | 'forbidden' | 'old-protocol';
  git(...args: string[]): string;
  commit(file: string, content: string, subject: string): string;
  push(...args: string[]): void;
  close(): Promise<void>;
}

/** A real repository `shop/etl.git`, served by git's own http-backend on loopback behind a user and password. */
export async function startGitServer(account?: { user: string; password: string }): Promise<TestGitServer> {
  const root = mkdtempSync(join(tmpdir(), 'git-server-'));
  const work = join(root, 'work');
  const bare = join(root, 'srv', 'shop', 'etl.git');
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', HOME: root };
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', work, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  mkdirSync(work, { recursive: true });
  git('init', '-q', '-b', 'main', work);
  git('config', 'user.name', 'Test');
  git('config', 'user.email', 'test@example.org');
  git('init', '-q', '--bare', '-b', 'main', bare);
  git('remote', 'add', 'origin', bare);
  const server = createServer((request, response) => {
    state.seen.push(request.headers.authorization ?? '');
    if (state.mode === 'hang') return;
    if (state.mode === 'redirect') return void response.writeHead(301, { location: 'http://127.0.0.1:9/moved.git' }).end();
    const wanted = account && `Basic ${Buffer.from(`${account.user}:${account.password}`).toString('base64')}`;
    if (wanted && request.headers.authorization !== wanted) {
      return void response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end('no');
    }
    if (state.mode === 'forbidden') return void response.writeHead(403).end('forbidden');
    backend(request, response, join(root, 'srv'), state.mode === 'old-protocol');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state: TestGitServer = {
    base: `http://${host}`,
    host,
    url: `http://${host}/shop/etl.git`,
    bare,
    seen: [],
    mode: 'normal',
    git,
    commit(file, content, subject) {
      mkdirSync(dirname(join(work, file)), { recursive: true });
      writeFileSync(join(work, file), content);
      git('add', '-A');
      git('commit', '-q', '-m', subject);
      return git('rev-parse', 'HEAD');
    },
    push: (...args) => void git('push', '-q', 'origin', ...args),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(root, { recursive: true, force: true });
    },
  };
  return state;
}

function backend(request: IncomingMessage, response: ServerResponse, projectRoot: string, oldProtocol: boolean): void {
  const url = new URL(request.url ?? '/', 'http://x');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: projectRoot,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: oldProtocol ? '' : String(request.headers['git-protocol'] ?? ''),
    },
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => {});
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n');
    const headers = all.subarray(0, end).toString('latin1').split('\r\n');
    const status = headers.find((line) => line.startsWith('Status:'));
    for (const line of headers) {
      const colon = line.indexOf(':');
      if (colon > 0 && !line.startsWith('Status:')) response.setHeader(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    response.writeHead(status ? Number.parseInt(status.slice(7), 10) : 200).end(all.subarray(end + 4));
  });
}

/** Command lines of live processes that contain `text`. */
export function processesWith(text: string): string[] {
  return execFileSync('ps', ['-eo', 'pid,args', '--no-headers', '-ww'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(text) && !line.includes(' ps -eo'));
}
