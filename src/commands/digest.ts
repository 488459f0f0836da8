import { listTeams } from '../access/people.store.ts';
import { decide } from '../access/policy.ts';
import { UserError } from '../core/errors.ts';
import { actions, type Message, text } from '../core/message.ts';
import { nearest } from '../core/text.ts';
import { buildDigest } from '../incidents/digest.ts';
import { buildHandover } from '../incidents/handover.ts';
import { type CommandContext, commandButton, defineCommand, Reply } from './spec.ts';

export const digest = defineCommand({
  name: 'digest',
  summary: "The checkpoint digest of this channel's jobs, or a team's hand-over, now.",
  details:
    'The hand-over says what is broken, muted or not restorable, what waits for a person, which savepoints are deleted, and what was changed since the one before. Both are posted by themselves, too (digest.at, handover.at).',
  examples: ['digest', 'digest handover', 'digest handover data'],
  arguments: [
    { name: 'what', summary: 'checkpoints or handover; checkpoints when left out.', required: false, kind: 'text' },
    { name: 'team', summary: 'Of a hand-over: the team; yours when left out.', required: false, kind: 'text' },
  ],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx, args) {
    const { what = 'checkpoints', team } = args.values;
    const kind = what.toLowerCase().replace('-', '');
    if (kind === 'handover') return handover(ctx, team);
    if (kind !== 'checkpoints') throw unknownKind(what, team);
    const channel = ctx.request.origin.channel ?? ctx.services.defaultChannel;
    if (!channel) throw new UserError('There is no channel to make a digest of.', { hint: 'Type it in a channel where jobs speak.' });
    const { message } = await buildDigest(ctx.services.database.db, channel, ctx.now, ctx.services);
    return message;
  },
});

function unknownKind(what: string, team: string | undefined): Reply {
  const near = nearest(what, ['checkpoints', 'handover'], 1)[0];
  const line = ['digest', near ?? 'handover', team].filter(Boolean).join(' ');
  return new Reply(
    `There is no digest ${what}.${near ? ` Did you mean ${near}?` : ''}`,
    text('There are two: checkpoints and handover.'),
    actions(commandButton(line, line)),
  );
}

async function handover(ctx: CommandContext, typed: string | undefined): Promise<Message> {
  const { database, settings } = ctx.services;
  const teams = await listTeams(database.db);
  const mine = teams.filter((team) => decide(ctx.person, 'see', { team: team.name }) === 'yes');
  const here = mine.find((team) => team.channel !== null && team.channel === ctx.request.origin.channel);
  const member = mine.filter((team) => ctx.person?.memberships.some((m) => m.team === team.name));
  const team = typed?.toLowerCase() ?? here?.name ?? (member.length === 1 ? member[0]?.name : undefined);
  const choices = (names: readonly string[]) =>
    names.length > 0 ? [actions(...names.slice(0, 5).map((name) => commandButton(name, `digest handover ${name}`)))] : [];
  if (team === undefined)
    throw new Reply(
      mine.length === 0 ? 'There is no team of which you may see a hand-over.' : 'Of which team?',
      ...choices((member.length > 0 ? member : mine).map((one) => one.name)),
    );
  if (!mine.some((one) => one.name === team)) {
    const near = nearest(
      team,
      mine.map((one) => one.name),
    );
    throw new Reply(
      `There is no team ${team} that you belong to.${near[0] ? ` Did you mean ${near[0]}?` : ''}`,
      ...choices(near.length > 0 ? near : mine.map((one) => one.name)),
    );
  }
  return buildHandover(database.db, team, ctx.now, settings.keep);
}
