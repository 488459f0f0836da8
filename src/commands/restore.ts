import { NotFoundError, UserError } from '../core/errors.ts';
import { actions, context, fields, type Message, message, type Part, text } from '../core/message.ts';
import { quoteWord } from '../core/text.ts';
import { formatAge, formatBytes } from '../core/time.ts';
import { checkRestorePath, samePathKey } from '../deploy/restore-path.ts';
import { findVersion, type Job } from '../jobs/jobs.store.ts';
import { endedAgo } from '../jobs/run-words.ts';
import { lastRunThatRan, latestRun, type Run } from '../jobs/runs.store.ts';
import { isOfRun } from '../operations/message.ts';
import { holderConflict, holderOf } from '../operations/operations.store.ts';
import { listRestorePoints, type RestorePoint } from '../restore-points/restore-points.store.ts';
import { acceptOrAsk } from './accepting.ts';
import { type CommandContext, defineCommand, Reply } from './spec.ts';
import { parseVersion } from './version-option.ts';
import { describePoint, pathTail, pointsAtMost } from './views/restore-point-words.ts';

export const restore = defineCommand({
  name: 'restore',
  summary: 'Go back to a savepoint or retained checkpoint; on production a lead approves the plan.',
  details: 'Without --from it lists the restore points. A safety savepoint of what runs is taken first.',
  examples: ['restore etl-orders', 'restore etl-orders --from s3://lake/savepoints/savepoint-5ae2f1-04c2 --reason "bad deploy at 14:00"'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: {
    from: { summary: 'A restore point of the list, or any path.', value: 'path', form: { ask: 'restore-point', label: 'Restore point' } },
    version: { summary: 'The version to run; the one that ran last when left out.', value: 'vN' },
    reason: { summary: 'Why; a lead reads it.', value: 'text', form: { ask: 'text', label: 'Why?', instead: ['break-glass'] } },
    'break-glass': { summary: 'Act without a second person; all leads are told, and it is reviewed later.', value: 'reason' },
  },
  kind: 'operate',
  acts: true,
  right: 'rewind',
  who: 'engineer, on-call, lead or admin; on production a lead approves',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const { db } = ctx.services.database;
    const points = await listRestorePoints(db, job.name, pointsAtMost);
    const from = args.options['from'] as string | undefined;
    const breakGlass = args.options['break-glass'] as string | undefined;
    const reason = (args.options['reason'] as string | undefined) ?? breakGlass;
    const wanted = args.options['version'] === undefined ? undefined : parseVersion(args.options['version'] as string);
    const versionText = wanted === undefined ? '' : ` --version ${wanted === 'current' ? wanted : `v${wanted}`}`;
    if (from === undefined) return listing(ctx, job, points, versionText, breakGlass);
    const chosen = await choose(ctx, job, points, from);
    const askAgain = `restore ${job.name} --from ${quoteWord(chosen.path)}${versionText} --reason {input}`;
    if (!reason?.trim())
      throw new Reply(
        `Restoring ${job.name} needs a reason.`,
        text('Add ', { code: '--reason "why"' }, '. Nothing was done.'),
        actions({
          label: 'Say why…',
          command: askAgain,
          input: { title: 'Why?', label: 'Reason, shown to everybody', multiline: true },
        }),
      );
    const holder = await holderOf(db, job.name);
    if (holder) throw holderConflict(holder);
    const ranLast = await lastRunThatRan(db, job.name);
    const version = wanted === 'current' ? job.currentVersion : (wanted ?? ranLast?.version ?? job.currentVersion);
    const found = await findVersion(db, job.name, version);
    if (!found) throw new NotFoundError(`${job.name} has no version v${version}.`, { hint: `All of them: /flink versions ${job.name}` });
    if (!found.definition.artifact)
      throw new UserError(`${job.name} v${version} has no build, so nothing can be started.`, {
        hint: `Build it first: /flink build ${job.name}`,
      });
    const run = await latestRun(db, job.name);
    return acceptOrAsk(ctx, {
      kind: 'restore',
      job,
      right: 'rewind',
      what: `to restore ${job.name}`,
      reason,
      breakGlass,
      plan: planParts(ctx, job, run, chosen, version),
      askAgain,
      input: {
        from: chosen.path,
        version,
        ...(chosen.point ? { pointId: chosen.point.id } : {}),
        ...(ofLiveRun(chosen.path, run) ? { liveRun: run?.flinkJobId } : {}),
      },
    });
  },
});

/** Whether a path is a checkpoint of what runs. */
function ofLiveRun(path: string, run: Run | undefined): boolean {
  return run !== undefined && !run.ended && isOfRun({ from: path }, { flinkJobId: run.flinkJobId });
}

