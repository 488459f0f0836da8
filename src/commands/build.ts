import { ConflictError, UserError } from '../core/errors.ts';
import type { Db, Tx } from '../db/db.ts';
import { lockJob } from '../jobs/jobs.store.ts';
import { openOperations } from '../operations/operations.store.ts';
import { acceptOrAsk } from './accepting.ts';
import { defineCommand } from './spec.ts';

export const build = defineCommand({
  name: 'build',
  summary: 'Build the job from its git project into a new version; what runs is not touched.',
  examples: ['build etl-orders', 'build etl-orders --branch fix-late-orders'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: { branch: { summary: 'Another branch than the project names.', value: 'branch' } },
  kind: 'operate',
  acts: true,
  right: 'change',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    if (!job.project)
      throw new UserError(`${job.name} is not built from a git project.`, {
        hint: 'Upload a jar on the page of the job (/flink web), or let an admin give it a project.',
      });
    const refuseSecond = async (db: Db | Tx) => {
      const other = (await openOperations(db, job.name)).find((op) => op.kind === 'build');
      if (!other) return;
      throw new ConflictError(`${job.name} is being built already: ${other.actor.name} asked for it.`, {
        hint: 'Wait for it, or cancel it.',
        details: { messageId: other.messageId, operationId: other.id },
      });
    };
    await refuseSecond(ctx.services.database.db);
    const branch = args.options['branch'] as string | undefined;
    return acceptOrAsk(ctx, {
      kind: 'build',
      job,
      right: 'change',
      what: `to build ${job.name}`,
      input: { build: true, ...(branch ? { branch } : {}) },
      // A build does not hold the job, so two at the same moment are told apart by its lock.
      async before(tx) {
        await lockJob(tx, job.name);
        await refuseSecond(tx);
      },
    });
  },
});
