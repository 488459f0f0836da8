import { type AppError, UnreachableError, UpstreamError } from '../../core/errors.ts';
import { formatDuration, sleep } from '../../core/time.ts';
import { now } from '../../db/clock.ts';
import type { OpenCluster } from '../../deploy/deployers.ts';
import { endedJobStates } from '../../flink/schema.ts';
import { updateRun } from '../../jobs/runs.store.ts';
import { mayBringBack } from '../proven-sight.ts';
import type { Step, StepContext } from '../types.ts';
import { planOf } from './plan.ts';

/** What `submit` leaves behind. */
export interface Submitted {
  flinkJobId: string;
  runId: string;
}
/** Tasks were seen to run 100 to 170 ms after the job's own RUNNING (2 cores, Flink 1.20 and 2.3). */
const tasksFollowMs = 180;

/** Done when every vertex runs; the job state RUNNING alone says nothing. */
export const running: Step = {
  name: 'running',
  title: 'See every task run',
  cancel: 'at-once',
  deadlineMs: 30 * 60_000,
  holds: true,
  // Changes nothing, but a job that nobody can see must not count as failed: silence parks the operation.
  async observe(c) {
    const { flinkJobId } = c.results['submit'] as unknown as Submitted;
    const open = await c.services.deployers.of(planOf(c).cluster);
    const sight = await open.deployer.look(flinkJobId, { signal: c.signal });
    return sight.is === 'unknown' ? { is: 'unknown', why: sight.why } : { is: 'not-done' };
  },
  async act(c) {
    const { flinkJobId } = c.results['submit'] as unknown as Submitted;
    const open = await c.services.deployers.of(planOf(c).cluster);
    const started = performance.now();
    const limitMs = c.services.settings.runningWithinMs;
    await untilItBegan(c, open, flinkJobId);
    for (let round = 0; ; round++) {
      const sight = await open.deployer.look(flinkJobId, { signal: c.signal });
      if (sight.is === 'unknown') throw new UnreachableError(sight.why);
      if (
        sight.is === 'gone' &&
        (await mayBringBack(c.services.database.db, open, { signal: c.signal })) &&
        performance.now() - started < limitMs
      ) {
        c.note('its new JobManager may still bring it back');
        await sleep(1000, c.signal);
        continue;
      }
      if (sight.is === 'gone')
        throw new UpstreamError(`${open.cluster.name} no longer knows the job that was just submitted (it was restarted).`, {
          hint: `Nothing runs. Start it again: /flink start ${c.op.job}`,
        });
      if (sight.ended) {
        const cause = await open.deployer.rootCause(flinkJobId).catch(() => undefined);
        throw new UpstreamError(
          `The job ${sight.state === 'FAILED' ? 'failed' : `ended (${sight.state})`} while it was starting${cause ? `: ${cause.name}: ${cause.message}` : '.'}`,
          {
            hint: `The whole log: /flink logs ${c.op.job}`,
          },
        );
      }
      if (sight.allRunning)
        return { tasks: sight.tasksTotal, runningAt: sight.runningAt ?? Date.now(), acceptedAt: sight.acceptedAt ?? null };
      c.note(`${sight.tasksRunning}/${sight.tasksTotal} tasks`);
      if (performance.now() - started > limitMs) throw await notRunning(c, open, sight);
      await sleep(Math.min(250, 20 * 1.4 ** round), c.signal);
    }
  },
  async record(tx, c, _intent, result) {
    const { runId } = c.results['submit'] as unknown as Submitted;
    await updateRun(tx, runId, {
      state: 'RUNNING',
      stateAt: now,
      runningAt: new Date(result['runningAt'] as number),
      tasksRunning: result['tasks'] as number,
      tasksTotal: result['tasks'] as number,
      flinkVersion: planOf(c).flinkVersion,
      // It lives, whatever was concluded while its submission was under way.
      ended: false,
      endedAt: null,
      endReason: null,
    });
    return undefined;
  },
};
/**
 * Waits, at most 2 s, for the state RUNNING and a moment more: Flink keeps the first details it is asked for up to 3 s, so asking before the tasks run
 * would hide for that long that they do.
 */
async function untilItBegan(c: StepContext, open: OpenCluster, flinkJobId: string): Promise<void> {
  for (let round = 0; round < 40; round++) {
    const state = await open.deployer.state(flinkJobId, { signal: c.signal });
    if (state === undefined || endedJobStates.includes(state)) return;
    if (state === 'RUNNING') return sleep(tasksFollowMs, c.signal);
    await sleep(50, c.signal);
  }
}
async function notRunning(c: StepContext, open: OpenCluster, sight: { tasksRunning: number; tasksTotal: number }): Promise<AppError> {
  const cause = await open.deployer.rootCause((c.results['submit'] as unknown as Submitted).flinkJobId).catch(() => undefined);
  const facts = await open.deployer.facts().catch(() => undefined);
  const slots = facts ? ` ${open.cluster.name} has ${facts.slotsAvailable} of ${facts.slotsTotal} slots free.` : '';
  return new UpstreamError(
    `After ${formatDuration(c.services.settings.runningWithinMs)} only ${sight.tasksRunning} of ${sight.tasksTotal} tasks run.${slots}`,
    {
      hint: cause ? `Flink says: ${cause.name}: ${cause.message}` : `The whole log: /flink logs ${c.op.job}`,
    },
  );
}
