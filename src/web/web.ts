import type { UnreadView } from '../../views/clusters.ts';
import type { Directory } from '../access/directory.ts';
import type { ArtifactStore } from '../build/artifact-store.ts';
import type { HandleCommand } from '../commands/request.ts';
import type { Log } from '../core/log.ts';
import type { RawRoute } from '../core/route.ts';
import type { Database } from '../db/db.ts';
import type { Deployers } from '../deploy/deployers.ts';
import type { ThresholdName } from '../incidents/thresholds.ts';
import type { RetentionPolicy } from '../restore-points/retention.rule.ts';
import type { Metric } from './metrics.ts';

/** What the web server is given by the roof. */
export interface WebOptions {
  database: Database;
  deployers: Deployers;
  artifacts: ArtifactStore;
  /** The one road of every command line. */
  handle: HandleCommand;
  /** What Slack knows of people; absent: stored facts alone count. */
  directory?: Directory | undefined;
  /** Address under which people reach the page, without a slash at its end; https makes the cookie secure. */
  publicUrl: string;
  /** Which savepoints are kept of jobs that do not say so themselves; absent: all. */
  keep?: RetentionPolicy;
  /** Handlers that read the raw request themselves (Slack's). */
  rawRoutes: readonly RawRoute[];
  /** For `/healthz`, which anybody may read: no details that are not for everybody. */
  health(): Promise<{ ok: boolean } & Record<string, unknown>>;
  /** For `/metrics`, which anybody may read too. */
  metrics?: () => Promise<Metric[]>;
  /** How Sluice itself is, for the page. */
  watcher?: () => Promise<{ lastPostAgeMs: number | undefined; oldestUnsentAgeMs: number | undefined; lastTriedAgeMs: number | undefined }>;
  /** Jobs whose checkpoints are not read, by cluster, for the page. */
  unread?: () => Promise<ReadonlyMap<string, UnreadView>>;
  /** What is wrong with Slack and what to do, for the people on the page; undefined if nothing is. */
  slackProblem?: () => string | undefined;
  /** What the configuration sets for incidents, in milliseconds; absent: the defaults. */
  thresholds?: Partial<Record<ThresholdName, number>>;
  log: Log;
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** Folder for uploads that are being checked. */
  uploadDir: string;
}
