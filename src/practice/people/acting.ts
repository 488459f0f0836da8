import { AppError, NotFoundError, PermissionError, UserError } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import type { Channel, Json, Person, StoredMessage } from '../types.ts';

/** A person of the workspace that somebody acts as. @throws NotFoundError */
export function actor(ctx: Context, as: unknown): Person {
  const person = typeof as === 'string' ? ctx.ws.person(as) : undefined;
  if (!person || person.bot || person.deleted || person.id === 'USLACKBOT')
    throw new NotFoundError(`Nobody called ${String(as)} is in this workspace.`);
  return person;
}

/** A channel that the person can read; a person's name or id means the direct message with the app. @throws NotFoundError */
export function placeOf(ctx: Context, person: Person, key: unknown): Channel {
  const name = typeof key === 'string' ? key : '';
  if (name === 'dm' || name === ctx.ws.app.id || name === `@${ctx.ws.app.name}`) return ctx.ws.directMessage(person.id);
  const channel = ctx.ws.channel(name);
  if (!channel || !ctx.ws.sees(person.id, channel)) throw new NotFoundError(`${person.name} sees no channel called ${name || '(none)'}.`);
  return channel;
}

/** A message that the person can see. @throws NotFoundError */
export function messageOf(ctx: Context, person: Person, channel: Channel, ts: unknown): StoredMessage {
  const message = typeof ts === 'string' ? ctx.ws.message(channel.id, ts) : undefined;
  if (!message || (message.to && message.to !== person.id)) throw new NotFoundError(`${person.name} sees no message ${String(ts)} there.`);
  return message;
}

/** @throws PermissionError unless the person is in the channel and it is not archived */
export function mustBeIn(person: Person, channel: Channel): void {
  if (!channel.members.includes(person.id)) throw new PermissionError(`${person.name} is not in #${channel.name}.`);
  if (channel.archived) throw new UserError(`#${channel.name} is archived.`);
}

/** A required text of a request of the practice API. @throws UserError */
export function textField(body: Json, key: string): string {
  const value = body[key];
  if (typeof value !== 'string' || value === '') throw new UserError(`The field ${key} is missing.`);
  return value;
}

/** Fields that every interaction payload has. */
export function payloadBase(ctx: Context, person: Person): Json {
  return {
    team: { id: ctx.ws.state.team.id, domain: ctx.ws.state.team.domain },
    enterprise: null,
    is_enterprise_install: false,
    user: { id: person.id, username: person.name, name: person.name, team_id: person.otherTeamId ?? ctx.ws.state.team.id },
    api_app_id: ctx.ws.app.bot.appId,
    token: 'practice',
  };
}
export function channelName(channel: Channel): string {
  return channel.im === undefined ? channel.name : 'directmessage';
}

/** HTTP status of an error of the practice API. */
export function errorStatus(error: unknown): number {
  if (!(error instanceof AppError)) return 500;
  return { not_found: 404, not_permitted: 403, conflict: 409 }[error.code as string] ?? 400;
}
