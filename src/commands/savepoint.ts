import { acceptOrAsk } from './accepting.ts';
import { defineCommand } from './spec.ts';

export const savepoint = defineCommand({
  name: 'savepoint',
  aliases: ['sp'],
  summary: 'Take a savepoint; the job runs on.',
  examples: ['savepoint etl-orders'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    return acceptOrAsk(ctx, { kind: 'savepoint', job, right: 'operate', what: `to take a savepoint of ${job.name}`, input: {} });
  },
});
