import { sleep } from '../../../core/time.ts';
import { median } from '../stats.ts';
import type { Side } from './side.ts';

/** Processor milliseconds of Sluice and PostgreSQL that so many changed jobs took, beside those of a cluster in which nothing happens. */
export type Changes = readonly { changed: number; ms: number }[];

const windowMs = 20_000;
const turns = 2;

/** Some jobs restart and run again at once, fewer and more of them in turns, each turn beside a quiet one. */
export async function measureChanges(side: Side, say: (line: string) => void): Promise<Changes> {
  const took = new Map<number, number[]>([10, 100, 1000].map((changed) => [changed, []]));
  const spentIn = async (act: () => Promise<void>) => {
    const before = await side.cpuMs();
    const until = performance.now() + windowMs;
    await act();
    await sleep(Math.max(0, until - performance.now()));
    const after = await side.cpuMs();
    return after.sluice + after.postgres - before.sluice - before.postgres;
  };
  for (let turn = 0; turn < turns; turn++)
    for (const [changed, all] of took) {
      say(`watch: ${changed} jobs restart`);
      const quiet = await spentIn(async () => {});
      // The last ones of the fleet: the first are those that fail later.
      const first = side.fleet.size - changed;
      const busy = await spentIn(() =>
        side.fleet.restart(
          Array.from({ length: changed }, (_, n) => first + n),
          2000,
        ),
      );
      all.push(busy - quiet);
      say(`watch: ${changed} jobs: ${Math.round(busy - quiet)} ms more`);
    }
  return [...took].map(([changed, all]) => ({ changed, ms: median(all) }));
}
