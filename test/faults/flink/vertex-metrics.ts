import { type Answer, answer } from './answers.ts';
import { counterOf, type Job, vertices } from './job.ts';

/** What each vertex counts that anybody asks for; the operators of the source under their own names. */
const counters = [
  [
    'Source__order_numbers.numRecordsIn',
    'Source__order_numbers.numRecordsOut',
    'throttle.numRecordsIn',
    'throttle.numRecordsOut',
    'orders.numRecordsIn',
    'orders.numRecordsOut',
    'numRecordsIn',
    'numRecordsOut',
    'backPressuredTimeMsPerSecond',
  ],
  ['numRecordsIn', 'numRecordsOut', 'currentInputWatermark', 'backPressuredTimeMsPerSecond'],
] as const;
const noWatermark = -9223372036854776000;

/** GET /jobs/:jobid/vertices/:vertexid/subtasks/metrics: names alone, or values over all subtasks; nothing of what is not there, which is no error. */
export function vertexMetrics(job: Job | undefined, vertexId: string, asked: string | null): Answer {
  const index = vertices.findIndex((vertex) => vertex.id === vertexId);
  const names = job && job.phase === 'RUNNING' ? (counters[index] ?? []) : [];
  if (!job || names.length === 0) return answer('subtask metrics: none', 200, []);
  if (asked === null)
    return answer(
      'subtask metric names',
      200,
      names.map((id) => ({ id })),
    );
  const wanted = asked.split(',').map(decodeURIComponent);
  // One name that is not there, and none is answered.
  if (!wanted.every((id) => names.some((name) => name === id))) return answer('subtask metrics: none', 200, []);
  const each = counterOf(job, Date.now());
  return answer(
    'subtask metrics',
    200,
    wanted.map((id) => {
      const value = id === 'currentInputWatermark' ? noWatermark : countAt(id, index, each);
      return { id, min: value, max: value, avg: value, sum: value * job.parallelism, skew: 0 };
    }),
  );
}
/** The source takes nothing in from the network, and the last vertex hands nothing on. */
function countAt(id: string, index: number, each: number): number {
  if (id === 'backPressuredTimeMsPerSecond') return 0;
  if (id === 'numRecordsIn') return index === 0 ? 0 : each;
  if (id === 'numRecordsOut') return index === 0 ? each : 0;
  return each;
}
