import { record } from '../access/audit.store.ts';
import { message, text } from '../core/message.ts';
import { setPinned } from '../restore-points/retention.store.ts';
import { savepointOf } from './pin.ts';
import { defineCommand } from './spec.ts';
import { describePoint } from './views/restore-point-words.ts';

export const unpin = defineCommand({
  name: 'unpin',
  summary: 'A pinned savepoint is kept no longer than others.',
  examples: ['unpin etl-orders savepoint-5ae2f1-04c2'],
  arguments: [
    { name: 'job', summary: 'The job.', required: true, kind: 'job' },
    { name: 'savepoint', summary: 'Its name, path or id.', required: true, kind: 'text' },
  ],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const point = await savepointOf(ctx, job, args.values['savepoint'] as string);
    if (!point.pinned) return message('neutral', `It is not pinned: ${describePoint(point, ctx.now)}`);
    const by = ctx.me().ref;
    return ctx.effect(async (tx) => {
      await setPinned(tx, point.id, null);
      await record(tx, {
        actor: { person: by, origin: ctx.request.origin.kind },
        action: 'savepoint.unpinned',
        subject: `job:${job.name}`,
        details: { point: point.id, path: point.path },
      });
      return message(
        'good',
        `Not pinned any more: ${describePoint(point, ctx.now)}`,
        text('If the retention lets it go, the hand-over tells of it a day before it is deleted.'),
      );
    });
  },
});
