import type { World } from '../world.ts';

/** What the conversation has come to so far: each part of the road goes on from it. */
export interface Conversation {
  w: World;
  /** The Flink release. */
  version: string;
  /** The run of etl-orders that lives, by Flink's id. */
  flinkJobId: string;
  /** A savepoint that was taken early on. */
  savepoint: string;
  /** An operation that failed, for its page. */
  failedOperation: string;
}
