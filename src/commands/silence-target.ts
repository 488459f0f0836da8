import { listTeams } from '../access/people.store.ts';
import { decide } from '../access/policy.ts';
import { PermissionError } from '../core/errors.ts';
import { actions, text } from '../core/message.ts';
import { nearest, plural } from '../core/text.ts';
import { findCluster, listClusters } from '../deploy/clusters.store.ts';
import type { Silence, SilenceScope } from '../incidents/silences.store.ts';
import { listJobs } from '../jobs/jobs.store.ts';
import { tagsOf, tagsOfAll } from '../jobs/tags.ts';
import { type CommandContext, commandButton, Reply } from './spec.ts';

export interface SilenceTarget {
  scope: SilenceScope;
  name: string;
  /** Of a tag: the teams whose jobs it covers; null: of every team. */
  teams: string[] | null;
  /** `job etl-orders` */
  words: string;
  /** Whether a problem that is open falls under it. */
  covers(row: { job: string | null; cluster: string | null }): boolean;
}

/** `cluster:standalone`; a job by its name alone. */
export function wordOf({ scope, name }: Pick<SilenceTarget, 'scope' | 'name'>): string {
  return scope === 'job' ? name : `${scope}:${name}`;
}

/**
 * What a person means, after checking that it is theirs to silence.
 * @param line the same command with another word for what is meant: what was typed after it stays.
 * @throws Reply (did you mean), PermissionError
 */
export async function findTarget(ctx: CommandContext, typed: string, line: (word: string) => string): Promise<SilenceTarget> {
  const { db } = ctx.services.database;
  const [, scope, name = typed] = /^(job|cluster|team|tag):(.+)$/.exec(typed) ?? [];
  const [jobs, teams] = [await listJobs(db), await listTeams(db)];
  const may = (what: string | undefined) => scope === undefined || scope === what;
  const coversJobs = (names: readonly string[]) => (row: { job: string | null }) => row.job !== null && names.includes(row.job);

  if (may('job') && jobs.some((job) => job.name === name)) {
    const job = await ctx.job(name);
    return { scope: 'job', name, teams: null, words: `job ${name}`, covers: coversJobs([job.name]) };
  }
  const cluster = may('cluster') ? await findCluster(db, name) : undefined;
  if (cluster) {
    if (decide(ctx.person, 'operate', { team: cluster.team ?? undefined }) !== 'yes')
      throw new PermissionError(
        `You may not silence the cluster ${name}: that needs an engineer, on-call or lead${cluster.team ? ` of team ${cluster.team}` : ''}, or an admin.`,
        { hint: 'Nothing was silenced. Ask somebody of that team, or an admin.' },
      );
    return { scope: 'cluster', name, teams: null, words: `cluster ${name}`, covers: (row) => row.cluster === name };
  }
  if (may('team') && teams.some((team) => team.name === name)) {
    if (decide(ctx.person, 'operate', { team: name }) !== 'yes')
      throw new PermissionError(`You may not silence team ${name}: that needs an engineer, on-call or lead of it, or an admin.`, {
        hint: 'Ask one of them, or an admin for a role.',
      });
    const mine = jobs.filter((job) => job.team === name).map((job) => job.name);
    return { scope: 'team', name, teams: null, words: `team ${name}`, covers: coversJobs(mine) };
  }
  const visible = jobs.filter((job) => ctx.verdict('see', job) === 'yes');
  const tag = name.toLowerCase();
  if (may('tag') && visible.some((job) => tagsOf(job.current.definition).includes(tag))) {
    const tagged = jobs.filter((job) => tagsOf(job.current.definition).includes(tag));
    const mine = tagged.filter((job) => ctx.verdict('operate', job) === 'yes');
    if (mine.length === 0)
      throw new PermissionError(`You may not silence tag ${tag}: its jobs belong to teams in which you are no engineer, on-call or lead.`, {
        hint: 'Nothing was silenced. Ask one of them, or an admin.',
      });
    // Whoever silences a tag speaks for their own teams: a job that another team tags alike stays loud.
    const all = ctx.person?.admin === true;
    const known = new Set([...teams.map((team) => team.name), ...mine.map((job) => job.team)]);
    const own = [...known].filter((team) => decide(ctx.person, 'operate', { team }) === 'yes').sort();
    const names = mine.map((job) => job.name);
    return { scope: 'tag', name: tag, teams: all ? null : own, words: `tag ${tag} (${shortList(names)})`, covers: coversJobs(names) };
  }
  const near = nearest(typed, [
    ...visible.map((job) => job.name),
    ...(await listClusters(db)).map((one) => `cluster:${one.name}`),
    ...teams.map((team) => `team:${team.name}`),
    ...tagsOfAll(visible).map((one) => `tag:${one}`),
  ]);
  throw new Reply(
    `There is no ${scope ?? 'job, cluster, team or tag'} ${name}.${near[0] ? ` Did you mean ${near[0]}?` : ''}`,
    text('Nothing was changed.'),
    ...(near.length > 0 ? [actions(...near.map((word) => commandButton(line(word).slice(0, 70), line(word))))] : []),
  );
}

/** Whether a person may end a silence: one of a tag that covers other teams too is theirs, or an admin's. */
export function mayEnd(ctx: CommandContext, silence: Silence): boolean {
  if (silence.scope !== 'tag' || ctx.person?.admin) return true;
  return silence.teams?.every((team) => decide(ctx.person, 'operate', { team }) === 'yes') === true;
}

function shortList(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : plural(names.length, 'job');
}
