import type { Log } from '../core/log.ts';
import type { Database } from '../db/db.ts';
import type { Deployers } from '../deploy/deployers.ts';
import type { CallTimes } from '../incidents/lifecycle.ts';
import type { PollTimes } from './cluster-poll.fetch.ts';

/** How long things may last before people are called. */
export interface IncidentTimes {
  /** A job that restarts for so long is told. */
  restartingForMs: number;
  /** How far a crash may set back a job that does not say so itself. */
  recoverableWithinMs: number;
  /** Channels beside Slack that hear of every incident, and those that hear of it only while Slack takes nothing. */
  channels: { always: { kind: string; name: string }[]; whenSlackIsDown: { kind: string; name: string }[] };
  /** Called again to what nobody looks after: critical problems the first time, then everything. */
  calls: CallTimes;
}

/** What every part of a poll needs. */
export interface PollDeps {
  database: Database;
  deployers: Deployers;
  log: Log;
  publicUrl: string;
  defaults: { defaultChannel: string | undefined; alertChannel: string | undefined };
  times: PollTimes;
  firstCheckpointWithinMs: number;
  incidents: IncidentTimes;
  /** Tells the outbox that there is something to send. */
  onNews(): void;
}
