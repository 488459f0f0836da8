import { z } from 'zod';
import { UpstreamError } from '../../core/errors.ts';
import { http } from '../../core/http.ts';
import { sleep } from '../../core/time.ts';

const jobSchema = z.object({
  timestamps: z.record(z.string(), z.number()),
  vertices: z.array(z.object({ id: z.string(), parallelism: z.number(), 'start-time': z.number() })),
});
const subtasksSchema = z.object({ subtasks: z.array(z.object({ timestamps: z.record(z.string(), z.number()) })) });
type JobAnswer = z.output<typeof jobSchema>;
type SubtasksAnswer = z.output<typeof subtasksSchema>;

/** Flink's own record of a job, milliseconds since 1970; undefined for what has not happened. */
export interface JobTimes {
  /** When the JobManager took it. */
  createdAt: number | undefined;
  /** When the last vertex began to be deployed (its `start-time`). */
  deployedAt: number | undefined;
  /** When the last task of all vertices was running. */
  runningAt: number | undefined;
  finishedAt: number | undefined;
}

/** What `/jobs/:id` and each vertex's `/subtasktimes` say of a job, put together. */
export function jobTimes(job: JobAnswer, subtasks: readonly SubtasksAnswer[]): JobTimes {
  const happened = (at: number | undefined) => (at !== undefined && at > 0 ? at : undefined);
  const last = (all: readonly (number | undefined)[]) =>
    all.length > 0 && all.every((at) => happened(at) !== undefined) ? Math.max(...(all as number[])) : undefined;
  const tasks = job.vertices.flatMap((vertex, i) => {
    const known = subtasks[i]?.subtasks.map((s) => s.timestamps['RUNNING']) ?? [];
    return known.length === vertex.parallelism ? known : [undefined];
  });
  return {
    createdAt: happened(job.timestamps['CREATED']),
    deployedAt: last(job.vertices.map((vertex) => vertex['start-time'])),
    runningAt: last(tasks),
    finishedAt: happened(job.timestamps['FINISHED']),
  };
}

/** Longer than Flink's answers may be stale (`web.refresh-interval`, 3 s). */
const staleMs = 3200;

/**
 * Reads the times of a job after Flink's cache has passed, again until the wanted ones are there.
 * @throws UpstreamError if they are not within a minute.
 */
export async function readJobTimes(flinkUrl: string, jobId: string, wanted: keyof JobTimes): Promise<JobTimes> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    await sleep(staleMs);
    const job = jobSchema.parse(await get(`${flinkUrl}/jobs/${jobId}`));
    const subtasks: SubtasksAnswer[] = [];
    for (const vertex of job.vertices)
      subtasks.push(subtasksSchema.parse(await get(`${flinkUrl}/jobs/${jobId}/vertices/${vertex.id}/subtasktimes`)));
    const times = jobTimes(job, subtasks);
    if (times[wanted] !== undefined) return times;
    if (performance.now() > deadline)
      throw new UpstreamError(`Flink does not say of the job ${jobId} when it was ${wanted.replace('At', '')}.`);
  }
}

async function get(url: string): Promise<unknown> {
  const answer = await http(url);
  if (answer.status !== 200) throw new UpstreamError(`Flink answered ${answer.status}: ${answer.body.slice(0, 300)}`, { details: { url } });
  return JSON.parse(answer.body);
}

/** Removes every jar that the cluster keeps, so that each way has to send it. */
export async function forgetJars(flinkUrl: string): Promise<void> {
  const { files } = z.object({ files: z.array(z.object({ id: z.string() })) }).parse(await get(`${flinkUrl}/jars`));
  for (const { id } of files) await http(`${flinkUrl}/jars/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
