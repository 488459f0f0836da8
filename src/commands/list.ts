import { actions, context, type Message, message, text } from '../core/message.ts';
import { nearest, plural } from '../core/text.ts';
import { formatAge, formatDuration } from '../core/time.ts';
import { tagsOf, tagsOfAll } from '../jobs/tags.ts';
import { whyUnrecoverable } from '../restore-points/unrecoverable.rule.ts';
import { commandButton, defineCommand, Reply } from './spec.ts';
import { busyWords, type JobState, type JobView, jobViews } from './views/job-view.ts';

const filters: Record<string, (view: JobView, now: Date) => boolean> = {
  failed: (v) => v.state === 'failed' || v.state === 'lost' || v.incidents.length > 0,
  running: (v) => v.state === 'running',
  stopped: (v) => v.state === 'stopped' || v.state === 'finished',
  unknown: (v) => v.state === 'unknown',
  busy: (v) => v.holder !== undefined,
  unrecoverable: (v, now) => whyUnrecoverable(v, now) !== undefined,
  observed: (v) => v.observed,
};
const marks: Record<JobState, string> = {
  running: '●',
  starting: '◐',
  restarting: '▲',
  failed: '✗',
  lost: '✗',
  stopped: '○',
  finished: '○',
  unknown: '?',
  new: '·',
  busy: '◐',
};

export const list = defineCommand({
  name: 'list',
  aliases: ['ls', 'jobs'],
  summary: 'The jobs, what is wrong first.',
  details: `Filter by state: ${Object.keys(filters).join(', ')}; by tag: tag:nightly; or by a part of the name.`,
  examples: ['list', 'list failed', 'list unrecoverable', 'list tag:nightly', 'list orders'],
  arguments: [{ name: 'filter', summary: 'A state, a tag or a part of the name.', required: false, kind: 'text' }],
  options: { share: { summary: 'Show it to the whole channel.' } },
  kind: 'read',
  right: 'see',
  async run(ctx, args): Promise<Message> {
    const filter = args.values['filter'];
    const me = ctx.me();
    const teams = new Set(me.memberships.map((m) => m.team));
    const all = await jobViews(ctx.services.database.db, ctx.now, (job) => me.admin || teams.has(job.team));
    const word = filter?.toLowerCase() ?? '';
    const byState = filters[word];
    const shown = filter ? all.filter((v) => (byState ? byState(v, ctx.now) : matches(v, word))) : all;
    if (all.length === 0)
      return message(
        'neutral',
        'There are no jobs yet',
        text('An admin adds them from a folder of YAML files with npm run apply, or on the page: ', { code: '/flink web' }),
      );
    if (shown.length === 0 && !byState && filter) {
      const tags = tagsOfAll(all.map((v) => v.job));
      const near = nearest(filter, [...Object.keys(filters), ...all.map((v) => v.job.name), ...tags.map((tag) => `tag:${tag}`)]);
      throw new Reply(
        word.startsWith('tag:') ? `No job has the tag ${filter.slice(4)}.` : `No job is called ${filter}, and it is no state.`,
        text(`States: ${Object.keys(filters).join(', ')}.${tags.length > 0 ? ` Tags: ${tags.slice(0, 20).join(', ')}.` : ''}`),
        ...(near.length > 0 ? [actions(...near.map((n) => commandButton(`list ${n}`, `list ${n}`)))] : []),
      );
    }
    const bad = all.filter((v) => filters['failed']!(v, ctx.now)).length;
    const title = filter
      ? `${plural(shown.length, 'job')} ${byState ? word : word.startsWith('tag:') ? `with the tag ${word.slice(4)}` : `matching ${filter}`}`
      : bad > 0
        ? `${plural(bad, 'job')} of ${all.length} ${bad === 1 ? 'needs' : 'need'} a look`
        : `${plural(all.length, 'job')}, none in trouble`;
    const reply: Message = {
      tone: shown.some((v) => filters['failed']!(v, ctx.now)) ? 'bad' : 'neutral',
      title,
      parts: shown
        .slice(0, 20)
        .map((v) => text(`${marks[v.state]} `, { bold: v.job.name }, ` ${line(v, ctx.now, byState === filters['unrecoverable'])}`)),
    };
    if (shown.length > 20)
      reply.parts.push(
        context(`${shown.length - 20} more on the page: `, { link: 'all jobs', url: `${ctx.services.settings.publicUrl}/` }),
      );
    const command = ['list', filter, '--share'].filter(Boolean).join(' ');
    if (args.options['share']) return { ...reply, visibility: 'channel' };
    return shown.length > 0 ? { ...reply, parts: [...reply.parts, actions(commandButton('Share in channel', command))] } : reply;
  },
});

/** `tag:nightly`, or a part of the name. */
function matches(v: JobView, word: string): boolean {
  return word.startsWith('tag:') ? tagsOf(v.job.current.definition).includes(word.slice(4)) : v.job.name.includes(word);
}
function line(v: JobView, now: Date, saysWhy: boolean): string {
  const facts = [v.words];
  if (v.run && !v.run.ended) {
    if (!v.observed) facts.push(`v${v.run.version}`);
    if (v.run.runningAt && v.state === 'running') facts.push(`up ${formatDuration(now.getTime() - v.run.runningAt.getTime())}`);
    if (v.run.lastCheckpoint) facts.push(`checkpoint ${formatAge(new Date(v.run.lastCheckpoint.at), now)}`);
  }
  if (v.run?.ended && v.run.rootException && v.state === 'failed')
    facts.push(`${v.run.rootException.name}: ${v.run.rootException.message}`.slice(0, 120));
  if (v.holder) facts.push(busyWords(v.holder));
  const why = saysWhy ? whyUnrecoverable(v, now) : undefined;
  if (why) facts.push(why);
  if (v.observed) facts.push('observed');
  if (v.job.current.definition.environment === 'development') facts.push('development');
  facts.push(...tagsOf(v.job.current.definition).map((tag) => `#${tag}`));
  return facts.join(' · ');
}
