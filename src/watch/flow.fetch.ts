import { UnreachableError, UpstreamError } from '../core/errors.ts';
import { eachWithin } from '../core/lists.ts';
import type { FlowVertex, VertexFlow } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import type { Run } from '../jobs/runs.store.ts';

/** What one round may cost a JobManager; what is left over comes first in the next. */
export interface FlowBudget {
  requests: number;
  ms: number;
}
export interface FlowReading {
  run: Run;
  /** Each after those it reads from. */
  vertices: { vertex: FlowVertex; flow: VertexFlow }[];
}
/** The vertices of runs, by run id, with when they were read (a monotonic time in ms): they seldom change. */
export type KnownVertices = Map<string, { at: number; vertices: FlowVertex[] }>;

const verticesAgeMs = 10 * 60_000;
/** Of a very wide job its sources and what is next to them are looked at. */
const verticesOfJob = 30;
const timeoutMs = 4000;

/** JobManagers of one cluster that are asked at the same time: behind a YARN there are many, and one proxy. */
const jobManagersAtOnce = 4;

interface Flows {
  readings: FlowReading[];
  failed: Run[];
  requests: number;
}

/**
 * Asks a cluster for the flow of runs, one request after the other of each JobManager, until its budget is spent. Ends early with one that does not answer.
 * Never throws for what the cluster does: what could not be read is told as failed.
 * @param stands whether something of a run stood still at the last look: then its vertices are read anew, since one may have come to its end.
 * @param forMs after that no further JobManager is begun with.
 */
export async function fetchFlows(
  open: OpenCluster,
  runs: readonly Run[],
  known: KnownVertices,
  stands: (run: Run) => boolean,
  budget: FlowBudget,
  forMs: number,
): Promise<Flows & { tookMs: number }> {
  const all: Flows = { readings: [], failed: [], requests: 0 };
  let tookMs = 0;
  const ofJobManager = [...Map.groupBy(runs, (run) => run.application ?? '').values()];
  await eachWithin(ofJobManager, { atOnce: jobManagersAtOnce, forMs }, async (some) => {
    const started = performance.now();
    await fetchSome(open, some, known, stands, budget, all);
    tookMs += performance.now() - started;
  });
  return { ...all, tookMs };
}
/** Those of one JobManager. */
async function fetchSome(
  { deployer }: OpenCluster,
  runs: readonly Run[],
  known: KnownVertices,
  stands: (run: Run) => boolean,
  budget: FlowBudget,
  all: Flows,
): Promise<void> {
  const started = performance.now();
  let requests = 0;
  const spent = () => requests >= budget.requests || performance.now() - started >= budget.ms;
  const ask = (n: number) => {
    requests += n;
    all.requests += n;
  };
  for (const run of runs) {
    if (spent()) break;
    try {
      let vertices = known.get(run.id);
      if (!vertices || performance.now() - vertices.at > verticesAgeMs || stands(run)) {
        ask(2);
        vertices = { at: performance.now(), vertices: (await deployer.vertices(run.flinkJobId, { timeoutMs })).slice(0, verticesOfJob) };
        known.set(run.id, vertices);
      }
      const seen: FlowReading['vertices'] = [];
      for (const vertex of vertices.vertices) {
        ask(1);
        seen.push({ vertex, flow: await deployer.flow(run.flinkJobId, vertex, { timeoutMs }) });
      }
      // Nothing at all is told in the first seconds, when the tasks are others than before, or of a source that was not known yet.
      if (seen.some(({ vertex, flow }) => flow.out === undefined || (vertex.inputs.length === 0 && vertex.counters.length === 0)))
        known.delete(run.id);
      all.readings.push({ run, vertices: seen });
    } catch (error) {
      known.delete(run.id);
      all.failed.push(run);
      if (error instanceof UnreachableError) break;
      if (!(error instanceof UpstreamError)) throw error;
    }
  }
}
