import { z } from 'zod';

/** A number that Flink may also write as the string "NaN" (busy times, ratios). */
const num = z.union([z.number(), z.string().transform(Number)]);
const text = z.string();
const orNull = <T extends z.ZodType>(schema: T) => schema.nullish();

/** Job states of `/jobs/:id`; a newer release may know more, so states stay plain strings on the wire. */
export type JobState =
  | 'INITIALIZING'
  | 'CREATED'
  | 'RUNNING'
  | 'FAILING'
  | 'FAILED'
  | 'CANCELLING'
  | 'CANCELED'
  | 'FINISHED'
  | 'RESTARTING'
  | 'SUSPENDED'
  | 'RECONCILING';

/** States after which a job never runs again by itself. SUSPENDED is not among them: with HA another JobManager goes on with it. */
export const endedJobStates: readonly string[] = ['FAILED', 'CANCELED', 'FINISHED'];

/** GET /overview. */
export const overviewSchema = z.looseObject({
  taskmanagers: num,
  'slots-total': num,
  'slots-available': num,
  'jobs-running': num,
  'jobs-finished': num,
  'jobs-cancelled': num,
  'jobs-failed': num,
  'flink-version': text,
  'flink-commit': orNull(text),
});
export type Overview = z.output<typeof overviewSchema>;

/** GET /config. */
export const configSchema = z.looseObject({
  'refresh-interval': num,
  'timezone-name': orNull(text),
  'flink-version': text,
  features: orNull(z.looseObject({ 'web-submit': orNull(z.boolean()), 'web-cancel': orNull(z.boolean()) })),
});
export type WebConfig = z.output<typeof configSchema>;

/** GET /jobs: ids and states, not cached by Flink. */
export const jobsSchema = z.looseObject({ jobs: z.array(z.looseObject({ id: text, status: text })) });
export type JobIdAndStatus = z.output<typeof jobsSchema>['jobs'][number];

/** GET /jobs/overview, as far as it is used: of ten thousand jobs each other field counts. `start-time` is milliseconds since 1970. */
export const jobsOverviewSchema = z.looseObject({
  jobs: z.array(
    z.object({
      jid: text,
      name: text,
      state: text,
      'start-time': num,
      tasks: z.object({ running: num.optional(), finished: num.optional(), total: num.optional() }),
    }),
  ),
});
export type JobOverview = z.output<typeof jobsOverviewSchema>['jobs'][number];

export const vertexSchema = z.looseObject({
  id: text,
  name: text,
  parallelism: num,
  maxParallelism: orNull(num),
  status: text,
  'start-time': num,
  'end-time': num,
  duration: num,
  tasks: z.record(text, num).optional(),
  metrics: z.record(text, z.unknown()).optional(),
});
export type Vertex = z.output<typeof vertexSchema>;

/** GET /jobs/:id, cached by Flink for `web.refresh-interval`. */
export const jobSchema = z.looseObject({
  jid: text,
  name: text,
  state: text,
  'start-time': num,
  'end-time': num,
  duration: num,
  maxParallelism: orNull(num),
  now: num,
  timestamps: z.record(text, num),
  vertices: z.array(vertexSchema),
  'status-counts': z.record(text, num).optional(),
  plan: orNull(
    z.looseObject({ nodes: orNull(z.array(z.looseObject({ id: text, inputs: orNull(z.array(z.looseObject({ id: text }))) }))) }),
  ),
});
export type JobDetails = z.output<typeof jobSchema>;

/** GET /jobs/:id/status, and one entry of GET /jobs for older releases. */
export const jobStatusSchema = z.looseObject({ status: text });

export const checkpointSchema = z.looseObject({
  id: num,
  status: text,
  is_savepoint: z.boolean(),
  checkpoint_type: orNull(text),
  savepointFormat: orNull(text),
  trigger_timestamp: num,
  latest_ack_timestamp: num,
  state_size: num,
  checkpointed_size: orNull(num),
  processed_data: orNull(num),
  persisted_data: orNull(num),
  end_to_end_duration: num,
  num_subtasks: orNull(num),
  num_acknowledged_subtasks: orNull(num),
  external_path: orNull(text),
  discarded: orNull(z.boolean()),
  failure_timestamp: orNull(num),
  failure_message: orNull(text),
});
export type Checkpoint = z.output<typeof checkpointSchema>;

export const restoredSchema = z.looseObject({ id: num, restore_timestamp: num, is_savepoint: z.boolean(), external_path: orNull(text) });
export type RestoredCheckpoint = z.output<typeof restoredSchema>;

/**
 * GET /jobs/:id/checkpoints. `counts.failed` is 1 on nearly every fresh job; only `latest.failed` and the history are proof of a
 * failure. `latest.restored` proves what the job was restored from.
 */
export const checkpointsSchema = z.looseObject({
  counts: z.looseObject({ restored: num, total: num, in_progress: num, completed: num, failed: num }),
  latest: z.looseObject({
    completed: orNull(checkpointSchema),
    savepoint: orNull(checkpointSchema),
    failed: orNull(checkpointSchema),
    restored: orNull(restoredSchema),
  }),
  history: z.array(checkpointSchema),
});
export type Checkpoints = z.output<typeof checkpointsSchema>;

