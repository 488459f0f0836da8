import { record } from '../access/audit.store.ts';
import { NotFoundError } from '../core/errors.ts';
import { actions, context, message, text } from '../core/message.ts';
import { formatAge } from '../core/time.ts';
import { withdrawApproval } from '../operations/approvals.store.ts';
import { describeKind, findOperation, openOperations, requestCancel } from '../operations/operations.store.ts';
import { endIdle } from './parked.ts';
import { commandButton, defineCommand, Reply } from './spec.ts';

export const cancel = defineCommand({
  name: 'cancel',
  summary: 'Cancel what is in progress on a job (not the job itself: that is stop).',
  examples: ['cancel etl-orders'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: { operation: { summary: 'Which operation, when there are several.', value: 'id' } },
  kind: 'operate',
  right: 'operate',
  who: 'engineers what they asked for themselves; on-call, leads and admins anything',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const open = await openOperations(ctx.services.database.db, job.name);
    const id = args.options['operation'] as string | undefined;
    if (!id && open.length > 1)
      throw new Reply(
        `${open.length} operations are in progress on ${job.name}: cancel which one?`,
        ...open.map((o) => text(`${o.kind}, ${formatAge(o.createdAt, ctx.now)}, asked by `, { person: o.actor }, ` · ${o.id}`)),
        actions(...open.slice(0, 5).map((o) => commandButton(`Cancel ${describeKind(o.kind)}`, `cancel ${job.name} --operation ${o.id}`))),
      );
    const op = id ? open.find((o) => o.id === id) : open[0];
    if (!op) {
      if (id)
        throw new NotFoundError(`The operation ${id} is not in progress on ${job.name}.`, {
          hint: 'It may have ended a moment ago; look at its message.',
        });
      return message(
        'neutral',
        `Nothing is in progress on ${job.name}. To stop the job with a savepoint:`,
        actions(commandButton('Stop', `stop ${job.name}`)),
      );
    }
    return ctx.effect(async (tx) => {
      // Both lock their rows: an approval or a retry at the same moment comes before or after, and what is idle is read after it.
      await withdrawApproval(tx, op.id);
      const asked = await requestCancel(tx, op.id, ctx.me().ref);
      const fresh = (await findOperation(tx, op.id)) ?? op;
      if (fresh.state === 'waiting' || fresh.state === 'parked') {
        await endIdle(tx, ctx, fresh, 'Canceled by ');
        return message('neutral', `Canceled: ${op.kind} of ${job.name}`, context(op.id));
      }
      await record(tx, {
        actor: { person: ctx.me().ref, origin: ctx.request.origin.kind },
        action: 'operation.cancel-requested',
        subject: `job:${job.name}`,
        details: { operation: op.id },
      });
      return asked
        ? message(
            'neutral',
            `Canceling ${describeKind(op.kind)} of ${job.name}`,
            context('Its message says how it ended. A step that cannot be interrupted is let to its end first.'),
          )
        : message('neutral', `${describeKind(op.kind).replace(/^a /, 'The ')} of ${job.name} is being canceled already, or has just ended`);
    });
  },
});
