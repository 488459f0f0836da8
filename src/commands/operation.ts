import { findErrorReport } from '../access/error-reports.store.ts';
import { NotFoundError } from '../core/errors.ts';
import { type Action, actions, context, fields, type Message, type Part, type Span, text } from '../core/message.ts';
import { nearest } from '../core/text.ts';
import { formatAge, formatDuration } from '../core/time.ts';
import { type Job, jobNames, listJobs } from '../jobs/jobs.store.ts';
import { type Approval, findApproval } from '../operations/approvals.store.ts';
import { stateWords as planWords } from '../operations/kinds/describe.ts';
import { findOperation, listOperations, listSteps } from '../operations/operations.store.ts';
import type { StartPlan } from '../operations/start-plan.ts';
import type { Operation, OperationStep, Outcome } from '../operations/types.ts';
import { findMessage } from '../outbox/outbox.store.ts';
import { type CommandContext, commandButton, defineCommand, Reply } from './spec.ts';
import { operationOfThread } from './thread-job.ts';
import { cancelForecast } from './views/cancel-words.ts';
import { operationButtons } from './views/operation-buttons.ts';
import { currentStep, errorReference, isOver, ownerWords, stateWords, stepWords } from './views/operation-view.ts';
import { changedSince, retryOffer } from './views/retry-offer.ts';

export const operation = defineCommand({
  name: 'operation',
  aliases: ['op'],
  summary: 'One operation: who asked and approved, each step with its time and outcome, its error, and what can be done.',
  details: 'Its id stands at the bottom of its message. In the thread of an operation it may be left out.',
  examples: ['operation op_4k2m9x7qw3tz'],
  arguments: [{ name: 'operation', summary: 'The id of the operation.', required: false, kind: 'text' }],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx, args) {
    const { db } = ctx.services.database;
    const { channel, threadTs } = ctx.request.origin;
    const id = args.values['operation'] ?? (threadTs ? await operationOfThread(db, channel, threadTs) : undefined);
    if (id === undefined) throw await suggest(ctx, undefined);
    const op = await findOperation(db, id.toLowerCase());
    if (!op) throw await suggest(ctx, id);
    return describe(ctx, op, await ctx.job(op.job));
  },
});

async function describe(ctx: CommandContext, op: Operation, job: Job): Promise<Message> {
  const { services, now } = ctx;
  const { db } = services.database;
  const [steps, approval, row, newest] = await Promise.all([
    listSteps(db, op.id),
    findApproval(db, op.id),
    findMessage(db, op.messageId),
    listOperations(db, op.job, 50),
  ]);
  const kind = services.kinds.find((k) => k.kind === op.kind);
  const said = op.outcome as Outcome | null;
  const step = isOver(op) ? undefined : currentStep(steps, row?.desired);
  const offer = retryOffer(op, steps, approval, changedSince(op, newest));
  const retry = op.state === 'parked' ? undefined : allowed(ctx, job, op, offer.action);
  const parts: Part[] = [
    ...(said ? [text({ bold: said.title }), ...said.parts] : []),
    ...(step ? [text(`${step.title}, for ${lasted(step.since, now)}${step.note ? `: ${step.note}` : ''}`)] : []),
    fields(await facts(ctx, { op, steps, approval })),
    steps.length === 0 ? text('No step has begun.') : stepTable(op, steps, step?.note, now),
  ];
  if (op.state === 'running' || op.state === 'queued')
    parts.push(
      text(`${op.cancelRequestedAt ? 'A cancel is asked for' : 'If it is canceled now'}: ${cancelForecast(op, kind, steps).words}`),
    );
  else if (op.state !== 'succeeded') parts.push(text({ bold: 'Retry from here: ' }, offer.why));
  const links: Action[] = [
    ...(row?.permalink ? [{ label: 'See its message', url: row.permalink }] : []),
    { label: 'On the page', url: `${services.settings.publicUrl}/operations/${op.id}` },
  ];
  parts.push(actions(...operationButtons(ctx, op, job), ...(retry ? [retry] : []), ...links), context(op.id));
  const tone: Message['tone'] = said?.tone ?? (op.state === 'running' || op.state === 'queued' ? 'busy' : 'warn');
  return { tone, title: `${op.kind.replace(/^./, (c) => c.toUpperCase())} of ${op.job}: ${stateWords[op.state]}`, parts };
}

/** The button, if this person may use it. */
function allowed(ctx: CommandContext, job: Job, op: Operation, action: Action | undefined): Action | undefined {
  const right = op.input['right'] === 'rewind' ? 'rewind' : op.input['right'] === 'operate' ? 'operate' : 'change';
  return ctx.verdict(right, job) === 'no' ? undefined : action;
}
const lasted = (from: Date, to: Date) => formatDuration(Math.max(0, to.getTime() - from.getTime()));

