import { UnreachableError } from '../core/errors.ts';
import { context, type Message, message, type Part, text } from '../core/message.ts';
import { redact } from '../core/redact.ts';
import { formatAge } from '../core/time.ts';
import { latestRun } from '../jobs/runs.store.ts';
import { defineCommand } from './spec.ts';

const shownLines = 25;

export const logs = defineCommand({
  name: 'logs',
  summary: 'The root exception, then the end of the JobManager and TaskManager logs.',
  examples: ['logs etl-orders', 'logs etl-orders --grep Exception'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: { grep: { summary: 'Only lines that contain this.', value: 'text' } },
  kind: 'read',
  right: 'see',
  slow: 'always',
  async run(ctx, args): Promise<Message> {
    const job = await ctx.job(args.values['job'] as string);
    const run = await latestRun(ctx.services.database.db, job.name);
    const { cluster, deployer } = await ctx.services.deployers.of(run?.cluster ?? job.current.definition.cluster);
    const page = `${ctx.services.settings.publicUrl}/jobs/${job.name}/logs`;
    const grep = args.options['grep'] as string | undefined;
    const parts: Part[] = [];
    const cause = run ? await deployer.rootCause(run.flinkJobId).catch(() => undefined) : undefined;
    const known = cause
      ? `${cause.name}: ${cause.message}`
      : run?.rootException
        ? `${run.rootException.name}: ${run.rootException.message}`
        : undefined;
    if (known) {
      const at = cause ? new Date(cause.at) : new Date(run?.rootException?.at ?? 0);
      parts.push(text({ bold: 'Root exception' }, `, ${formatAge(at, ctx.now)}${cause?.task ? `, in ${cause.task}` : ''}`), {
        kind: 'code',
        text: known,
      });
    }
    try {
      for (const tail of await deployer.logTails(128 * 1024, { timeoutMs: 8000 }, run)) {
        const lines = redact(tail.text)
          .split('\n')
          .filter((line) => line && (!grep || line.toLowerCase().includes(grep.toLowerCase())));
        parts.push({
          kind: 'code',
          label: tail.from,
          text:
            lines
              .slice(-shownLines)
              .map((line) => line.slice(0, 220))
              .join('\n') || (grep ? `no line contains ${grep}` : 'empty'),
        });
      }
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      parts.push(text(run?.application ? error.message : `${cluster.name} does not answer, so its logs cannot be read now.`));
    }
    parts.push(context({ link: 'Whole logs on the page', url: page + (grep ? `?grep=${encodeURIComponent(grep)}` : '') }));
    return { ...message(known ? 'bad' : 'neutral', `Logs of ${job.name}`, ...parts) };
  },
});
