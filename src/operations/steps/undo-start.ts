import { sleep } from '../../core/time.ts';
import { endRun, findRun } from '../../jobs/runs.store.ts';
import { mayBringBack } from '../proven-sight.ts';
import { settleRun } from '../settle-run.ts';
import type { Step } from '../types.ts';
import { jobManagerNow } from './job-manager-now.ts';

/** How long a run must stay unseen after a submission without an answer: a cluster that was frozen carries requests out when it goes on, and a
 * main method that plans SQL takes up to 26 s (seen cold on 2 cores). */
const lateSubmitMs = 30_000;

/**
 * After a failure or a cancel: a run of this operation that may be there is canceled and its end recorded, so that nothing half-started stays. Nothing is
 * lost: restore points are used with NO_CLAIM, and the run never ran as a whole.
 */
export const undoStart: Step = {
  name: 'undo-start',
  title: 'Cancel what was submitted',
  cancel: 'finish-first',
  deadlineMs: 3 * 60_000,
  holds: true,
  // The intent names the run before any request leaves, so it is found also when `submit` has no result.
  when: (c) => c.intents['submit'] !== undefined && !(c.results['running'] && c.op.turned?.into === 'failed'),
  async act(c) {
    if (c.results['running']) return { said: `It had come up before the cancel was seen, so it runs. To stop it: /flink stop ${c.op.job}` };
    const { database, deployers } = c.services;
    const run = await findRun(database.db, c.intents['submit']?.['runId'] as string);
    if (!run || (run.ended && run.state !== 'LOST')) return {};
    const open = await deployers.of(run.cluster);
    const mayComeLate = !c.results['submit'] && c.op.turned?.unanswered !== false;
    let asked = false;
    let wasSeen = c.results['submit'] !== undefined;
    let unseenSince: number | undefined;
    // Until the step's time is over: an end that cannot be proven is a question for a person, never "done".
    for (let round = 0; ; round++) {
      const sight = await open.deployer.look(run.flinkJobId, { signal: c.signal });
      if (sight.is === 'unknown') c.note(`cannot tell yet: ${sight.why}`);
      if (sight.is === 'gone') {
        unseenSince ??= performance.now();
        const manager = mayComeLate || wasSeen ? await jobManagerNow(c, open) : 'the same';
        const waited = performance.now() - unseenSince > lateSubmitMs;
        if (manager !== 'the same' && (await mayBringBack(c.services.database.db, open, { signal: c.signal })))
          c.note('the new JobManager may still bring it back');
        else if (wasSeen || !mayComeLate || waited) {
          // What was there, or may have been, is lost with the JobManager: it may have kept state that the next start has to look for.
          const lost = wasSeen || manager !== 'the same';
          await endRun(database.db, run.id, lost ? { state: 'LOST', reason: 'lost' } : { state: 'CANCELED', reason: 'never-started' });
          return asked ? { said: 'What had been submitted was canceled again.' } : {};
        }
      } else unseenSince = undefined;
      if (sight.is === 'seen') wasSeen = true;
      if (sight.is === 'seen' && sight.ended) {
        await settleRun(database, open, run, sight, 'never-started');
        return asked ? { said: 'What had been submitted was canceled again.' } : {};
      }
      // Asked until the cluster has taken it: the first look, or the cancel itself, may go unanswered.
      if (sight.is === 'seen' && !asked) {
        asked = await open.deployer.cancel(run.flinkJobId, { signal: c.signal, beforeSend: c.fence }).then(
          () => true,
          () => false,
        );
        c.fence();
      }
      await sleep(Math.min(1000, 50 * 1.4 ** round), c.signal);
    }
  },
};
