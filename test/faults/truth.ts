/** How a job came to its end, as the cluster knows it. */
export type JobEnd = 'FINISHED' | 'CANCELED' | 'FAILED' | 'LOST';

/**
 * One thing that truly happened on a cluster, whatever anybody was told of it. The stand-in writes these as it acts; on a real cluster they are read from
 * Flink after the run. `at` is milliseconds since the epoch by the clock of the machine that the tests run on.
 */
export type TruthEvent = { seq: number; at: number } & (
  | { is: 'jar-uploaded'; jarId: string; name: string }
  | { is: 'jar-deleted'; jarId: string }
  | {
      is: 'job-started';
      jobId: string;
      jobName: string;
      jarId: string;
      /** The state that the run began from; undefined: from nothing. */
      restoredFrom: string | undefined;
      /** How much the job had read when it began: 0 from nothing, else what the restore point holds. */
      counter: number;
    }
  | { is: 'job-running'; jobId: string }
  | {
      is: 'restore-point';
      kind: 'savepoint' | 'checkpoint';
      jobId: string;
      path: string;
      /** What a run that begins from it starts with. */
      counter: number;
      /** Set for savepoints: the id under which it was asked for. */
      triggerId?: string;
    }
  | { is: 'restore-point-gone'; path: string }
  | { is: 'job-ended'; jobId: string; end: JobEnd; counter: number }
  /** The cluster lost its memory: jobs (ended as LOST before this), triggers, uploaded jars. */
  | { is: 'jobmanager-restarted' }
);
/** An event as somebody writes it, before it has its number and time. */
export type TruthFact = TruthEvent extends infer E ? (E extends TruthEvent ? Omit<E, 'seq' | 'at'> : never) : never;
