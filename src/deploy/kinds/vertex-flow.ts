import type { CallOptions, FlinkClient } from '../../flink/client.ts';
import type { FlowVertex, VertexFlow } from '../deployer.ts';

/** What a source's operators read: the task itself counts only what comes over the network. `Source__` also of the older kind of source. */
const sourceCounter = /^Source__.+\.numRecordsOut$/;
/** Flink's smallest and largest watermark are none: nothing came yet, or everything did. */
const isTime = (watermark: number) => Number.isFinite(watermark) && Math.abs(watermark) < 9e18;

/** The vertices of a run, each after those it reads from: GET /jobs/:id, and the names of metrics of its sources. @throws FlinkError, UnreachableError */
export async function readVertices(flink: FlinkClient, flinkJobId: string, options?: CallOptions): Promise<FlowVertex[]> {
  const job = await flink.job(flinkJobId, options);
  const inputs = new Map((job.plan?.nodes ?? []).map((node) => [node.id, (node.inputs ?? []).map((input) => input.id)]));
  const vertices: FlowVertex[] = [];
  for (const { id, name, parallelism, tasks } of job.vertices) {
    const reads = inputs.get(id) ?? [];
    const names = reads.length === 0 ? await flink.subtaskMetricNames(flinkJobId, id, options) : [];
    vertices.push({
      id,
      name,
      running: tasks?.['RUNNING'] === parallelism,
      inputs: reads,
      counters: names.filter((one) => sourceCounter.test(one)),
    });
  }
  return inOrder(vertices);
}
function inOrder(vertices: readonly FlowVertex[]): FlowVertex[] {
  const placed = new Map<string, FlowVertex>();
  const left = [...vertices];
  while (left.length > 0) {
    // A plan has no circles; one that had would still come to an end.
    const next = left.findIndex((vertex) => vertex.inputs.every((id) => placed.has(id) || !left.some((other) => other.id === id)));
    const [vertex] = left.splice(Math.max(0, next), 1);
    if (vertex) placed.set(vertex.id, vertex);
  }
  return [...placed.values()];
}

/** What went through a vertex: GET /jobs/:id/vertices/:vertex/subtasks/metrics. What is not a source is asked for its watermark too. @throws FlinkError, UnreachableError */
export async function readFlow(flink: FlinkClient, flinkJobId: string, vertex: FlowVertex, options?: CallOptions): Promise<VertexFlow> {
  const isSource = vertex.inputs.length === 0;
  const names = [
    'numRecordsIn',
    'numRecordsOut',
    'backPressuredTimeMsPerSecond',
    ...(isSource ? vertex.counters : ['currentInputWatermark']),
  ];
  const found = await flink.subtaskMetrics(flinkJobId, vertex.id, names, options);
  const known = (value: number | undefined) => (value !== undefined && Number.isFinite(value) ? value : undefined);
  const sum = (name: string) => known(found.get(name)?.sum);
  const read = vertex.counters.map(sum).filter((value) => value !== undefined);
  const watermark = found.get('currentInputWatermark')?.min;
  const pressed = known(found.get('backPressuredTimeMsPerSecond')?.max);
  return {
    // A source takes in what its operators read; one that does not say so is judged by what it hands on.
    in: !isSource ? sum('numRecordsIn') : read.length > 0 ? read.reduce((a, b) => a + b, 0) : undefined,
    out: sum('numRecordsOut'),
    watermark: watermark !== undefined && isTime(watermark) ? watermark : undefined,
    backPressured: pressed === undefined ? undefined : Math.min(1, pressed / 1000),
  };
}
