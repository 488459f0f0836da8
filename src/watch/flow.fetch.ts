import { UnreachableError, UpstreamError } from '../core/errors.ts';
import type { FlowVertex, VertexFlow } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import type { Run } from '../jobs/runs.store.ts';

/** What one round may cost a cluster; what is left over comes first in the next. */
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

/**
 * Asks a cluster for the flow of runs, one request after the other, until the budget is spent. Ends early when it does not answer. Never throws for what the
 * cluster does: what could not be read is told as failed.
 * @param stands whether something of a run stood still at the last look: then its vertices are read anew, since one may have come to its end.
 */
export async function fetchFlows(
  open: OpenCluster,
  runs: readonly Run[],
  known: KnownVertices,
  stands: (run: Run) => boolean,
  budget: FlowBudget,
): Promise<{ readings: FlowReading[]; failed: Run[]; requests: number; tookMs: number }> {
  const { deployer } = open;
  const started = performance.now();
  const readings: FlowReading[] = [];
  const failed: Run[] = [];
  let requests = 0;
  const spent = () => requests >= budget.requests || performance.now() - started >= budget.ms;
  for (const run of runs) {
    if (spent()) break;
    try {
      let vertices = known.get(run.id);
      if (!vertices || performance.now() - vertices.at > verticesAgeMs || stands(run)) {
        requests += 2;
        vertices = { at: performance.now(), vertices: (await deployer.vertices(run.flinkJobId, { timeoutMs })).slice(0, verticesOfJob) };
        known.set(run.id, vertices);
      }
      const seen: FlowReading['vertices'] = [];
      for (const vertex of vertices.vertices) {
        requests++;
        seen.push({ vertex, flow: await deployer.flow(run.flinkJobId, vertex, { timeoutMs }) });
      }
      // Nothing at all is told in the first seconds, when the tasks are others than before, or of a source that was not known yet.
      if (seen.some(({ vertex, flow }) => flow.out === undefined || (vertex.inputs.length === 0 && vertex.counters.length === 0)))
        known.delete(run.id);
      readings.push({ run, vertices: seen });
    } catch (error) {
      known.delete(run.id);
      failed.push(run);
      if (error instanceof UnreachableError) break;
      if (!(error instanceof UpstreamError)) throw error;
    }
  }
  return { readings, failed, requests, tookMs: performance.now() - started };
}