async function facts(
  ctx: CommandContext,
  { op, steps, approval }: { op: Operation; steps: readonly OperationStep[]; approval: Approval | undefined },
): Promise<[string, string | Span[] | undefined][]> {
  const { publicUrl } = ctx.services.settings;
  const plan = steps.find((s) => s.name === 'plan' && s.state === 'done')?.result as StartPlan | undefined;
  const reason = op.input['reason'];
  const told = errorReference(op);
  const reference = told ?? (op.state === 'failed' && (await findErrorReport(ctx.services.database.db, op.id)) ? op.id : undefined);
  return [
    ['Asked by', [{ person: op.actor }, ', ', { time: op.createdAt }]],
    ['Reason', typeof reason === 'string' ? reason : undefined],
    ['Approval', approval && approvalWords(approval)],
    ['Break-glass', op.breakGlass ?? undefined],
    ['Plan', plan?.beginning ? `v${plan.version} on ${plan.cluster}, ${planWords(plan)}` : undefined],
    [
      'Began',
      op.startedAt
        ? [{ time: op.startedAt }, `, ${op.finishedAt ? 'took' : 'so far'} ${lasted(op.startedAt, op.finishedAt ?? ctx.now)}`]
        : undefined,
    ],
    ['Runs on', ownerWords(op, ctx.now)],
    ['Taken up', op.epoch > 1 ? `${op.epoch} times: Sluice was restarted, or another replica went on with it` : undefined],
    ['Holds', op.holds && !isOver(op) ? `${op.job}: no other operation may touch it meanwhile` : undefined],
    ['Cancel asked by', op.cancelRequestedBy ? [{ person: op.cancelRequestedBy }] : undefined],
    ['Full error', reference ? [{ link: reference, url: `${publicUrl}/errors/${reference}` }] : undefined],
  ];
}
function approvalWords(approval: Approval): Span[] {
  if (approval.state === 'pending') return ['can be given until ', { time: approval.expiresAt, style: 'time' }];
  const by: Span[] = approval.decidedBy ? [' by ', { person: approval.decidedBy }] : [];
  return [approval.state, ...by, approval.decisionReason ? `: ${approval.decisionReason}` : ''];
}
function stepTable(op: Operation, steps: readonly OperationStep[], note: string | undefined, now: Date): Part {
  return {
    kind: 'table',
    columns: ['Step', 'State', 'Began', 'Took', 'Note'],
    rows: steps.map((s) => [
      s.title,
      stepWords(s, op),
      [{ time: s.startedAt, style: 'time' }],
      s.doneAt ? lasted(s.startedAt, s.doneAt) : isOver(op) || op.state === 'parked' ? '' : `${lasted(s.startedAt, now)} so far`,
      s.note ?? (s.state === 'running' ? (note ?? '') : ''),
    ]),
  };
}

/** An id that nothing has: the nearest operation, or the last one of the job that was meant; offered, never shown as if it were the one. */
async function suggest(ctx: CommandContext, typed: string | undefined): Promise<Reply> {
  const { db } = ctx.services.database;
  const mine = new Set((await listJobs(db)).filter((job) => ctx.verdict('see', job) !== 'no').map((job) => job.name));
  const known = (await listOperations(db, undefined, 300)).filter((op) => mine.has(op.job));
  const wanted = typed?.toLowerCase() ?? '';
  const line = (op: Operation) => `${op.kind} of ${op.job}, ${stateWords[op.state]}, ${formatAge(op.createdAt, ctx.now)}`;
  const offer = (title: string, found: readonly Operation[]) =>
    new Reply(
      title,
      text(...found.flatMap((op, i): Span[] => [i > 0 ? '\n' : '', { code: op.id }, ` ${line(op)}`])),
      actions(
        ...found.map((op) => commandButton(`${op.kind} of ${op.job}`.slice(0, 70), `operation ${op.id}`)),
        commandButton('All', 'operations'),
      ),
    );
  if (typed === undefined) {
    if (known.length === 0) return new Reply('operation needs the id of an operation, and there is none yet.');
    return offer('operation needs the id of an operation: it stands at the bottom of its message. The newest:', known.slice(0, 3));
  }
  const prefix = wanted.startsWith('op_') ? wanted : `op_${wanted}`;
  const begins = known.filter((op) => op.id.startsWith(prefix)).slice(0, 5);
  if (begins.length > 0)
    return offer(`There is no operation ${typed}. ${begins.length === 1 ? 'One begins' : 'These begin'} like that:`, begins);
  const name = nearest(
    typed,
    (await jobNames(db)).filter((job) => mine.has(job)),
    1,
  )[0];
  const last = name === undefined ? undefined : known.find((op) => op.job === name);
  if (last) return offer(`There is no operation ${typed}. The last one of ${last.job}:`, [last]);
  const near = nearest(
    wanted,
    known.map((op) => op.id),
    3,
  ).flatMap((id) => known.filter((op) => op.id === id));
  if (near.length > 0) return offer(`There is no operation ${typed}. Did you mean ${near[0]?.id}?`, near);
  if (known.length > 0) return offer(`There is no operation ${typed}. The newest:`, known.slice(0, 3));
  throw new NotFoundError(`There is no operation ${typed}.`, { hint: 'Nothing has been done yet on the jobs that you may see.' });
}
