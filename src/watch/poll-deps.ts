import type { Log } from '../core/log.ts';
import type { Database } from '../db/db.ts';
import type { Deployers } from '../deploy/deployers.ts';
import type { PollTimes } from './cluster-poll.fetch.ts';

/** What every part of a poll needs. */
export interface PollDeps {
  database: Database;
  deployers: Deployers;
  log: Log;
  publicUrl: string;
  defaults: { defaultChannel: string | undefined; alertChannel: string | undefined };
  times: PollTimes;
  firstCheckpointWithinMs: number;
  /** Tells the outbox that there is something to send. */
  onNews(): void;
}
