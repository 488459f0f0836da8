import { record } from '../access/audit.store.ts';
import { NotFoundError } from '../core/errors.ts';
import { actions, context, message, text } from '../core/message.ts';
import { formatAge } from '../core/time.ts';
import { withdrawApproval } from '../operations/approvals.store.ts';
import { describeKind, findOperation, listSteps, openOperations, requestCancel } from '../operations/operations.store.ts';
import type { Operation } from '../operations/types.ts';
import { endIdle } from './parked.ts';
import { commandButton, defineCommand, Reply } from './spec.ts';
import { cancelForecast } from './views/cancel-words.ts';
import { stateWords } from './views/operation-view.ts';

export const cancel = defineCommand({
  name: 'cancel',
  summary: 'Cancel what is in progress on a job (not the job itself: that is stop).',
  examples: ['cancel etl-orders'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: { operation: { summary: 'Which operation, when there are several.', value: 'id' } },
  kind: 'operate',
  right: 'operate',
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
      const over = id ? await findOperation(ctx.services.database.db, id) : undefined;
      if (over?.job === job.name) throw hasEnded(over, ctx.now);
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
        return message(
          'neutral',
          `Canceled: ${op.kind} of ${job.name}`,
          ...(fresh.state === 'parked'
            ? [text(`What it had done stays as it is: /flink status ${job.name}`)]
            : [text('Nothing was done.')]),
          context(op.id),
        );
      }
      await record(tx, {
        actor: { person: ctx.me().ref, origin: ctx.request.origin.kind },
        action: 'operation.cancel-requested',
        subject: `job:${job.name}`,
        details: { operation: op.id },
      });
      const the = `${describeKind(op.kind).replace(/^a /, 'The ')} of ${job.name}`;
      if (!asked && fresh.cancelRequestedAt === null) throw hasEnded(fresh, ctx.now);
      const kind = ctx.services.kinds.find((k) => k.kind === op.kind);
      const { words, tooLate } = cancelForecast(fresh, kind, await listSteps(tx, op.id));
      return message(
        tooLate ? 'warn' : 'neutral',
        !asked
          ? `${the} is being canceled already`
          : tooLate
            ? `${the} cannot be canceled any more`
            : `Canceling ${describeKind(op.kind)} of ${job.name}`,
        text(words),
        context(`Its message says how it ended. · ${op.id}`),
      );
    });
  },
});

/** Past cancelling: how it ended, and what undoes it. */
function hasEnded(op: Operation, now: Date): Reply {
  const said = op.outcome?.['title'];
  return new Reply(
    `The ${op.kind} of ${op.job} has ended already, ${formatAge(op.finishedAt ?? op.createdAt, now)}: ${stateWords[op.state]}.`,
    ...(typeof said === 'string' ? [text(said)] : []),
    text('There is nothing left to cancel, and nothing was done.'),
    actions(commandButton('How it ended', `operation ${op.id}`), commandButton('Status', `status ${op.job}`)),
  );
}
