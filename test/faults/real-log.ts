/** What the log of a JobManager tells, in its order; `at` is milliseconds since the epoch. */
export type LogFact = { at: number } & (
  | { is: 'booted' }
  | { is: 'submitted'; jobId: string; jobName: string }
  | { is: 'restored'; jobId: string; path: string }
  | { is: 'scheduling'; jobId: string }
  | { is: 'restarting'; jobId: string }
  /** `graph` stands for the job, in words of its own; `task` is one subtask of one vertex. */
  | { is: 'task'; graph: string; task: string; from: string; to: string }
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
  [new RegExp(`^Job .*\\(${id}\\) switched from state CREATED to RUNNING`), ([, jobId = '']) => ({ is: 'scheduling', jobId })],
  [
    new RegExp(`\\(${id}_(${id}_\\d+)_\\d+\\) switched from (\\w+) to (\\w+)`),
    ([, graph = '', task = '', , from = '', to = '']) => ({ is: 'task', graph, task, from, to }),
  ],
  [new RegExp(`^Job .*\\(${id}\\) switched from state \\w+ to RESTARTING`), ([, jobId = '']) => ({ is: 'restarting', jobId })],
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

/** Jobs of which all tasks ran at some moment. A job's first tasks are scheduled right after it, which tells what its graph is called. Pure. */
export function jobsThatCameUp(log: readonly LogFact[]): Set<string> {
  const up = new Set<string>();
  const graphs = new Map<string, { jobId: string; tasks: Set<string>; running: Set<string> }>();
  const waiting: string[] = [];
  for (const fact of log) {
    if (fact.is === 'scheduling') waiting.push(fact.jobId);
    if (fact.is !== 'task') continue;
    let graph = graphs.get(fact.graph);
    if (!graph) {
      const jobId = waiting.shift();
      if (jobId === undefined) continue;
      graph = { jobId, tasks: new Set(), running: new Set() };
      graphs.set(fact.graph, graph);
    }
    graph.tasks.add(fact.task);
    if (fact.to === 'RUNNING') graph.running.add(fact.task);
    else graph.running.delete(fact.task);
    if (graph.running.size === graph.tasks.size) up.add(graph.jobId);
  }
  return up;
}
