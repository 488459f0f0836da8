import { ConflictError } from '../core/errors.ts';
import { endedAgo } from '../jobs/run-words.ts';
import { latestRun } from '../jobs/runs.store.ts';
import { acceptOrAsk } from './accepting.ts';
import { defineCommand } from './spec.ts';
import { savepointList } from './views/savepoint-list.ts';

export const savepoint = defineCommand({
  name: 'savepoint',
  aliases: ['sp'],
  summary: 'Take a savepoint; the job runs on.',
  details:
    'With --list it takes none and says which are there, which of them go, and why the others are kept (keep-savepoints of the job).',
  examples: ['savepoint etl-orders', 'savepoint etl-orders --list'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: { list: { summary: 'Which savepoints are kept, and why.' } },
  kind: 'operate',
  acts: true,
  right: 'operate',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    if (args.options['list']) return savepointList(ctx, job);
    const run = await latestRun(ctx.services.database.db, job.name);
    if (!run || run.ended)
      throw new ConflictError(run ? `${job.name} does not run: it ${endedAgo(run, ctx.now)}.` : `${job.name} has never run.`, {
        hint: `To start it: /flink start ${job.name}`,
      });
    return acceptOrAsk(ctx, { kind: 'savepoint', job, right: 'operate', what: `to take a savepoint of ${job.name}`, input: {} });
  },
});
