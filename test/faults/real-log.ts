/** What the log of a JobManager tells, in its order; `at` is milliseconds since the epoch. */
export type LogFact = { at: number } & (
  | { is: 'booted' }
  | { is: 'submitted'; jobId: string; jobName: string }
  | { is: 'restored'; jobId: string; path: string }
  | { is: 'restarting'; jobId: string }
  | { is: 'triggered'; jobId: string; id: number; savepoint: boolean; triggeredAt: number }
  | { is: 'completed'; jobId: string; id: number }
  | { is: 'ended'; jobId: string; end: 'FINISHED' | 'CANCELED' | 'FAILED' }
);
type Unplaced = LogFact extends infer F ? (F extends LogFact ? Omit<F, 'at'> : never) : never;

const id = '([0-9a-f]{32})';
const line = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d),(\d{3}) \w+ +\S+ \[.*?\] - (.*)$/;
/** The same words on 1.20 and 2.3. "Submitting job" is written after ids that were used before have been refused. */
const rules: readonly [RegExp, (m: string[]) => Unplaced][] = [
  [/^ Starting \w*ClusterEntrypoint \(Version:/, () => ({ is: 'booted' })],
  [new RegExp(`^Submitting job '(.*)' \\(${id}\\)`), ([, jobName = '', jobId = '']) => ({ is: 'submitted', jobId, jobName })],
  [new RegExp(`^Starting job ${id} from savepoint (\\S+)`), ([, jobId = '', path = '']) => ({ is: 'restored', jobId, path })],
  [new RegExp(`\\(${id}\\) switched from state \\w+ to RESTARTING`), ([, jobId = '']) => ({ is: 'restarting', jobId })],
  [
    new RegExp(`^Triggering checkpoint (\\d+) \\(type=(\\w+).*\\) @ (\\d+) for job ${id}`),
    ([, n, type = '', triggeredAt, jobId = '']) => ({
      is: 'triggered',
      jobId,
      id: Number(n),
      savepoint: type.startsWith('Savepoint'),
      triggeredAt: Number(triggeredAt),
    }),
  ],
  [new RegExp(`^Completed checkpoint (\\d+) for job ${id}`), ([, n, jobId = '']) => ({ is: 'completed', jobId, id: Number(n) })],
  [
    new RegExp(`^Job ${id} reached terminal state (FINISHED|CANCELED|FAILED)`),
    ([, jobId = '', end]) => ({ is: 'ended', jobId, end: end as 'FINISHED' }),
  ],
];

/** Reads whole lines of a JobManager's log; what tells nothing of jobs is left out. Pure, but for the time zone: the machine's, as the log's is. */
export function readLog(text: string): LogFact[] {
  return text.split('\n').flatMap((one) => {
    const [, day, time, ms, said = ''] = line.exec(one) ?? [];
    if (day === undefined) return [];
    for (const [pattern, make] of rules) {
      const found = pattern.exec(said);
      if (found) return [{ at: new Date(`${day}T${time}.${ms}`).getTime(), ...make(found) } as LogFact];
    }
    return [];
  });
}