/** GET /jobs/:id/checkpoints/config; durations in milliseconds, `interval` is a huge number when checkpoints are off. */
export const checkpointConfigSchema = z.looseObject({
  mode: text,
  interval: num,
  timeout: num,
  min_pause: num,
  max_concurrent: num,
  externalization: z.looseObject({ enabled: z.boolean(), delete_on_cancellation: z.boolean() }),
  state_backend: orNull(text),
  checkpoint_storage: orNull(text),
  unaligned_checkpoints: orNull(z.boolean()),
  tolerable_failed_checkpoints: orNull(num),
});
export type CheckpointConfig = z.output<typeof checkpointConfigSchema>;

/** GET /jobs/:id/checkpoints/details/:checkpoint. */
export const checkpointDetailsSchema = checkpointSchema.extend({ tasks: z.record(text, z.looseObject({})).optional() });
export type CheckpointDetails = z.output<typeof checkpointDetailsSchema>;

const exceptionFields = {
  exceptionName: text,
  stacktrace: text,
  timestamp: num,
  taskName: orNull(text),
  endpoint: orNull(text),
  taskManagerId: orNull(text),
};
export const exceptionEntrySchema = z.looseObject({
  ...exceptionFields,
  concurrentExceptions: orNull(z.array(z.looseObject(exceptionFields))),
});
export type ExceptionEntry = z.output<typeof exceptionEntrySchema>;

/**
 * GET /jobs/:id/exceptions: newest first. `root-exception` is what 1.x says besides, with when (null: the job never failed). In older
 * releases (1.13 to 1.19 were seen) a failure comes into the history only when the restart after it begins; there it is at once.
 */
export const exceptionsSchema = z.looseObject({
  'root-exception': orNull(text),
  timestamp: orNull(num),
  'all-exceptions': orNull(z.array(z.looseObject({ exception: text, task: orNull(text), timestamp: num }))),
  exceptionHistory: z.looseObject({ entries: z.array(exceptionEntrySchema), truncated: z.boolean() }),
});
export type Exceptions = z.output<typeof exceptionsSchema>;

/** GET /jobs/:id/config. */
export const jobConfigSchema = z.looseObject({
  jid: text,
  name: text,
  'execution-config': orNull(
    z.looseObject({ 'restart-strategy': orNull(text), 'job-parallelism': orNull(num), 'user-config': orNull(z.record(text, text)) }),
  ),
});
export type JobConfig = z.output<typeof jobConfigSchema>;

/** GET /jobs/:id/accumulators; empty for the first seconds of a job, cached like /jobs/:id. */
export const accumulatorsSchema = z.looseObject({
  'user-task-accumulators': z.array(z.looseObject({ name: text, type: text, value: text })),
});

/** GET /jobs/:id/execution-result. */
export const executionResultSchema = z.looseObject({
  status: z.looseObject({ id: text }),
  'job-execution-result': orNull(
    z.looseObject({
      'application-status': text,
      'net-runtime': orNull(num),
      'failure-cause': orNull(z.looseObject({ class: text, 'stack-trace': text })),
    }),
  ),
});
export type ExecutionResult = z.output<typeof executionResultSchema>;

export const metricsSchema = z.array(z.looseObject({ id: text, value: orNull(text) }));

/** GET /jobs/:id/vertices/:vertex/subtasks/metrics: names alone when none is asked for. All is left out when one of those asked for is not there. */
export const subtaskMetricsSchema = z.array(
  z.looseObject({ id: text, min: orNull(num), max: orNull(num), avg: orNull(num), sum: orNull(num) }),
);

export const taskManagersSchema = z.looseObject({
  taskmanagers: z.array(
    z.looseObject({
      id: text,
      path: orNull(text),
      timeSinceLastHeartbeat: orNull(num),
      slotsNumber: num,
      freeSlots: num,
      hardware: orNull(z.looseObject({})),
    }),
  ),
});
export type TaskManager = z.output<typeof taskManagersSchema>['taskmanagers'][number];

export const keyValuesSchema = z.array(z.looseObject({ key: text, value: text }));

export const logListSchema = z.looseObject({ logs: z.array(z.looseObject({ name: text, size: num, mtime: orNull(num) })) });
export type LogFile = z.output<typeof logListSchema>['logs'][number];

/** GET /jars; a jar with an empty `entry` list has no main class or is no jar at all. */
export const jarsSchema = z.looseObject({
  files: z.array(
    z.looseObject({
      id: text,
      name: text,
      uploaded: num,
      entry: z.array(z.looseObject({ name: text, description: orNull(text) })),
    }),
  ),
});
export type Jar = z.output<typeof jarsSchema>['files'][number];

export const uploadSchema = z.looseObject({ filename: text, status: text });

/** POST /jars/:id/plan. */
export const planSchema = z.looseObject({
  plan: z.looseObject({
    jid: text,
    name: text,
    type: orNull(text),
    nodes: z.array(z.looseObject({ id: text, parallelism: orNull(num), description: orNull(text) })),
  }),
});
export type Plan = z.output<typeof planSchema>['plan'];

export const runSchema = z.looseObject({ jobid: text });
export const triggerSchema = z.looseObject({ 'request-id': text });

/** What every polled operation answers; the failure is a Java throwable as text. */
const throwableSchema = z.looseObject({ class: text, 'stack-trace': text });
export const operationSchema = z.looseObject({
  status: z.looseObject({ id: text }),
  operation: orNull(
    z.looseObject({
      location: orNull(text),
      checkpointId: orNull(num),
      'failure-cause': orNull(throwableSchema),
      failureCause: orNull(throwableSchema),
    }),
  ),
});
export type Operation = z.output<typeof operationSchema>;
export const anySchema = z.unknown();
