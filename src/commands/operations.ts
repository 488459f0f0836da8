import { actions, context, type Message, message, type Part, type Span, text } from '../core/message.ts';
import { plural, truncate } from '../core/text.ts';
import { formatAge, formatDuration } from '../core/time.ts';
import { type Job, listJobs } from '../jobs/jobs.store.ts';
import { activeOperations, listOperations } from '../operations/operations.store.ts';
import type { Operation } from '../operations/types.ts';
import { type CommandContext, commandButton, defineCommand } from './spec.ts';
import { operationButtons } from './views/operation-buttons.ts';
import { isOver, type OperationView, operationViews, ownerWords, stateWords } from './views/operation-view.ts';

const shownOpen = 12;
const shownEnded = 10;
/** Newest operations looked through for those that ended. */
const looked = 200;

export const operations = defineCommand({
  name: 'operations',
  aliases: ['ops'],
  summary: 'What is in progress and who holds which job, what waits, and what ended last.',
  details: 'Of one job, or of all that you may see. In a thread it is of the job of the thread: `operations all` shows every job.',
  examples: ['operations', 'operations etl-orders', 'operations all'],
  arguments: [{ name: 'job', summary: 'A job, or all.', required: false, kind: 'job' }],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx, args): Promise<Message> {
    const { db } = ctx.services.database;
    const wanted = args.values['job']?.toLowerCase() === 'all' ? undefined : args.values['job'];
    const only = wanted === undefined ? undefined : await ctx.job(wanted);
    const jobs = only ? [only] : (await listJobs(db)).filter((job) => ctx.verdict('see', job) !== 'no');
    const mine = new Map(jobs.map((job) => [job.name, job]));
    const open = (await activeOperations(db)).filter((op) => mine.has(op.job)).sort((a, b) => order(a) - order(b));
    const ended = (await listOperations(db, only?.name, looked)).filter((op) => isOver(op) && mine.has(op.job)).slice(0, shownEnded);
    const of = only ? `${only.name}: ` : '';
    if (open.length + ended.length === 0) return message('neutral', `Nothing was done${only ? ` to ${only.name}` : ''} yet`);
    const views = await operationViews(db, open.slice(0, shownOpen));
    const busy = views.filter((v) => v.op.state === 'running');
    const waiting = views.filter((v) => v.op.state !== 'running');
    const show = (view: OperationView) => openParts(ctx, view, mine.get(view.op.job) as Job);
    const url = only ? `/jobs/${only.name}/operations` : '/operations';
    return message(
      busy.length > 0 ? 'busy' : 'neutral',
      open.length === 0 ? `${of}${of ? 'n' : 'N'}othing is in progress` : `${of}${titleOf(open)}`,
      ...busy.flatMap(show),
      ...(waiting.length > 0 ? [text({ bold: 'Waiting' })] : []),
      ...waiting.flatMap(show),
      ...(open.length > views.length ? [text(`${open.length - views.length} more are on the page.`)] : []),
      ...(ended.length > 0
        ? [text({ bold: 'Ended last' }), text(...ended.flatMap((op, i) => [...(i > 0 ? ['\n'] : []), ...endedLine(op, ctx.now)]))]
        : []),
      context('One with its steps: ', { code: '/flink operation <id>' }, ' · ', {
        link: 'all on the page',
        url: `${ctx.services.settings.publicUrl}${url}`,
      }),
    );
  },
});

/** What runs first, then what a person has to decide about. */
function order(op: Operation): number {
  return ['running', 'parked', 'waiting', 'queued'].indexOf(op.state);
}
function titleOf(open: readonly Operation[]): string {
  const running = open.filter((op) => op.state === 'running').length;
  const rest = open.length - running;
  const parts = [running > 0 ? `${plural(running, 'operation')} in progress` : '', rest > 0 ? `${rest} waiting` : ''];
  return parts.filter(Boolean).join(', ');
}

/** One that is not over: who asked, what it holds, where it is, who runs it, and what can be done. */
function openParts(ctx: CommandContext, { op, step, permalink }: OperationView, job: Job): Part[] {
  const since: Span = { time: op.startedAt ?? op.createdAt, style: 'time' };
  const head: Span[] = [
    { bold: `${op.kind} of ${op.job}` },
    op.state === 'running' ? ' since ' : ` ${stateWords[op.state]}, since `,
    since,
    ', asked by ',
    { person: op.actor },
    ...(op.holds && op.state !== 'waiting' ? [`; it holds ${op.job}`] : []),
    ...(op.cancelRequestedAt ? ['; a cancel is asked for'] : []),
  ];
  const elapsed = step && formatDuration(Math.max(0, ctx.now.getTime() - step.since.getTime()));
  const at = step
    ? `\n${step.title}, ${op.state === 'parked' ? 'not finished' : `for ${elapsed}`}${step.note ? `: ${step.note}` : ''}`
    : '';
  const owner = ownerWords(op, ctx.now);
  return [
    text(...head, at),
    context(...(owner ? [owner, ' · '] : []), op.id, ...(permalink ? [' · ', { link: 'its message', url: permalink }] : [])),
    actions(...operationButtons(ctx, op, job), commandButton('Steps', `operation ${op.id}`)),
  ];
}
function endedLine(op: Operation, now: Date): Span[] {
  const said = op.outcome?.['title'];
  return [
    { bold: `${op.kind} of ${op.job}` },
    ` ${stateWords[op.state]}, ${formatAge(op.finishedAt ?? op.createdAt, now)}, by `,
    { person: op.actor },
    `${typeof said === 'string' ? `: ${truncate(said, 110)}` : ''} · ${op.id}`,
  ];
}
