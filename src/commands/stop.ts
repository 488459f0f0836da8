import { ConflictError } from '../core/errors.ts';
import { text } from '../core/message.ts';
import { formatAge } from '../core/time.ts';
import { endedAgo } from '../jobs/run-words.ts';
import { latestRun } from '../jobs/runs.store.ts';
import { holderConflict, holderOf } from '../operations/operations.store.ts';
import { checkpointsAfter } from '../restore-points/kept.rule.ts';
import { acceptOrAsk } from './accepting.ts';
import { defineCommand } from './spec.ts';

export const stop = defineCommand({
  name: 'stop',
  summary: 'Stop a job with a savepoint; if the savepoint fails, the job runs on.',
  details: '--no-savepoint stops it at its last checkpoint: what came in since is read again. On production that asks a lead.',
  examples: ['stop etl-orders', 'stop etl-orders --no-savepoint --reason "savepoint storage is down"'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: {
    'no-savepoint': { summary: 'Without a savepoint.' },
    reason: { summary: 'Why, for the lead who approves.', value: 'text' },
    'break-glass': { summary: 'Act without a second person; all leads are told.', value: 'reason' },
  },
  kind: 'operate',
  acts: true,
  right: 'operate',
  who: 'engineer, on-call, lead or admin; `--no-savepoint` on production asks a lead',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const { db } = ctx.services.database;
    const holder = await holderOf(db, job.name);
    // A parked operation waits for a person; stopping the job is such a person's decision.
    if (holder && holder.state !== 'parked') throw holderConflict(holder);
    const run = await latestRun(db, job.name);
    if (!run || run.ended)
      throw new ConflictError(run ? `${job.name} does not run: it ${endedAgo(run, ctx.now)}.` : `${job.name} has never run.`, {
        hint: `To start it: /flink start ${job.name}`,
      });
    const noSavepoint = args.options['no-savepoint'] === true;
    const last = run.lastCheckpoint;
    return acceptOrAsk(ctx, {
      kind: 'stop',
      job,
      right: noSavepoint ? 'rewind' : 'operate',
      what: noSavepoint ? `to stop ${job.name} without a savepoint` : `to stop ${job.name}`,
      reason: args.options['reason'] as string | undefined,
      breakGlass: args.options['break-glass'] as string | undefined,
      plan: [
        text(`${job.name} runs v${run.version} on ${run.cluster}. It would be canceled without a savepoint.`),
        text(
          last && checkpointsAfter({ ...run, state: 'CANCELED' }) === 'gone'
            ? `Its last checkpoint (${last.id}) would go too: Flink was told to delete its checkpoints when it is canceled.`
            : last
              ? `Its last checkpoint (${last.id}, ${formatAge(new Date(last.at), ctx.now)}) is kept; what came in since is read again, and sinks may see it twice.`
              : 'It has no checkpoint: its state would be gone for good.',
        ),
      ],
      askAgain: `stop ${job.name} --no-savepoint --reason {input}`,
      input: noSavepoint ? { noSavepoint: true } : {},
      takesOver: holder,
    });
  },
});
