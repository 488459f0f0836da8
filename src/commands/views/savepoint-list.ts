import { actions, context, type Message, message, type Span, text } from '../../core/message.ts';
import { plural } from '../../core/text.ts';
import { formatDuration } from '../../core/time.ts';
import type { Job } from '../../jobs/jobs.store.ts';
import { judgedSavepoints, policyOf } from '../../operations/retention.fetch.ts';
import type { Judged, RetentionPolicy } from '../../restore-points/retention.rule.ts';
import { type CommandContext, commandButton } from '../spec.ts';
import { describePoint } from './restore-point-words.ts';

const shownAtMost = 15;

/** The savepoints of a job, newest first: which are kept and why, which go and when. */
export async function savepointList(ctx: CommandContext, job: Job): Promise<Message> {
  const { database, settings } = ctx.services;
  const judged = (await judgedSavepoints(database.db, [job], ctx.now, settings.keep)).get(job.name) ?? [];
  const policy = policyWords(policyOf(job.current.definition, settings.keep));
  if (judged.length === 0) return message('neutral', `${job.name} has no savepoints`, context(policy));
  const going = judged.filter((one) => !one.keep);
  const [last] = going;
  return message(
    'neutral',
    `${plural(judged.length, 'savepoint')} of ${job.name}${going.length > 0 ? `, ${going.length} of them to be deleted` : ''}`,
    ...judged.slice(0, shownAtMost).map((one) =>
      text({ bold: describePoint(one.point, ctx.now) }, `: ${one.keep ? 'kept, ' : ''}${one.why}`, ...when(one), '\n', {
        code: one.point.path,
      }),
    ),
    ...(judged.length > shownAtMost
      ? [
          context(`${judged.length - shownAtMost} more on the page: `, {
            link: 'restore points',
            url: `${settings.publicUrl}/jobs/${job.name}/restore-points`,
          }),
        ]
      : []),
    context(policy),
    ...(last ? [actions(commandButton(`Pin ${last.point.path.split('/').pop()}`.slice(0, 70), `pin ${job.name} ${last.point.id}`))] : []),
  );
}

/** When one that goes is deleted. */
function when({ keep, point }: Judged): Span[] {
  if (keep) return [];
  return point.goesAt === null ? ['; the next hand-over tells when'] : ['; deleted after ', { time: point.goesAt }];
}

/** `The newest 5 are kept, and those younger than 30 d.` */
export function policyWords({ keep, keepForMs }: RetentionPolicy): string {
  if (keep === undefined && keepForMs === undefined) return 'Every savepoint of this job is kept.';
  const younger = keepForMs === undefined ? undefined : `those younger than ${formatDuration(keepForMs)}`;
  const newest = `the newest ${keep ?? 1}`;
  return `Kept are ${[newest, younger].filter(Boolean).join(' and ')}, and what is pinned or needed.`;
}
