import { randomUUID } from 'node:crypto';
import { validateMessage } from '../blocks/validate.ts';
import type { Context } from '../context.ts';
import type { SlashCommand } from '../manifest.ts';
import { encodeTyped } from '../typed-text.ts';
import type { Ack, Channel, Json, Person, StoredMessage } from '../types.ts';
import { contentOf } from '../web-api/content.ts';
import { channelName } from './acting.ts';
import { join } from './membership.ts';

export interface CommandResult {
  kind: 'command';
  /** Marks the messages that answer this command (`origin`). */
  id: string;
  ack: Ack;
  /** What the acknowledgement itself put on screen. */
  message: StoredMessage | undefined;
}

/** Sends a slash command to the app, or answers for Slack when it is none of the app's. */
export async function runCommand(
  ctx: Context,
  person: Person,
  channel: Channel,
  typed: string,
  threadTs: string | undefined,
): Promise<CommandResult> {
  const id = randomUUID();
  const [word = '', rest = ''] = split(typed);
  const refuse = (text: string): CommandResult => ({
    kind: 'command',
    id,
    ack: { ok: false, durationMs: 0 },
    message: ctx.ws.systemNote(person.id, channel.id, text, id, threadTs),
  });
  if (word === '/invite' || word === '/remove') return refuse(invite(ctx, channel, word, rest));
  const command = ctx.setup.commands.find((c) => c.command === word);
  if (!command) {
    return refuse(
      `\`${word}\` is not a valid command. In Slack, all messages that start with the "/" character are interpreted as commands. If you are trying to send a message and not run a command, try preceding the "/" with an empty space.`,
    );
  }
  // third-party commands cannot be used in threads (slack.md 1.3)
  if (threadTs !== undefined) return refuse(`\`${word}\` is not supported in threads. Sorry!`);
  if (!ctx.setup.scopes.has('commands')) return refuse(`\`${word}\` failed: the app lacks the scope \`commands\`.`);
  const ack = await ctx.link.command(commandForm(ctx, person, channel, command, rest, id));
  if (!ack.ok) {
    const message = ctx.ws.systemNote(person.id, channel.id, `${word} failed with the error "${ack.error ?? 'dispatch_failed'}"`, id);
    return { kind: 'command', id, ack, message };
  }
  return { kind: 'command', id, ack, message: showAck(ctx, person, channel, word, ack.body, id) };
}

function commandForm(
  ctx: Context,
  person: Person,
  channel: Channel,
  command: SlashCommand,
  text: string,
  origin: string,
): Record<string, string> {
  return {
    token: 'practice',
    team_id: ctx.ws.state.team.id,
    team_domain: ctx.ws.state.team.domain,
    channel_id: channel.id,
    channel_name: channelName(channel),
    user_id: person.id,
    user_name: person.name,
    command: command.command,
    text: command.shouldEscape ? encodeTyped(ctx.ws, text, 'command') : text,
    api_app_id: ctx.ws.app.bot.appId,
    is_enterprise_install: 'false',
    response_url: ctx.url() + ctx.tickets.newResponsePath({ kind: 'commands', user: person.id, channel: channel.id, origin }),
    trigger_id: ctx.tickets.newTrigger(person.id),
  };
}

/** The body of an acknowledgement is a message: to the person, or with `response_type: in_channel` to all. */
function showAck(
  ctx: Context,
  person: Person,
  channel: Channel,
  word: string,
  body: Json | undefined,
  origin: string,
): StoredMessage | undefined {
  if (!body || (body['text'] === undefined && body['blocks'] === undefined && body['attachments'] === undefined)) return undefined;
  const verdict = validateMessage(body['blocks'], body['attachments']);
  if (verdict.problems.length > 0 || verdict.tooLong) {
    ctx.journal.add({
      direction: 'in',
      what: 'answer in the acknowledgement',
      transport: 'http',
      request: body,
      status: 'invalid_blocks',
      answer: verdict.problems,
      durationMs: 0,
      refused: true,
    });
    return ctx.ws.systemNote(person.id, channel.id, `${word} failed with the error "invalid_command_response"`, origin);
  }
  const inChannel = body['response_type'] === 'in_channel';
  return ctx.ws.add({
    channel: channel.id,
    user: ctx.ws.app.id,
    ...contentOf(body),
    origin,
    ...(inChannel ? {} : { to: person.id }),
  });
}

function split(typed: string): [string, string] {
  const match = /^(\/\S*)\s*([\s\S]*)$/.exec(typed);
  return [match?.[1] ?? '', (match?.[2] ?? '').trimEnd()];
}

/** Slack's own `/invite @somebody` and `/remove @somebody`. */
function invite(ctx: Context, channel: Channel, word: string, text: string): string {
  const person = ctx.ws.person(text.trim());
  if (!person) return `Nobody called ${text.trim()} is here.`;
  if (word === '/invite') join(ctx, channel, person.id);
  else channel.members = channel.members.filter((m) => m !== person.id);
  ctx.changes.emit({ type: 'channels', data: {} });
  return word === '/invite' ? `${person.name} has joined the channel.` : `${person.name} was removed from the channel.`;
}
