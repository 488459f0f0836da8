import { formatBytes, sleep } from '../../../core/time.ts';
import type { Closing } from '../closing.ts';
import { memoryOf } from '../processes.ts';
import type { Figure } from '../report.ts';
import { slopeOf } from '../stats.ts';
import { observeFleet } from './side.ts';

const size = 10_000;

/** What Sluice keeps in memory while it watches ten thousand jobs for so long, read each minute. */
export async function measureHour(closing: Closing, minutes: number, say: (line: string) => void): Promise<Omit<Figure, 'facts'>> {
  const { sluicePid } = await observeFleet(closing, size, say);
  const samples: number[] = [];
  for (let minute = 0; minute <= minutes; minute++) {
    samples.push((await memoryOf([sluicePid()])).resident);
    if (minute === minutes) break;
    if (minute % 10 === 0) say(`hour: minute ${minute} of ${minutes}, ${formatBytes(samples.at(-1) ?? 0)}`);
    await sleep(60_000);
  }
  // What a process needs to come to rest is not what it leaks.
  const rested = samples.slice(Math.floor(samples.length / 3));
  const perHour = slopeOf(rested) * 60;
  const marks = [0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1].map((share) => Math.round(share * minutes));
  const highest = Math.max(...samples);
  return {
    name: 'hour',
    title: 'Memory while watching',
    how:
      `${size} running jobs of a stand-in of which each is asked for its checkpoints once a minute; ` +
      `resident memory (VmRSS) of Sluice alone, read each minute for ${minutes} min after every job was found. The slope is the least squares one over the last two thirds.`,
    tables: [
      {
        head: ['after', ...new Set(marks)].map((mark) => (typeof mark === 'number' ? `${mark} min` : mark)),
        rows: [['memory of Sluice', ...[...new Set(marks)].map((mark) => formatBytes(samples[mark] ?? 0))]],
      },
    ],
    aims: [
      {
        met: highest <= 250e6,
        text: `Sluice keeps ${formatBytes(highest)} at the highest, ${Math.round(highest / 1e6)} million bytes; aimed at were 250 million.`,
      },
      {
        met: Math.abs(perHour) <= 10e6,
        text: `Slope: ${perHour < 0 ? '-' : '+'}${formatBytes(Math.abs(perHour))} an hour; aimed at was about none.`,
      },
    ],
    notes: [],
  };
}
