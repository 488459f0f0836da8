import type { Action, Part, Span } from '../../core/message.ts';
import { fields, text } from '../../core/message.ts';
import { formatAge, formatBytes, formatDuration } from '../../core/time.ts';
import { askAgain, askedWords } from '../ask-again.ts';
import { outcome } from '../message.ts';
import type { StartPlan } from '../start-plan.ts';
import { beginningWords } from '../steps/plan.ts';
import type { Operation, Outcome, StepContext } from '../types.ts';

/** `etl-orders runs: v5 on 4/4 tasks after 2.1 s`, with what it came from and a link to Flink's page. */
export async function runsOutcome(c: StepContext, verb: string, extra: Part[] = []): Promise<Outcome> {
  const p = c.results['plan'] as unknown as StartPlan;
  const { tasks, runningAt } = c.results['running'] as { tasks: number; runningAt: number };
  const { flinkJobId } = c.results['submit'] as { flinkJobId: string };
  const open = await c.services.deployers.of(p.cluster);
  const since = (c.op.startedAt ?? c.op.createdAt).getTime();
  const after = Math.max(0, runningAt - since);
  const lines: [string, string | Span[] | undefined][] = [
    ['Version', `v${p.version}`],
    ['State', stateWords(p)],
    ['Cluster', [`${p.cluster} · `, { link: 'Flink', url: open.deployer.runUrl(flinkJobId) }]],
    ['Flink job', [{ code: flinkJobId }]],
  ];
  const parts: Part[] = [fields(lines), ...extra];
  if (p.newerNeverRan)
    parts.push(
      text(`v${p.newerNeverRan} is current and has never run; it was not started. To run it: `, {
        code: `/flink restart ${c.op.job} --version v${p.newerNeverRan}`,
      }),
    );
  for (const note of p.notes) parts.push(text(`Note: ${note}.`));
  return {
    ...outcome('good', `${c.op.job} ${verb}: v${p.version} running on ${tasks}/${tasks} tasks after ${formatDuration(after)}`, parts, [
      { label: 'Status', command: `status ${c.op.job}` },
      {
        label: 'Stop',
        command: `stop ${c.op.job}`,
        confirm: { title: `Stop ${c.op.job}?`, text: 'It is stopped with a savepoint; nothing is lost.', yes: 'Stop it' },
      },
    ]),
    later: { checkpoint: ['Waiting for its first checkpoint.'] },
  };
}
/** The start worked, but Flink did not confirm the state: the job runs, and nobody may be told otherwise; unless it has gone since. */
export async function unprovenOutcome(c: StepContext, said: Outcome): Promise<Outcome> {
  const { flinkJobId } = c.results['submit'] as { flinkJobId: string };
  const open = await c.services.deployers.of((c.results['plan'] as unknown as StartPlan).cluster);
  const sight = await open.deployer.look(flinkJobId, { timeoutMs: 4000 }).catch(() => undefined);
  if (sight?.is === 'gone' || (sight?.is === 'seen' && sight.ended))
    return {
      ...said,
      title: `${c.op.job} came up and is gone again, before it was proven what it was restored from`,
      actions: [
        { label: 'Resume', command: `start ${c.op.job}`, style: 'primary' },
        { label: 'Logs', command: `logs ${c.op.job}` },
      ],
    };
  return {
    ...said,
    tone: 'warn',
    title: `${c.op.job} runs, but what it was restored from is not proven`,
    actions: [
      { label: 'Status', command: `status ${c.op.job}` },
      { label: 'Logs', command: `logs ${c.op.job}` },
    ],
  };
}
/** What the state of a start is, for people. */
export function stateWords(p: StartPlan): string {
  if (p.beginning === 'fresh') return p.previousRun ? 'from nothing, as asked' : 'from nothing (first start)';
  const age = p.restoreTakenAt ? `, ${formatAge(new Date(p.restoreTakenAt), new Date())}` : '';
  return `${p.beginning}, ${beginningWords(p)}${age}`;
}

/** The facts of a savepoint that was just written. */
export function savepointFields(result: Record<string, unknown>, flinkVersion: string | null | undefined): Part {
  return fields([
    ['Path', [{ code: String(result['path']) }]],
    ['Size', result['size'] === undefined ? undefined : formatBytes(Number(result['size']))],
    ['Duration', result['durationMs'] === undefined ? undefined : formatDuration(Number(result['durationMs']))],
    ['Flink', flinkVersion ?? undefined],
  ]);
}

/** The choices after a savepoint that failed; the job runs on. A restart stays the one that was asked for. */
export function savepointChoices({
  op,
  results,
}: {
  op: Pick<Operation, 'kind' | 'job' | 'input'>;
  results: StepContext['results'];
}): Action[] {
  // What this operation has built is there: to build again could give something else.
  const built = results['build-bind']?.['version'];
  const asked = { kind: op.kind, job: op.job, input: built === undefined ? op.input : { version: built } };
  return [
    { label: 'Try again', command: askedWords(asked), style: 'primary' },
    withoutSavepoint(
      op.kind === 'stop' ? 'Stop without savepoint' : 'Restart without savepoint',
      askedWords({ ...asked, input: { ...asked.input, noSavepoint: true } }),
    ),
    { label: 'Leave it running', command: `status ${op.job}` },
  ];
}
/** The choices after a restore's safety savepoint that failed. Without one the job is stopped first, so that this is decided by itself. */
export function safetyChoices(op: Operation): Action[] {
  return [
    { ...askAgain(op), label: 'Try again', style: 'primary' },
    withoutSavepoint('Stop without savepoint', `stop ${op.job} --no-savepoint`),
    { label: 'Leave it running', command: `status ${op.job}` },
  ];
}
function withoutSavepoint(label: string, line: string): Action {
  return {
    label,
    command: `${line} --reason {input}`,
    style: 'danger',
    input: {
      title: 'Without a savepoint',
      label: 'Why? What came in since the last checkpoint is read again.',
      placeholder: 'savepoint storage is down',
    },
  };
}
