import { context, type Message, message } from '../core/message.ts';
import { formatAge } from '../core/time.ts';
import { listVersions } from '../jobs/jobs.store.ts';
import { latestRun, versionsThatRan } from '../jobs/runs.store.ts';
import { defineCommand } from './spec.ts';

export const versions = defineCommand({
  name: 'versions',
  summary: 'The versions of a job: who made them, when, with which artifact.',
  examples: ['versions etl-orders'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx, args): Promise<Message> {
    const job = await ctx.job(args.values['job'] as string);
    const { db } = ctx.services.database;
    const all = await listVersions(db, job.name);
    const [run, ran] = [await latestRun(db, job.name), await versionsThatRan(db, job.name)];
    const marks = (n: number) =>
      [n === job.currentVersion ? 'current' : '', run && !run.ended && run.version === n ? 'runs' : '', ran.has(n) ? '' : 'never ran']
        .filter(Boolean)
        .join(', ');
    return message(
      'neutral',
      `${job.name} has ${all.length} version${all.length === 1 ? '' : 's'}`,
      {
        kind: 'table',
        columns: ['Version', 'Made', 'By', 'How', 'Artifact', ''],
        rows: all
          .slice(0, 15)
          .map((v) => [
            `v${v.number}`,
            formatAge(v.createdAt, ctx.now),
            v.createdBy.name ?? v.createdBy.userId,
            [v.origin, v.note].filter(Boolean).join(': '),
            v.definition.artifact?.slice(0, 8) ?? 'none',
            marks(v.number),
          ]),
      },
      context(job.currentVersion > 1 ? `Compare: /flink diff ${job.name} v${job.currentVersion - 1} v${job.currentVersion} · ` : '', {
        link: 'on the page',
        url: `${ctx.services.settings.publicUrl}/jobs/${job.name}`,
      }),
    );
  },
});
