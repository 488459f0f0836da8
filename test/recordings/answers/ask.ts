import type {
  CheckpointSight,
  ClusterFacts,
  Deployer,
  FlowVertex,
  RootCause,
  RunOverview,
  RunSight,
  VertexFlow,
} from '../../../src/deploy/deployer.ts';

export interface AskedRun {
  sight: RunSight;
  state: string | undefined;
  checkpoints: CheckpointSight;
  intervalMs: number;
  retention: string;
  cause: RootCause | undefined;
  flows: { vertex: FlowVertex; flow: VertexFlow }[];
}
export interface Asked {
  facts: ClusterFacts;
  states: ReadonlyMap<string, string>;
  overview: Map<string, RunOverview>;
  jobManager: string | undefined;
  keepsJobs: boolean;
  logs: { from: string; text: string }[];
  runs: Map<string, AskedRun>;
  /** Of a job that the cluster does not know. */
  stranger: RunSight;
  strangerState: string | undefined;
}
export const strangerId = 'feedfeedfeedfeedfeedfeedfeedfeed';

/** Every question that is asked of an observed cluster, for each job that it lists. */
export async function askAll(deployer: Deployer): Promise<Asked> {
  const states = await deployer.listRuns();
  const runs = new Map<string, AskedRun>();
  for (const id of states.keys()) {
    const flows: AskedRun['flows'] = [];
    for (const vertex of await deployer.vertices(id)) flows.push({ vertex, flow: await deployer.flow(id, vertex) });
    runs.set(id, {
      sight: await deployer.look(id),
      state: await deployer.state(id),
      checkpoints: await deployer.checkpoints(id),
      ...(await deployer.checkpointConfig(id)),
      cause: await deployer.rootCause(id),
      flows,
    });
  }
  return {
    facts: await deployer.facts(),
    states,
    overview: await deployer.overview(),
    jobManager: await deployer.jobManager(),
    keepsJobs: await deployer.keepsJobs(),
    logs: await deployer.logTails(64 * 1024),
    runs,
    stranger: await deployer.look(strangerId),
    strangerState: await deployer.state(strangerId),
  };
}
