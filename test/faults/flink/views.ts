import { checkpointsOf } from './checkpoint-views.ts';
import type { Job } from './job.ts';
import { accumulatorsOf, configOf, detailsOf, exceptionsOf, overviewOf } from './job-views.ts';
import type { Jobs } from './jobs.ts';
import type { Cluster } from './options.ts';

/** What Flink last read of a job's graph; details, exceptions and accumulators are of the same moment. */
interface Graph {
  details: unknown;
  config: unknown;
  accumulators: unknown;
  exceptions: ReturnType<typeof exceptionsOf>;
}
export interface Views {
  graph(job: Job): Graph;
  checkpoints(job: Job): unknown;
  overview(): unknown[];
}

/** The answers that Flink reads anew only every `web.refresh-interval`. */
export function createViews(cluster: Cluster, jobs: Jobs): Views {
  const graphs = kept<Job, Graph>(cluster, (job) => ({
    details: detailsOf(job, cluster),
    config: configOf(job, cluster),
    accumulators: accumulatorsOf(job),
    exceptions: exceptionsOf(job, cluster),
  }));
  const statistics = kept<Job, unknown>(cluster, checkpointsOf);
  const whole = kept<Jobs, unknown[]>(cluster, (all) => all.list().map((job) => overviewOf(job, cluster)));
  return { graph: graphs, checkpoints: statistics, overview: () => whole(jobs) };
}

function kept<K extends object, V>(cluster: Cluster, read: (key: K) => V): (key: K) => V {
  const values = new WeakMap<K, { at: number; value: V }>();
  return (key) => {
    const now = performance.now();
    const known = values.get(key);
    if (known && now - known.at < cluster.timing.refreshMs) return known.value;
    const value = read(key);
    values.set(key, { at: now, value });
    return value;
  };
}
