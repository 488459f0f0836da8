import { actions, context, fields, type Message, type Part, type Span, text } from '../core/message.ts';
import { plural } from '../core/text.ts';
import { formatAge, formatBytes, formatDuration } from '../core/time.ts';
import type { Deployer } from '../deploy/deployer.ts';
import type { Run } from '../jobs/runs.store.ts';
import { tagsOf } from '../jobs/tags.ts';
import { checkpointsAfter } from '../restore-points/kept.rule.ts';
import { listRestorePoints, type RestorePoint } from '../restore-points/restore-points.store.ts';
import { commandButton, defineCommand } from './spec.ts';
import { busyWords, type JobView, jobViews } from './views/job-view.ts';

export const status = defineCommand({
  name: 'status',
  aliases: ['st'],
  summary: 'How a job is: what is wrong first, then state, version, checkpoints, restore points.',
  examples: ['status etl-orders'],
  arguments: [{ name: 'job', summary: 'The job.', required: true, kind: 'job' }],
  options: { share: { summary: 'Show it to the whole channel.' } },
  kind: 'read',
  right: 'see',
  async run(ctx, args) {
    const job = await ctx.job(args.values['job'] as string);
    const { db } = ctx.services.database;
    const view = (await jobViews(db, ctx.now, (j) => j.name === job.name))[0] as JobView;
    const points = await listRestorePoints(db, job.name, 200);
    const { run } = view;
    const parts: Part[] = [];
    for (const incident of view.incidents) parts.push(text({ bold: incident.title }, ', since ', { time: incident.firstSeen }));
    if (run?.rootException && view.state !== 'running' && view.state !== 'stopped')
      parts.push({ kind: 'code', text: `${run.rootException.name}: ${run.rootException.message}` });
    if (view.holder)
      parts.push(
        text(`${busyWords(view.holder)} since `, { time: view.holder.createdAt, style: 'time' }, ', asked by ', {
          person: view.holder.actor,
        }),
      );
    const savepoints = points.filter((p) => p.kind === 'savepoint').length;
    const newest = points[0];
    parts.push(
      fields([
        ['State', view.words],
        ['Version', view.observed ? undefined : versionWords(view)],
        ['Run', run && !run.ended ? await runSpans(ctx.services.deployers, run) : undefined],
        ['Up', run?.runningAt && !run.ended ? formatDuration(ctx.now.getTime() - run.runningAt.getTime()) : undefined],
        ['Last checkpoint', checkpointWords(view, ctx.now)],
        [
          'Failed checkpoints',
          run && run.failedCheckpoints > 0
            ? [{ link: `${run.failedCheckpoints} of this run`, url: `${ctx.services.settings.publicUrl}/jobs/${job.name}/checkpoints` }]
            : undefined,
        ],
        [
          'Restore points',
          points.length === 0
            ? 'none'
            : `${savepoints} savepoint${savepoints === 1 ? '' : 's'}, ${points.length - savepoints} checkpoint${points.length - savepoints === 1 ? '' : 's'}; newest ${newest ? formatAge(newest.takenAt, ctx.now) : ''}${goingWords(points)}`,
        ],
        [
          'Started',
          run
            ? run.operationId === ''
              ? [{ time: run.startedAt }, ' outside Sluice']
              : [{ time: run.startedAt }, ' by ', { person: run.startedBy }]
            : undefined,
        ],
        ['Where', `${job.current.definition.cluster}${view.observed ? ' (only observed)' : ''}, ${job.current.definition.environment}`],
        ['Tags', tagsOf(job.current.definition).join(', ') || undefined],
      ]),
    );
    const links = job.current.definition.links;
    if (links.length > 0) parts.push(context(...links.flatMap((l, i): Span[] => [i > 0 ? ' · ' : '', { link: l.label, url: l.url }])));
    const tone: Message['tone'] =
      view.incidents.length > 0 || view.state === 'failed' || view.state === 'lost'
        ? 'bad'
        : view.state === 'running'
          ? 'good'
          : view.state === 'restarting' || view.state === 'unknown'
            ? 'warn'
            : 'neutral';
    const reply: Message = { tone, title: `${job.name}: ${view.words}`, parts };
    if (args.options['share']) return { ...reply, visibility: 'channel' };
    return { ...reply, parts: [...parts, actions(...buttons(view), commandButton('Share in channel', `status ${job.name} --share`))] };
  },
});

/** `; 2 savepoints are deleted: /flink savepoint etl-orders --list` */
function goingWords(points: readonly RestorePoint[]): string {
  const going = points.filter((point) => point.goesAt !== null);
  const job = going[0]?.job;
  return job === undefined ? '' : `; ${plural(going.length, 'savepoint')} to be deleted: /flink savepoint ${job} --list`;
}
function versionWords(view: JobView): string {
  const current = view.job.currentVersion;
  const ran = view.run?.version;
  if (ran === undefined) return `v${current} is current`;
  const verb = view.run?.ended ? 'ran last' : 'runs';
  return ran === current ? `v${ran} ${verb}` : `v${ran} ${verb}; v${current} is current`;
}
async function runSpans(
  deployers: { of(name: string): Promise<{ deployer: Pick<Deployer, 'runUrl'> }> },
  { cluster, flinkJobId, application }: Run,
): Promise<Span[]> {
  const { deployer } = await deployers.of(cluster);
  return [{ code: flinkJobId.slice(0, 8) }, ' ', { link: 'Flink', url: deployer.runUrl(flinkJobId, application) }];
}
function checkpointWords(view: JobView, now: Date): string | undefined {
  const { run } = view;
  if (!run) return undefined;
  const { lastCheckpoint: c } = run;
  if (c)
    return `${c.id}, ${c.size === undefined ? '' : `${formatBytes(c.size)} in `}${formatDuration(c.durationMs)}, ${formatAge(new Date(c.at), now)}${keptWords(run)}`;
  if (run.checkpointIntervalMs === 0) return 'checkpointing is off: a crash loses all state';
  return run.ended ? 'none' : 'none yet';
}
/** That Flink keeps it is what people count on; only the rest has to be said. */
function keptWords(run: Run): string {
  if (run.ended) return checkpointsAfter(run) === 'gone' ? '; Flink has deleted it' : '';
  if (run.checkpointRetention === 'NO_EXTERNALIZED_CHECKPOINTS') return '; Flink deletes it when the job fails or is canceled';
  return run.checkpointRetention === 'DELETE_ON_CANCELLATION' ? '; Flink deletes it when the job is canceled' : '';
}
function buttons(view: JobView) {
  const { name } = view.job;
  if (view.observed) return [commandButton('Logs', `logs ${name}`)];
  if (view.holder?.state === 'parked')
    return [
      commandButton('Try again', `retry ${view.holder.id}`, 'primary'),
      commandButton('Give up', `cancel ${name} --operation ${view.holder.id}`),
    ];
  if (view.holder) return [];
  if (view.run && !view.run.ended) return [commandButton('Savepoint', `savepoint ${name}`), commandButton('Logs', `logs ${name}`)];
  return [commandButton(view.run ? 'Resume' : 'Start', `start ${name}`, 'primary'), commandButton('Logs', `logs ${name}`)];
}
