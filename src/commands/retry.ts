import { record } from '../access/audit.store.ts';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import { message } from '../core/message.ts';
import { busyMessage } from '../operations/message.ts';
import { findOperation, listSteps, unpark } from '../operations/operations.store.ts';
import { desire } from '../outbox/outbox.store.ts';
import { defineCommand } from './spec.ts';

export const retry = defineCommand({
  name: 'retry',
  summary: 'Send a parked operation on: it looks at what is true, then goes on.',
  examples: ['retry op_4k2m9x7qw3tz'],
  arguments: [{ name: 'operation', summary: 'The id of the parked operation.', required: true, kind: 'text' }],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const id = args.values['operation'] as string;
    const op = await findOperation(ctx.services.database.db, id);
    if (!op) throw new NotFoundError(`There is no operation ${id}.`, { hint: 'Its id stands at the bottom of its message.' });
    await ctx.job(op.job);
    if (op.state !== 'parked')
      throw new ConflictError(`${id} is not parked: it is ${op.state}.`, { hint: `Nothing was done. How it went: /flink operation ${id}` });
    await ctx.services.disk?.check();
    return ctx.effect(async (tx) => {
      if (!(await unpark(tx, id)))
        throw new ConflictError(`${id} is not parked any more.`, { hint: `Nothing was done. Where it is now: /flink operation ${id}` });
      const fresh = (await findOperation(tx, id)) ?? op;
      const kind = ctx.services.kinds.find((k) => k.kind === op.kind);
      if (kind)
        await desire(tx, {
          dedupeKey: `operation:${id}`,
          channel: '',
          message: busyMessage(fresh, kind, await listSteps(tx, id), new Map(), ctx.now),
        });
      await record(tx, {
        actor: { person: ctx.me().ref, origin: ctx.request.origin.kind },
        action: 'operation.retried',
        subject: `job:${op.job}`,
        details: { operation: id },
      });
      return message('neutral', `${id} goes on`);
    });
  },
});