interface Chosen {
  path: string;
  point: RestorePoint | undefined;
  /** Why it could not be checked from here. */
  unchecked: string | undefined;
}
/** Finds what was named and looks whether it is there, before anything stops. */
async function choose(ctx: CommandContext, job: Job, points: RestorePoint[], from: string): Promise<Chosen> {
  const point = points.find((p) => p.id === from || samePathKey(p.path) === samePathKey(from));
  if (!point && !/^([a-z][a-z0-9+.-]*:\/|\/)/i.test(from))
    throw new UserError(`${from} is neither a restore point of ${job.name} nor a path.`, {
      hint: `The list: /flink restore ${job.name}. A path looks like s3://bucket/savepoints/savepoint-5ae2f1-04c2.`,
    });
  const path = point?.path ?? from;
  const { cluster } = await ctx.services.deployers.of(job.current.definition.cluster);
  const sight = await checkRestorePath(path, cluster.pathsReadable);
  if (sight.is === 'missing' || sight.is === 'incomplete')
    throw new NotFoundError(`${path} cannot be restored from: ${sight.why}.`, {
      hint: `Nothing was stopped. What is there: /flink restore ${job.name}`,
    });
  return { path, point, unchecked: sight.is === 'cannot-check' ? sight.why : undefined };
}

function listing(ctx: CommandContext, job: Job, points: RestorePoint[], versionText: string, breakGlass: string | undefined): Message {
  if (points.length === 0)
    return message(
      'warn',
      `${job.name} has no restore points`,
      text('A path can still be given: ', { code: `/flink restore ${job.name} --from <path> --reason "why"` }),
    );
  const asks = ctx.verdict('rewind', job) === 'asks' && !breakGlass;
  return message(
    'neutral',
    `Restore points of ${job.name}, newest first`,
    ...points
      .slice(0, 10)
      .map((p) =>
        text(
          { bold: `${p.kind === 'savepoint' ? 'Savepoint' : `Checkpoint ${p.checkpointId ?? ''}`} · ${formatAge(p.takenAt, ctx.now)}` },
          ` · ${[p.size === null ? undefined : formatBytes(p.size), p.final ? 'final state of its run' : 'mid-run', `v${p.version}`].filter(Boolean).join(' · ')}\n`,
          { code: p.path },
        ),
      ),
    ...(points.length > 10
      ? [
          context(`${points.length - 10} more on the page: `, {
            link: 'restore points',
            url: `${ctx.services.settings.publicUrl}/jobs/${job.name}`,
          }),
        ]
      : []),
    actions({
      label: 'Choose one…',
      style: 'primary',
      command: breakGlass
        ? `restore ${job.name} --from {choice}${versionText} --break-glass {input}`
        : `restore ${job.name} --from {choice}${versionText} --reason {input}`,
      choice: {
        title: `Restore ${job.name}`,
        label: 'Restore point',
        options: points.slice(0, 40).map((p) => ({ label: describePoint(p, ctx.now), description: pathTail(p.path), value: p.id })),
      },
      input: { title: `Restore ${job.name}`, label: asks ? 'Why? A lead reads this before deciding.' : 'Why?', multiline: true },
    }),
  );
}

/** What would happen: what runs now, that it is saved first, where it goes back to and what that means. */
function planParts(ctx: CommandContext, job: Job, run: Run | undefined, chosen: Chosen, version: number): Part[] {
  const { point } = chosen;
  const live = run && !run.ended;
  const back = point ? backWords(point, run, ctx.now) : 'how far back that is, is not known';
  return [
    fields([
      [
        'Now',
        live
          ? `v${run.version} ${run.state.toLowerCase()} on ${run.cluster}`
          : run
            ? `not running: it ${endedAgo(run, ctx.now)}`
            : 'never ran',
      ],
      [
        'First',
        ofLiveRun(chosen.path, run)
          ? 'a safety savepoint is taken, then what runs is canceled: its checkpoints stay, which a stop with savepoint would delete'
          : live
            ? 'a safety savepoint is taken and what runs is stopped'
            : undefined,
      ],
      ['Then', `v${version} starts from ${point ? describePoint(point, ctx.now) : 'the given path'}`],
      ['Means', `${back}; input is read again from there, and sinks may see it twice`],
    ]),
    context({ code: chosen.path }),
    ...(point && point.version !== version ? [text(`It was written by v${point.version}; v${version} would read it.`)] : []),
    ...(chosen.unchecked ? [text(`The path cannot be checked from here (${chosen.unchecked}); the cluster will.`)] : []),
    ...(job.current.definition.environment === 'development' ? [context('development')] : []),
  ];
}
function backWords(point: RestorePoint, run: Run | undefined, now: Date): string {
  const until = run?.ended && run.endedAt ? run.endedAt : now;
  const minutes = Math.max(0, Math.round((until.getTime() - point.takenAt.getTime()) / 60_000));
  return minutes < 1 ? 'less than a minute back' : `${minutes} min back`;
}
