import { samePerson } from '../access/policy.ts';
import { actions, context, message, type Part, type Span, text } from '../core/message.ts';
import { plural } from '../core/text.ts';
import { openIncidents } from '../incidents/incidents.store.ts';
import { type Job, listJobs } from '../jobs/jobs.store.ts';
import { findApproval } from '../operations/approvals.store.ts';
import { activeOperations } from '../operations/operations.store.ts';
import type { Operation } from '../operations/types.ts';
import { list } from './list.ts';
import { type CommandContext, commandButton, defineCommand } from './spec.ts';
import { decisionButtons, operationButtons } from './views/operation-buttons.ts';
import { stateWords } from './views/operation-view.ts';

/** As many as leave room for the jobs: a home tab takes 100 blocks, and a message half of them. */
const shownOfEach = 6;

export const home = defineCommand({
  name: 'home',
  summary: 'What the home tab shows: what waits for you, what is wrong, what you began, and your jobs.',
  examples: ['home'],
  arguments: [],
  options: {},
  kind: 'read',
  right: 'anyone',
  who: 'everybody',
  hidden: true,
  async run(ctx) {
    const { db } = ctx.services.database;
    if (!ctx.person?.active || (ctx.person.memberships.length === 0 && !ctx.person.admin))
      return message(
        'neutral',
        'Sluice runs Flink jobs from Slack',
        text('You have no role here yet. An admin gives you one; they need your Slack member id, which whoami shows.'),
        firstSteps('whoami', 'help', 'list'),
      );
    const jobs = new Map((await listJobs(db)).filter((job) => ctx.verdict('see', job) === 'yes').map((job) => [job.name, job]));
    const active = (await activeOperations(db)).filter((op) => jobs.has(op.job));
    const isMine = (op: Operation) => samePerson(op.actor, ctx.me().ref);
    const decides = (op: Operation) => op.state === 'waiting' && !isMine(op) && ctx.verdict('approve', jobs.get(op.job) as Job) === 'yes';
    const toDecide = active.filter(decides);
    const begun = active.filter((op) => isMine(op) || (op.state === 'parked' && ctx.verdict('operate', jobs.get(op.job) as Job) === 'yes'));
    const wrong = (await openIncidents(db)).filter((one) => one.job === null || jobs.has(one.job));
    const mine = await list.run(ctx, { values: {}, options: {}, rest: [] });
    const isQuiet = toDecide.length + begun.length + wrong.length === 0;
    return message(
      toDecide.length > 0 ? 'warn' : 'neutral',
      toDecide.length > 0
        ? `${plural(toDecide.length, 'approval')} ${toDecide.length === 1 ? 'waits' : 'wait'} for you`
        : 'Nothing waits for your approval',
      ...(await Promise.all(toDecide.slice(0, shownOfEach).map((op) => decision(ctx, op)))).flat(),
      ...more(ctx, toDecide.length, '/operations'),
      ...(wrong.length > 0 ? [text({ bold: plural(wrong.length, 'open incident') })] : []),
      ...wrong
        .slice(0, shownOfEach)
        .flatMap((one) => [
          text(
            { bold: one.title },
            ', since ',
            { time: one.firstSeen },
            ...(one.ackedBy ? ([', looked after by ', { person: one.ackedBy }] satisfies Span[]) : []),
          ),
          ...(one.job
            ? [
                actions(
                  ...(one.ackedBy || ctx.verdict('operate', jobs.get(one.job) as Job) !== 'yes'
                    ? []
                    : [commandButton('Acknowledge', `acknowledge ${one.id}`)]),
                  commandButton('Status', `status ${one.job}`),
                  commandButton('Logs', `logs ${one.job}`),
                ),
              ]
            : []),
        ]),
      ...more(ctx, wrong.length, '/'),
      ...(begun.length > 0 ? [text({ bold: 'In progress' })] : []),
      ...begun.slice(0, shownOfEach).flatMap((op) => [
        text({ bold: `${op.kind} of ${op.job}` }, ` ${stateWords[op.state]}, since `, {
          time: op.startedAt ?? op.createdAt,
          style: 'time',
        }),
        actions(...operationButtons(ctx, op, jobs.get(op.job) as Job), commandButton('Steps', `operation ${op.id}`)),
      ]),
      ...more(ctx, begun.length, '/operations'),
      text({ bold: mine.title }),
      ...oneText(mine.parts),
      ...(isQuiet ? [firstSteps('list', 'status <job>', 'start <job>')] : []),
    );
  },
});

async function decision(ctx: CommandContext, op: Operation): Promise<Part[]> {
  const approval = await findApproval(ctx.services.database.db, op.id);
  return [
    text(
      { bold: `${op.kind} of ${op.job}` },
      ', asked by ',
      { person: op.actor },
      ...(approval ? ([`: ${approval.reason}\nIts time is over at `, { time: approval.expiresAt, style: 'time' }] satisfies Span[]) : []),
    ),
    actions(...decisionButtons(op.id), commandButton('The plan', `operation ${op.id}`)),
  ];
}
function more(ctx: CommandContext, count: number, path: string): Part[] {
  if (count <= shownOfEach) return [];
  return [context(`${count - shownOfEach} more `, { link: 'on the page', url: `${ctx.services.settings.publicUrl}${path}` }, '.')];
}
/** The lines of a list as one paragraph; its buttons are for a channel. */
function oneText(parts: readonly Part[]): Part[] {
  const lines = parts.flatMap((part) => (part.kind === 'text' ? [part.spans] : []));
  const rest = parts.filter((part) => part.kind === 'context');
  const spans = lines.flatMap((line, i): Span[] => [...(i > 0 ? ['\n'] : []), ...(typeof line === 'string' ? [line] : line)]);
  return [...(spans.length > 0 ? [text(...spans)] : []), ...rest];
}
function firstSteps(...lines: string[]): Part {
  return text(
    'To begin with, in any channel: ',
    ...lines.flatMap((line, i): Span[] => [...(i > 0 ? [', '] : []), { code: `/flink ${line}` }]),
  );
}
