import { record } from '../access/audit.store.ts';
import { findTeam, listTeams } from '../access/people.store.ts';
import { decide } from '../access/policy.ts';
import { NotFoundError, PermissionError, UserError } from '../core/errors.ts';
import { actions, message, text } from '../core/message.ts';
import { nearest, plural, quoteWord } from '../core/text.ts';
import { formatDuration, parseDuration } from '../core/time.ts';
import { findCluster, listClusters } from '../deploy/clusters.store.ts';
import { beganSilence } from '../incidents/lifecycle.ts';
import { addSilence, type SilenceScope } from '../incidents/silences.store.ts';
import { findJob, listJobs } from '../jobs/jobs.store.ts';
import { type CommandContext, commandButton, defineCommand } from './spec.ts';

const minute = 60_000;
const longestMs = 7 * 24 * 60 * minute;

export interface SilenceTarget {
  scope: SilenceScope;
  name: string;
  /** `job etl-orders` */
  words: string;
}

export const silence = defineCommand({
  name: 'silence',
  aliases: ['mute'],
  summary: 'Nobody is called for a job, a cluster or a team for a while.',
  details:
    'Problems are still recorded and shown on the page; what is not over when the silence ends is told then. A name is a job; `cluster:` and `team:` in front of it name those. At most 7 days.',
  examples: ['silence etl-orders 2h "Kafka upgrade"', 'silence cluster:standalone 30min "new nodes"', 'silence team:data 1h "fire drill"'],
  arguments: [
    { name: 'target', summary: 'A job, or cluster:name, or team:name.', required: true, kind: 'text' },
    { name: 'for', summary: 'How long, for example 2h.', required: true, kind: 'text' },
    { name: 'reason', summary: 'Why: everybody who looks reads it.', required: true, kind: 'rest' },
  ],
  options: {},
  kind: 'operate',
  right: 'operate',
  async run(ctx, args) {
    const target = await findTarget(ctx, args.values['target'] as string);
    const forMs = durationOf(args.values['for'] as string);
    const reason = args.rest.join(' ').trim();
    if (reason === '')
      throw new UserError('A silence needs a reason: whoever looks for the missing alert reads it.', {
        hint: `For example: /flink silence ${target.name} ${args.values['for']} "Kafka upgrade". Nothing was silenced.`,
      });
    const by = ctx.me().ref;
    const covered = target.scope === 'team' ? await jobsOfTeam(ctx, target.name) : new Set<string>();
    return ctx.effect(async (tx) => {
      const made = await addSilence(tx, { scope: target.scope, name: target.name, reason, by, forMs });
      const open = await beganSilence(tx, made, (row) =>
        target.scope === 'job'
          ? row.job === target.name
          : target.scope === 'cluster'
            ? row.cluster === target.name
            : row.job !== null && covered.has(row.job),
      );
      await record(tx, {
        actor: { person: by, origin: ctx.request.origin.kind },
        action: 'silence.began',
        subject: `${target.scope}:${target.name}`,
        details: { silence: made.id, reason, until: made.until.toISOString() },
      });
      return {
        ...message(
          'neutral',
          `Silenced: ${target.words}, for ${formatDuration(forMs)}`,
          text('Until ', { time: made.until }, `: ${reason}`),
          ...(open > 0 ? [text(`${plural(open, 'open incident')} calls nobody until then.`)] : []),
          actions(commandButton('End the silence', `unsilence ${quoteWord(wordOf(target))}`)),
        ),
        visibility: 'channel' as const,
      };
    });
  },
});

/** `cluster:standalone`; a job by its name alone. */
export function wordOf({ scope, name }: Pick<SilenceTarget, 'scope' | 'name'>): string {
  return scope === 'job' ? name : `${scope}:${name}`;
}

/** What a person means, after checking that it is theirs to silence. @throws NotFoundError, PermissionError */
export async function findTarget(ctx: CommandContext, typed: string): Promise<SilenceTarget> {
  const { db } = ctx.services.database;
  const [, scope, name = typed] = /^(job|cluster|team):(.+)$/.exec(typed) ?? [];
  if ((scope === undefined && (await findJob(db, name))) || scope === 'job')
    return { scope: 'job', name: (await ctx.job(name)).name, words: `job ${name}` };
  const cluster = scope === 'team' ? undefined : await findCluster(db, name);
  if (cluster) {
    if (decide(ctx.person, 'operate', { team: cluster.team ?? undefined }) !== 'yes')
      throw new PermissionError(
        `You may not silence the cluster ${name}: that needs an engineer, on-call or lead${cluster.team ? ` of team ${cluster.team}` : ''}, or an admin.`,
        { hint: 'Nothing was silenced. Ask somebody of that team, or an admin.' },
      );
    return { scope: 'cluster', name, words: `cluster ${name}` };
  }
  if (scope !== 'cluster' && (await findTeam(db, name))) {
    if (decide(ctx.person, 'operate', { team: name }) !== 'yes')
      throw new PermissionError(`You may not silence team ${name}: that needs an engineer, on-call or lead of it, or an admin.`, {
        hint: 'Ask one of them, or an admin for a role.',
      });
    return { scope: 'team', name, words: `team ${name}` };
  }
  const names = [
    ...(await listJobs(db)).filter((job) => ctx.verdict('see', job) === 'yes').map((job) => job.name),
    ...(await listClusters(db)).map((cluster) => `cluster:${cluster.name}`),
    ...(await listTeams(db)).map((team) => `team:${team.name}`),
  ];
  const near = nearest(typed, names);
  throw new NotFoundError(`There is no job, cluster or team ${typed}.`, {
    hint: near.length > 0 ? `Did you mean ${near.join(' or ')}? Nothing was changed.` : 'Nothing was changed.',
  });
}

function durationOf(typed: string): number {
  const ms = parseDuration(typed);
  if (ms === undefined) throw new UserError(`${typed} is not a time.`, { hint: 'For example 30min, 2h or 1d. Nothing was silenced.' });
  if (ms < minute || ms > longestMs)
    throw new UserError(`A silence lasts between 1 min and 7 days, not ${formatDuration(ms)}.`, { hint: 'Nothing was silenced.' });
  return ms;
}
async function jobsOfTeam(ctx: CommandContext, team: string): Promise<Set<string>> {
  return new Set((await listJobs(ctx.services.database.db)).filter((job) => job.team === team).map((job) => job.name));
}
