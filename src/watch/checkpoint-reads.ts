import { UnreachableError, UpstreamError } from '../core/errors.ts';
import { eachWithin } from '../core/lists.ts';
import type { Log } from '../core/log.ts';
import { waitAtMost } from '../core/time.ts';
import type { CheckpointConfigSight, CheckpointSight } from '../deploy/deployer.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import type { Run } from '../jobs/runs.store.ts';

export interface CheckpointsRead {
  run: Run;
  sight: CheckpointSight;
  config: CheckpointConfigSight;
}
/** Reads the checkpoints of the runs of one cluster from poll to poll: a run that cannot be read takes nothing from the others. */
export interface CheckpointReads {
  /**
   * Reads for a moment: who waited longest first, who could not be read lately last and not before its pause is over. An answer that takes longer is handed
   * out by a later call. Never throws for what the cluster does.
   * @param wanted the runs that are due; of others nothing is handed out.
   */
  read(open: OpenCluster, wanted: readonly Run[]): Promise<CheckpointsRead[]>;
}

/** What is due and not read now is first in the next poll. Half of the connections that a cluster has are left to its states. */
const limits = { atOnce: 4, forMs: 300 };
/** States are stored after this time at the latest, whatever hangs. */
const waitMs = 500;
/** Runs that could not be read lately are asked one at a time, with more patience: that costs nobody anything. */
const againAtOnce = 1;
const timeouts = { firstMs: 2000, againMs: 4000 };
const pauses = { firstMs: 30_000, longestMs: 5 * 60_000 };
/** An answer that nobody took for so long, since another replica polled meanwhile, proves nothing any more. */
const staleMs = 10_000;
/** The first may be of a run that has just ended. */
const loggedAt = 2;

/** Nothing is remembered before the first `read`. @param clock a monotonic time in ms. */
export function createCheckpointReads(log: Log, clock: () => number = () => performance.now()): CheckpointReads {
  const failing = new Map<string, { times: number; nextAt: number }>();
  const underway = new Set<string>();
  const answers = new Map<string, { at: number; sight: CheckpointSight; config: CheckpointConfigSight }>();
  let again = 0;

  /** Runs that ended or do not run just now begin anew. */
  function forget(wanted: readonly Run[]): void {
    if (failing.size === 0) return;
    const ids = new Set(wanted.map((run) => run.id));
    for (const id of failing.keys()) if (!ids.has(id)) failing.delete(id);
  }
  function inTurn(wanted: readonly Run[]): Run[] {
    const at = clock();
    const waits = ({ id }: Run) => underway.has(id) || answers.has(id) || (failing.get(id)?.nextAt ?? at) > at;
    const late = ({ id }: Run) => Number(failing.has(id));
    const readAt = (run: Run) => run.checkpointsReadAt?.getTime() ?? 0;
    return wanted.filter((run) => !waits(run)).sort((a, b) => late(a) - late(b) || readAt(a) - readAt(b));
  }
  async function readOne(open: OpenCluster, run: Run): Promise<void> {
    const isAgain = failing.has(run.id);
    if (isAgain && again >= againAtOnce) return;
    again += Number(isAgain);
    underway.add(run.id);
    const about = { cluster: open.cluster.name, job: run.job };
    try {
      answers.set(run.id, await ask(open, run, isAgain ? timeouts.againMs : timeouts.firstMs));
      if ((failing.get(run.id)?.times ?? 0) >= loggedAt) log.info(about, 'the checkpoints of a job can be read again');
      failing.delete(run.id);
    } catch (error) {
      const times = (failing.get(run.id)?.times ?? 0) + 1;
      failing.set(run.id, { times, nextAt: clock() + Math.min(pauses.firstMs * 2 ** (times - 1), pauses.longestMs) });
      if (!(error instanceof UpstreamError || error instanceof UnreachableError))
        log.error({ ...about, error: error instanceof Error ? error.stack : String(error) }, 'fault while checkpoints were read');
      else if (times === loggedAt)
        log.warn(
          { ...about, why: error.message },
          'the checkpoints of a job cannot be read: how far a crash would set it back is not known until they can',
        );
    } finally {
      underway.delete(run.id);
      again -= Number(isAgain);
    }
  }
  async function ask(open: OpenCluster, run: Run, timeoutMs: number) {
    const { checkpointIntervalMs: intervalMs, checkpointRetention: retention, flinkJobId } = run;
    const config =
      intervalMs !== null && retention !== null
        ? { intervalMs, retention }
        : await open.deployer.checkpointConfig(flinkJobId, { timeoutMs });
    return { sight: await open.deployer.checkpoints(flinkJobId, { timeoutMs }), config, at: clock() };
  }
  return {
    async read(open, wanted) {
      forget(wanted);
      const atOnce = Math.max(0, limits.atOnce - underway.size);
      await waitAtMost(
        waitMs,
        eachWithin(inTurn(wanted), { ...limits, atOnce }, (run) => readOne(open, run)),
      );
      const fresh = clock() - staleMs;
      const read = wanted.flatMap((run): CheckpointsRead[] => {
        const answer = answers.get(run.id);
        return answer && answer.at >= fresh ? [{ run, sight: answer.sight, config: answer.config }] : [];
      });
      answers.clear();
      return read;
    },
  };
}
