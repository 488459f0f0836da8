import { sleep } from '../../../core/time.ts';
import { percentile } from '../stats.ts';
import { fleetJobName } from './fleet.ts';
import type { Side } from './side.ts';

const words = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heath', 'inlet', 'jetty'];
/** Exceptions that nobody takes for one: what differs by a number only is told together. */
const exceptionOf = (n: number) =>
  `com.example.etl.${[n % 10, Math.floor(n / 10) % 10, Math.floor(n / 100) % 10].map((i) => (words[i] ?? '').replace(/^./, (c) => c.toUpperCase())).join('')}Exception: it broke`;

export interface Delays {
  p50: number;
  p99: number;
  slowest: number;
  count: number;
}
/** One job after the other fails, at any moment of a poll: until its message stands in the workspace, in milliseconds. */
export async function measureDelays(side: Side, count: number): Promise<Delays> {
  const reader = side.slack.people.as('emma');
  const took: number[] = [];
  for (let n = 0; n < count; n++) {
    // Out of step with the polls, and slower than a channel takes messages.
    await sleep(1400 + Math.random() * 1000);
    const name = fleetJobName(n);
    const failedAt = side.fleet.fail([n], exceptionOf(n));
    await reader.sees((m) => m.text.includes(`${name} failed`), { channel: 'flink-alerts', timeoutMs: 60_000, since: 'start' });
    took.push(Date.now() - failedAt);
  }
  return { p50: percentile(took, 0.5), p99: percentile(took, 0.99), slowest: Math.max(...took), count: took.length };
}
