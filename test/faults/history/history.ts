import type { Person } from '../../../src/access/policy.ts';
import type {
  approvals,
  artifacts,
  audit,
  incidents,
  jobs,
  operationSteps,
  operations,
  outboxMessages,
  restorePoints,
  runs,
} from '../../../src/db/schema/index.ts';
import type { TruthEvent } from '../truth.ts';

// Only the columns that the checker reads: others may come and go.
export type OperationFact = Pick<
  typeof operations.$inferSelect,
  | 'id'
  | 'kind'
  | 'job'
  | 'state'
  | 'holds'
  | 'input'
  | 'planHash'
  | 'idemKey'
  | 'actor'
  | 'messageId'
  | 'breakGlass'
  | 'owner'
  | 'leaseUntil'
  | 'outcome'
  | 'createdAt'
  | 'startedAt'
  | 'finishedAt'
>;
export type StepFact = Pick<
  typeof operationSteps.$inferSelect,
  'operationId' | 'name' | 'state' | 'intent' | 'result' | 'startedAt' | 'doneAt'
> & {
  /** Whether the operation holds the job from this step on, by the step table. */
  holds: boolean;
};
export type ApprovalFact = Pick<
  typeof approvals.$inferSelect,
  'operationId' | 'planHash' | 'state' | 'requestedBy' | 'expiresAt' | 'decidedBy' | 'decidedAt'
>;
export type RunFact = Pick<
  typeof runs.$inferSelect,
  'id' | 'job' | 'cluster' | 'flinkJobId' | 'operationId' | 'state' | 'ended' | 'endedAt' | 'endReason' | 'startedAt' | 'runningAt'
>;
export type RestorePointFact = Pick<typeof restorePoints.$inferSelect, 'id' | 'job' | 'runId' | 'kind' | 'path' | 'state' | 'operationId'>;
export type IncidentFact = Pick<
  typeof incidents.$inferSelect,
  | 'id'
  | 'key'
  | 'job'
  | 'cluster'
  | 'cause'
  | 'state'
  | 'title'
  | 'runId'
  | 'messageId'
  | 'firstSeen'
  | 'lastSeen'
  | 'silenced'
  | 'resolvedAt'
>;
export type OutboxFact = Pick<
  typeof outboxMessages.$inferSelect,
  'id' | 'dedupeKey' | 'channel' | 'state' | 'sentChannel' | 'sentTs' | 'movedFrom' | 'lastError' | 'updatedAt'
>;
export type AuditFact = Pick<typeof audit.$inferSelect, 'id' | 'at' | 'actor' | 'action' | 'subject' | 'details' | 'previousHash' | 'hash'>;
export type ArtifactFact = Pick<typeof artifacts.$inferSelect, 'sha256' | 'name'>;
export interface JobFact extends Pick<typeof jobs.$inferSelect, 'name' | 'team' | 'mode'> {
  environment: 'production' | 'development';
}

/** What one person was allowed to from a moment on, until the next entry of the same person. */
export interface PersonAt {
  /** By the database's clock. */
  at: Date;
  person: Person;
}
/** A message that stands in Slack. */
export interface PostFact {
  channel: string;
  ts: string;
  /** What a person reads. */
  text: string;
  /** The id that Sluice's own posts carry. */
  outboxId: string | undefined;
  /** Seen by one person only. */
  ephemeral: boolean;
}
export interface ClusterFact {
  name: string;
  /** Sluice can read the files of its restore points. */
  pathsReadable: boolean;
  truth: readonly TruthEvent[];
}

/** All that is known after a run: what Sluice wrote down, what people see and what truly happened. Plain data. */
export interface History {
  /** The database's clock when this was read. */
  now: Date;
  /** How much the database's clock is ahead of the truth's (tests may move it). */
  clockAheadMs: number;
  /** What began less than this ago may still be under way. */
  graceMs: number;
  operations: OperationFact[];
  steps: StepFact[];
  approvals: ApprovalFact[];
  jobs: JobFact[];
  runs: RunFact[];
  restorePoints: RestorePointFact[];
  incidents: IncidentFact[];
  outbox: OutboxFact[];
  /** In the order of their ids. */
  audit: AuditFact[];
  artifacts: ArtifactFact[];
  /** Oldest first. */
  people: PersonAt[];
  clusters: ClusterFact[];
  posts: PostFact[];
  /** Build processes that run, with the build that they belong to. */
  processes: { pid: number; build: string }[];
  /** Folders of builds on disk, named after the build. */
  workspaces: string[];
  /** Flink job ids that the test itself started, ended or took savepoints of, outside Sluice. */
  outside: string[];
  /** Posts whose answer was lost on purpose: at most so many messages may stand twice. */
  ambiguousPosts: number;
  /** Uploads whose answer was lost on purpose: at most so many jars may be there twice. */
  ambiguousUploads: number;
}

export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8';
/** Something that must never be so. */
export interface Violation {
  invariant: Invariant;
  /** One sentence. */
  what: string;
  /** The rows and Flink ids concerned. */
  ids: string[];
}
