import { text } from '../../core/message.ts';
import { latestRun } from '../../jobs/runs.store.ts';
import { outcome } from '../message.ts';
import type { Outcome, StepContext } from '../types.ts';

/**
 * What a restart or restore says that was canceled after it had stopped what ran: nobody may find the job down unnoticed. Undefined when it does not
 * apply: nothing was stopped, or something runs.
 * @param savepoint path of the savepoint of what ran, when one was taken.
 */
export async function canceledAfterStop(c: StepContext, savepoint: unknown): Promise<Outcome | undefined> {
  if (!c.results['stop-ended'] || c.results['running']) return undefined;
  const { job, kind } = c.op;
  const run = await latestRun(c.services.database.db, job);
  // What had been submitted may still be there: it is told so, and a Resume would be refused.
  if (run && !run.ended)
    return outcome(
      'bad',
      `${job} was stopped for the ${kind}, and whether what was submitted after it ended is not known`,
      [],
      [{ label: 'Status', command: `status ${job}` }],
    );
  return outcome(
    'bad',
    `${job} is down: the ${kind} was canceled after what ran had been stopped`,
    [
      savepoint
        ? text('The state of before is safe in ', { code: String(savepoint) }, `; /flink start ${job} resumes it.`)
        : text(`It was stopped without a savepoint; /flink start ${job} resumes it from its last checkpoint.`),
    ],
    [
      { label: 'Resume', command: `start ${job}`, style: 'primary' },
      { label: 'Logs', command: `logs ${job}` },
    ],
  );
}
