import { record } from '../access/audit.store.ts';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import { actions, message, text } from '../core/message.ts';
import { quoteWord } from '../core/text.ts';
import { samePathKey } from '../deploy/restore-path.ts';
import type { Job } from '../jobs/jobs.store.ts';
import { listRestorePoints, type RestorePoint } from '../restore-points/restore-points.store.ts';
import { lockPoint, setPinned } from '../restore-points/retention.store.ts';
import { type CommandContext, commandButton, defineCommand } from './spec.ts';
import { describePoint, pointsAtMost } from './views/restore-point-words.ts';

export const pin = defineCommand({
  name: 'pin',
  summary: 'Keep a savepoint for good, whatever the retention says.',
  details: 'What is kept, and why: /flink savepoint <job> --list. Checkpoints are kept and deleted by Flink.',
  examples: ['pin etl-orders savepoint-5ae2f1-04c2 "before the schema change"'],
  arguments: [
    { name: 'job', summary: 'The job.', required: true, kind: 'job' },
    { name: 'savepoint', summary: 'Its name, path or id.', required: true, kind: 'text' },
    { name: 'reason', summary: 'Why.', required: false, kind: 'rest' },
  ],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const found = await savepointOf(ctx, job, args.values['savepoint'] as string);
    const reason = args.rest.join(' ').trim() || null;
    const by = ctx.me().ref;
    return ctx.effect(async (tx) => {
      const point = await lockPoint(tx, found.id);
      if (point?.state !== 'available')
        throw new ConflictError(`${found.path} is being deleted by its retention, or was.`, {
          hint: `What is there: /flink savepoint ${job.name} --list`,
        });
      await setPinned(tx, point.id, { by, reason });
      await record(tx, {
        actor: { person: by, origin: ctx.request.origin.kind },
        action: 'savepoint.pinned',
        subject: `job:${job.name}`,
        details: { point: point.id, path: point.path, reason },
      });
      return message(
        'good',
        `Pinned: ${describePoint(point, ctx.now)}`,
        text({ code: point.path }, ' is kept until somebody unpins it.'),
        actions(commandButton('Unpin', `unpin ${job.name} ${quoteWord(point.id)}`)),
      );
    });
  },
});

/** A savepoint of a job by id, path or the last part of its path. @throws NotFoundError */
export async function savepointOf(ctx: CommandContext, job: Job, typed: string): Promise<RestorePoint> {
  const savepoints = (await listRestorePoints(ctx.services.database.db, job.name, pointsAtMost)).filter((one) => one.kind === 'savepoint');
  const key = samePathKey(typed);
  const found = savepoints.find(
    (one) => one.id === typed || samePathKey(one.path) === key || samePathKey(one.path).split('/').pop() === key,
  );
  if (!found)
    throw new NotFoundError(`${typed} is no savepoint of ${job.name} that is there.`, {
      hint: `All of them: /flink savepoint ${job.name} --list. Nothing was changed.`,
    });
  return found;
}
