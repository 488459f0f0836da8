import { Agent, request } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sleep } from '../../core/time.ts';
import { signedHeaders } from '../../practice/link/sign.ts';
import { defaultSeed } from '../../practice/seed.ts';
import type { Arrival } from './arrivals.ts';
import { slashCommand } from './slash-command.ts';

/** What the load process is told on its standard input, as JSON. */
export interface LoadOrder {
  /** Where each side listens for Slack's requests. */
  urls: readonly string[];
  signingSecret: string;
  /** The command line, without the slash command. */
  text: string;
  /** What stands in a whole answer. */
  expected: string;
  arrivals: readonly Arrival[];
}
/** One line of its output, as JSON. */
export interface LoadAnswer {
  side: number;
  slice: number;
  /** From the time when it was due to the last byte of the answer. */
  latencyMs: number;
  /** How much later than due it left. */
  lateMs: number;
  /** 0 when no answer came. */
  status: number;
  /** Whether the answer tells of the job, instead of being empty or "still working". */
  whole: boolean;
}

/** Sends each request at its time, signed, over connections that are kept open; a process of its own, so that nothing else delays it. */
async function main(): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const order = JSON.parse(Buffer.concat(chunks).toString('utf8')) as LoadOrder;
  const agent = new Agent({ keepAlive: true });
  const begin = performance.now() + 100;
  const pending: Promise<LoadAnswer>[] = [];
  for (const [i, arrival] of order.arrivals.entries()) {
    const dueAt = begin + arrival.atMs;
    // Timers are a millisecond or two late; the rest is waited for turn by turn.
    if (dueAt - performance.now() > 3) await sleep(dueAt - performance.now() - 3);
    while (performance.now() < dueAt) await nextTurn();
    pending.push(send(agent, order, arrival, dueAt, `bench-${process.pid}-${i}`));
  }
  for (const answer of await Promise.all(pending)) console.log(JSON.stringify(answer));
  agent.destroy();
}

function send(agent: Agent, order: LoadOrder, arrival: Arrival, dueAt: number, triggerId: string): Promise<LoadAnswer> {
  const { side, slice } = arrival;
  const body = slashCommand(defaultSeed, order.text, triggerId);
  const headers = signedHeaders(order.signingSecret, body, 'application/x-www-form-urlencoded');
  const lateMs = performance.now() - dueAt;
  return new Promise((resolve) => {
    const end = (status: number, answer = '') =>
      resolve({ side, slice, latencyMs: performance.now() - dueAt, lateMs, status, whole: answer.includes(order.expected) });
    const sent = request(
      order.urls[side] ?? '',
      { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) }, timeout: 10_000 },
      (response) => {
        let answer = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          answer += chunk;
        });
        response.once('end', () => end(response.statusCode ?? 0, answer));
        response.once('error', () => end(0));
      },
    );
    sent.once('timeout', () => sent.destroy(new Error('no answer')));
    sent.once('error', () => end(0));
    sent.end(body);
  });
}

await main();
