import { shortcuts } from './shortcuts.ts';

/** Bot scopes and the Web API methods or events that need each; a test holds it against the calls in this room. */
export const scopes: Record<string, string[]> = {
  commands: ['slash commands'],
  'app_mentions:read': ['app_mention'],
  'chat:write': ['chat.postMessage', 'chat.update', 'chat.postEphemeral'],
  // Posts to public channels without an invitation.
  'chat:write.public': ['chat.postMessage'],
  // The history scopes let a post whose answer was lost be found again, instead of posted twice.
  'channels:history': ['conversations.history', 'conversations.replies'],
  'groups:history': ['conversations.history', 'conversations.replies'],
  // Being told that the app was invited to a channel again, or that a channel is archived no more.
  'channels:read': ['member_joined_channel', 'channel_unarchive'],
  'groups:read': ['member_joined_channel', 'group_unarchive'],
  'im:history': ['conversations.history', 'conversations.replies'],
  'im:write': ['conversations.open'],
  'users:read': ['users.info'],
  'usergroups:read': ['usergroups.users.list', 'subteam_members_changed'],
};
/** Methods that need no scope. */
export const unscopedMethods = ['auth.test', 'views.open', 'views.publish', 'views.update', 'chat.getPermalink'];
/** Events that the listeners handle. */
export const botEvents = [
  'app_home_opened',
  'app_mention',
  'app_uninstalled',
  'channel_unarchive',
  'group_unarchive',
  'member_joined_channel',
  'subteam_members_changed',
  'tokens_revoked',
];

export interface ManifestOptions {
  transport: 'http' | 'socket';
  /** Where Slack reaches Sluice, for example `https://sluice.example.com`; needed for HTTP only. */
  publicUrl?: string | undefined;
  /** The command table, for the usage hint. */
  commands: { name: string; summary: string }[];
  /** `/flink` by default. */
  commandName?: string | undefined;
}

/** Slack's app manifest for one transport: same scopes and events, addresses for HTTP only. */
export function buildManifest(options: ManifestOptions): Record<string, unknown> {
  const { transport, commands, commandName = '/flink' } = options;
  const http = transport === 'http';
  if (http && options.publicUrl === undefined) throw new TypeError('a manifest for HTTP needs the public address');
  const address = http ? `${options.publicUrl?.replace(/\/+$/, '')}/slack/events` : undefined;
  return {
    _metadata: { major_version: 1, minor_version: 1 },
    display_information: { name: 'Sluice', description: 'Build, start, stop and restore Flink jobs', background_color: '#1d3a4a' },
    features: {
      app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: true },
      shortcuts,
      bot_user: { display_name: 'sluice', always_online: true },
      slash_commands: [
        {
          command: commandName,
          ...(address ? { url: address } : {}),
          description: 'Operate Flink jobs',
          usage_hint: usageHint(commands),
          should_escape: true,
        },
      ],
    },
    oauth_config: { scopes: { bot: Object.keys(scopes) } },
    settings: {
      event_subscriptions: { ...(address ? { request_url: address } : {}), bot_events: botEvents },
      // Without the second address an external select asks nobody and shows "No results".
      interactivity: { is_enabled: true, ...(address ? { request_url: address, message_menu_options_url: address } : {}) },
      org_deploy_enabled: false,
      socket_mode_enabled: !http,
      token_rotation_enabled: false,
    },
  };
}
/** Slack shows it greyed behind the command; 1,000 characters at most, a line in practice. */
function usageHint(commands: { name: string }[]): string {
  const names = commands.map((c) => c.name);
  const shown = names.slice(0, 8).join('|');
  return names.length === 0 ? 'help' : `${shown}${names.length > 8 ? '|…' : ''} <job>`;
}
