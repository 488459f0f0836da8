import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** What a cluster answered at one moment, and what its jobs were. */
export interface Moment {
  /** Flink job ids, by what was done to each. */
  jobs: Record<string, string>;
  /** `GET` of these paths. */
  answers: Record<string, { status: number; body: unknown }>;
}
export interface Answers {
  release: string;
  /** The day. */
  recordedOn: string;
  java: string;
  /** `usual`: checkpoints each second. `unaligned`: the next JobManager, with unaligned and incremental checkpoints. `none`: the one after it, without any. */
  moments: Record<'usual' | 'unaligned' | 'none', Moment>;
}
export const answeredReleases = ['1.13.6', '1.14.6', '1.15.4', '1.16.3', '1.17.2', '1.18.1', '1.19.3'] as const;
export const answersPath = (release: string) => join(import.meta.dirname, `${release}.json`);
export async function readAnswers(release: string): Promise<Answers> {
  return JSON.parse(await readFile(answersPath(release), 'utf8'));
}

/** A server that says again what was recorded, and nothing else. `asked`: methods and paths, in order. */
export async function replay(moment: Moment): Promise<{ url: string; asked: string[]; close(): void }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const answer = moment.answers[request.url ?? ''] ?? { status: 599, body: `not recorded: ${request.url}` };
    response.writeHead(answer.status, { 'content-type': typeof answer.body === 'string' ? 'text/plain' : 'application/json' });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
