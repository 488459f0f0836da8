import type { ArtifactStore } from '../build/artifact-store.ts';
import type { GitCredential } from '../build/git-credential.ts';
import type { AppError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Action, Message, Part, Span } from '../core/message.ts';
import type { Database, Tx } from '../db/db.ts';
import type { operationSteps, operations } from '../db/schema/index.ts';
import type { Deployers } from '../deploy/deployers.ts';
import type { CredentialRef } from '../projects/projects.store.ts';
import type { RetentionPolicy } from '../restore-points/retention.rule.ts';

export type Operation = typeof operations.$inferSelect;
export type OperationStep = typeof operationSteps.$inferSelect;
export type Json = Record<string, unknown>;

/** What steps may use; built by the roof. */
export interface Services {
  database: Database;
  deployers: Deployers;
  artifacts: ArtifactStore;
  /** Reads the secret of a git credential at the moment it is needed. @throws ConfigError */
  openCredential(ref: CredentialRef): Promise<GitCredential>;
  /** Lets only so many builds run at once; gives back the turn. */
  buildTurn(signal: AbortSignal): Promise<() => void>;
  /** Folder for workspaces and files that are being moved. */
  workDir: string;
  settings: Settings;
  log: Log;
  /** Called at each named moment of an operation (points.ts); absent in production. Fault tests die, freeze or throw here. */
  onPoint?(point: string): Promise<void>;
}
export interface Settings {
  publicUrl: string;
  plainHttpHosts: readonly string[];
  buildTimeoutMs: number;
  buildNoOutputTimeoutMs: number;
  minFreeDiskBytes: number;
  mavenCommand: string;
  /** How long a start may take until every vertex runs. */
  runningWithinMs: number;
  /** How long an approval can be given. */
  approvalLifetimeMs: number;
  /** Which savepoints are kept of jobs that do not say so themselves; absent: all. */
  keep?: RetentionPolicy;
}

/** What a step sees and may do. */
export interface StepContext {
  op: Operation;
  services: Services;
  /** Results of the steps before, by step name. */
  results: Readonly<Record<string, Json>>;
  /** Intents of the steps that were begun, by step name: what may have happened although no result tells of it. */
  intents: Record<string, Json>;
  /** Aborted when the operation is fenced, canceled (for steps that cancel at once) or Sluice stops. */
  signal: AbortSignal;
  /**
   * Called right before a request that changes something outside: after a pause (a frozen process, a laptop that slept) the lease may be over and another
   * owner at work, while the other side cannot tell the two apart. @throws FencedError
   */
  fence(): void;
  /** A short fact beside the step, for example `2/4 tasks`; shown soon, never waited for. */
  note(text: string): void;
  /** Waits for a turn: meanwhile neither the step's time nor one of the engine's places is used up. */
  queue<T>(work: () => Promise<T>): Promise<T>;
  /** Replaces the message in the thread of the operation's message (a log tail); shown soon, never waited for. */
  thread(message: Message): void;
}

/** What the world says about a step that may have been begun before. */
export type Observation = { is: 'done'; result: Json } | { is: 'not-done' } | { is: 'unknown'; why: string };

/**
 * One step, written as intent -> observe -> act -> result. The intent (ids chosen by us) is stored before `act` runs, the result after, so that a
 * successor after a crash can ask the world what happened instead of repeating it blindly.
 */
export interface Step {
  name: string;
  title: string;
  /** `at-once`: abort it. `finish-first`: let it end, then stop. `compensate`: let it end, then go back by the kind's `undo`. */
  cancel: 'at-once' | 'finish-first' | 'compensate';
  deadlineMs: number;
  /** From this step on the operation holds the job. */
  holds: boolean;
  /** Left out when this says no. */
  when?(c: StepContext): boolean;
  /** Pure or reading: chooses what the effect will be, stored before it. */
  prepare?(c: StepContext): Promise<Json>;
  /** Asked when an earlier try may have acted. Absent: `act` changes nothing outside and may simply run again. */
  observe?(c: StepContext, intent: Json): Promise<Observation>;
  act(c: StepContext, intent: Json): Promise<Json>;
  /** Rows written in the same transaction as the result; what it returns is added to the result. */
  record?(tx: Tx, c: StepContext, intent: Json, result: Json): Promise<Json | undefined>;
  /** Rows written in the same transaction as the intent. */
  recordIntent?(tx: Tx, c: StepContext, intent: Json): Promise<void>;
}

/** What an operation says at its end. */
export interface Outcome {
  tone: Message['tone'];
  title: string;
  parts: Part[];
  actions: Action[];
  /** Facts that watch adds later ("checkpoint 1, 24 KB"), by name. */
  later?: Record<string, Span[]>;
}

/** One kind of operation: one file, its test, one line in the list. */
export interface OperationKind {
  kind: string;
  /** `Starting etl-orders`. */
  busyTitle(op: Operation): string;
  steps: readonly Step[];
  succeeded(c: StepContext): Promise<Outcome>;
  /** What is said and offered when a step failed; the generic text is used when absent. `error` is as it was written down: an AppError of no class. */
  failed?(c: StepContext, step: string, error: AppError): Promise<Outcome | undefined>;
  /** What is said and offered after a cancel, once `undo` is done; the generic text is used when absent. */
  canceled?(c: StepContext): Promise<Outcome | undefined>;
  /** Undoes effects after a cancel or a failure: steps like the others, in this order; `result.said` tells people what was done. */
  undo?: readonly Step[];
}
