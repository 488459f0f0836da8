import { parseArgs } from 'node:util';
import { UserError } from '../../core/errors.ts';

/** What can be measured, in the order in which it is. */
export const figureNames = ['ack', 'start', 'engine', 'memory', 'boot', 'watch', 'hour'] as const;
export type FigureName = (typeof figureNames)[number];

export interface BenchOptions {
  figures: readonly FigureName[];
  /** Replace the figures in docs/performance.md. */
  write: boolean;
  flink: string;
  /** Commands a second, and for how many seconds on each side (`ack`). */
  rate: number;
  seconds: number;
  /** Interleaved pairs (`start`). */
  pairs: number;
  /** Rounds of start, savepoint and stop (`engine`). */
  starts: number;
  /** Starts of each kind (`boot`). */
  boots: number;
  /** Jobs that fail one after the other in each fleet (`watch`). */
  samples: number;
  /** How long memory is looked at (`hour`). */
  minutes: number;
}

const usage =
  'npm run bench -- [ack] [start] [engine] [memory] [boot] [watch] [hour] [--write] [--flink 1.20.5] [--rate 20] [--seconds 60] [--pairs 10] [--starts 50] [--boots 5] [--samples 40] [--minutes 60]';

/** Reads the command line of `npm run bench`; without a name everything is measured. @throws UserError */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  let parsed: { values: Record<string, string | boolean | undefined>; positionals: string[] };
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        write: { type: 'boolean', default: false },
        flink: { type: 'string', default: '1.20.5' },
        rate: { type: 'string', default: '20' },
        seconds: { type: 'string', default: '60' },
        pairs: { type: 'string', default: '10' },
        starts: { type: 'string', default: '50' },
        boots: { type: 'string', default: '5' },
        samples: { type: 'string', default: '40' },
        minutes: { type: 'string', default: '60' },
      },
    });
  } catch (cause) {
    throw new UserError('The bench was given an option that it does not know.', { cause, hint: usage });
  }
  const { values, positionals } = parsed;
  for (const name of positionals)
    if (!figureNames.some((known) => known === name)) throw new UserError(`There is no figure ${name}.`, { hint: usage });
  const count = (name: string, max: number) => {
    const n = Number(values[name]);
    if (!Number.isInteger(n) || n < 1 || n > max)
      throw new UserError(`--${name} is a whole number from 1 to ${max}, not ${String(values[name])}.`, { hint: usage });
    return n;
  };
  const flink = String(values['flink']);
  if (!/^\d+\.\d+\.\d+$/.test(flink)) throw new UserError(`${flink} is no Flink release.`, { hint: usage });
  return {
    figures: positionals.length === 0 ? figureNames : figureNames.filter((name) => positionals.includes(name)),
    write: values['write'] === true,
    flink,
    rate: count('rate', 200),
    seconds: count('seconds', 600),
    pairs: count('pairs', 100),
    starts: count('starts', 500),
    boots: count('boots', 50),
    samples: count('samples', 500),
    minutes: count('minutes', 120),
  };
}
