import type { Json, Person, StoredMessage, StoredView } from './types.ts';
import type { Workspace } from './workspace.ts';

/** A message as the Web API and payloads show it (conversations.history, `message` of block_actions). */
export function wireMessage(ws: Workspace, message: StoredMessage, options: { metadata?: boolean } = {}): Json {
  const author = ws.person(message.user);
  const replies = message.threadTs === undefined ? ws.messages(message.channel).filter((m) => m.threadTs === message.ts && !m.to) : [];
  return {
    type: 'message',
    ...(message.tombstone ? { subtype: 'tombstone' } : {}),
    user: message.user,
    ...(author?.bot ? { bot_id: author.bot.botId, app_id: author.bot.appId } : {}),
    team: ws.state.team.id,
    ts: message.ts,
    text: message.text,
    ...(message.blocks && message.blocks.length > 0 ? { blocks: message.blocks } : {}),
    ...(message.attachments && message.attachments.length > 0 ? { attachments: message.attachments } : {}),
    ...(message.editedTs ? { edited: { user: message.user, ts: message.editedTs } } : {}),
    ...(message.threadTs ? { thread_ts: message.threadTs, parent_user_id: ws.message(message.channel, message.threadTs)?.user } : {}),
    ...(message.broadcast ? { subtype: 'thread_broadcast' } : {}),
    ...(replies.length > 0
      ? {
          thread_ts: message.ts,
          reply_count: replies.length,
          reply_users_count: new Set(replies.map((r) => r.user)).size,
          reply_users: [...new Set(replies.map((r) => r.user))],
          latest_reply: replies.at(-1)?.ts,
        }
      : {}),
    ...(message.reactions.length > 0 ? { reactions: message.reactions.map((r) => ({ ...r, count: r.users.length })) } : {}),
    ...(options.metadata && message.metadata ? { metadata: message.metadata } : {}),
  };
}

/** A view as views.open answers and interactions carry it. */
export function wireView(ws: Workspace, stored: StoredView): Json {
  return {
    id: stored.id,
    team_id: ws.state.team.id,
    type: stored.type,
    private_metadata: '',
    callback_id: '',
    external_id: '',
    clear_on_close: false,
    notify_on_close: false,
    close: null,
    submit: null,
    ...stored.view,
    state: { values: stored.values },
    hash: stored.hash,
    previous_view_id: stored.previousId ?? null,
    root_view_id: stored.rootId,
    app_id: ws.app.bot.appId,
    app_installed_team_id: ws.state.team.id,
    bot_id: ws.app.bot.botId,
  };
}

/** A person as users.info shows them. */
export function wirePerson(ws: Workspace, person: Person): Json {
  return {
    id: person.id,
    team_id: person.otherTeamId ?? ws.state.team.id,
    name: person.name,
    deleted: person.deleted === true,
    real_name: person.realName,
    tz: 'Etc/UTC',
    tz_label: 'Coordinated Universal Time',
    tz_offset: 0,
    profile: {
      title: person.title ?? '',
      real_name: person.realName,
      real_name_normalized: person.realName,
      display_name: person.name,
      display_name_normalized: person.name,
      team: person.otherTeamId ?? ws.state.team.id,
      ...(person.bot ? { bot_id: person.bot.botId, api_app_id: person.bot.appId } : {}),
    },
    is_admin: false,
    is_owner: false,
    is_primary_owner: false,
    is_restricted: person.guest === true,
    is_ultra_restricted: false,
    is_stranger: person.otherTeamId !== undefined,
    is_bot: person.bot !== undefined,
    is_app_user: false,
    updated: 1_700_000_000,
  };
}
