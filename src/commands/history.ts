import { context, type Message, message, text } from '../core/message.ts';
import { formatAge } from '../core/time.ts';
import { listOperations } from '../operations/operations.store.ts';
import { defineCommand } from './spec.ts';

export const history = defineCommand({
  name: 'history',
  summary: 'What was done to a job, newest first.',
  examples: ['history etl-orders'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx, args): Promise<Message> {
    const job = await ctx.job(args.values['job'] as string);
    const operations = await listOperations(ctx.services.database.db, job.name, 12);
    if (operations.length === 0) return message('neutral', `Nothing was done to ${job.name} yet`);
    return message(
      'neutral',
      `What was done to ${job.name}`,
      ...operations.map((op) =>
        text(
          { bold: op.kind },
          ` ${op.state}, ${formatAge(op.createdAt, ctx.now)}, by `,
          { person: op.actor },
          op.outcome ? `: ${String(op.outcome['title'])}` : '',
        ),
      ),
      context({ link: 'With every step on the page', url: `${ctx.services.settings.publicUrl}/jobs/${job.name}` }),
    );
  },
});
