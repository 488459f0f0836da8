import { auditOf, record } from '../access/audit.store.ts';
import { decide, samePerson } from '../access/policy.ts';
import { ConflictError, NotFoundError, PermissionError } from '../core/errors.ts';
import { message, text } from '../core/message.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { findOperation } from '../operations/operations.store.ts';
import { desire } from '../outbox/outbox.store.ts';
import { defineCommand } from './spec.ts';

export const review = defineCommand({
  name: 'review',
  summary: 'Mark a break-glass action as reviewed.',
  examples: ['review op_4k2m9x7qw3tz'],
  arguments: [{ name: 'operation', summary: 'The id of the operation.', required: true, kind: 'text' }],
  options: {},
  kind: 'operate',
  right: 'anyone',
  who: "a lead of the job's team, never the one who acted",
  hidden: true,
  async run(ctx, args) {
    const id = args.values['operation'] as string;
    const op = await findOperation(ctx.services.database.db, id);
    if (!op?.breakGlass)
      throw new NotFoundError(`There is no break-glass action ${id}.`, { hint: 'Its id stands at the bottom of its message.' });
    const job = await findJob(ctx.services.database.db, op.job);
    if (!job || decide(ctx.person, 'approve', { team: job.team }) !== 'yes')
      throw new PermissionError('Only a lead of the team reviews a break-glass action.', {
        hint: 'Ask a lead of the team to press the button.',
      });
    const by = ctx.me().ref;
    if (samePerson(by, op.actor))
      throw new ConflictError('You did this yourself, so another lead has to review it.', {
        hint: 'Ask one: the button works for every other lead.',
      });
    return ctx.effect(async (tx) => {
      await record(tx, {
        actor: { person: by, origin: ctx.request.origin.kind },
        action: 'break-glass.reviewed',
        subject: `job:${op.job}`,
        details: { operation: id },
      });
      // The audit's lock puts reviews in a line: of two the second sees the first.
      const [, earlier] = (await auditOf(tx, `job:${op.job}`, 500)).filter(
        (row) => row.action === 'break-glass.reviewed' && row.details['operation'] === id,
      );
      if (earlier)
        throw new ConflictError(`${earlier.actor.person?.name ?? 'Another lead'} has reviewed it already.`, {
          hint: 'There is nothing left to do.',
        });
      await desire(tx, {
        dedupeKey: `break-glass:${id}`,
        channel: '',
        message: {
          tone: 'good',
          title: `Break-glass reviewed: ${op.kind} of ${op.job}`,
          parts: [text({ person: op.actor }, ` said: ${op.breakGlass}`), text('Reviewed by ', { person: by }, '.')],
        },
      });
      return message('good', 'Marked as reviewed');
    });
  },
});
