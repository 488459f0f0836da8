import { isObject, type Json } from './types.ts';

export interface SlashCommand {
  command: string;
  description: string;
  usageHint: string;
  /** Mentions, channels and URLs in the text arrive in Slack's angle brackets. */
  shouldEscape: boolean;
  /** Where the manifest wants it sent, over HTTP. */
  url?: string;
}
/** What an app manifest says the app may do and is told. */
export interface AppSetup {
  name: string;
  commands: SlashCommand[];
  shortcuts: { type: string; name: string; callbackId: string; description: string }[];
  events: ReadonlySet<string>;
  scopes: ReadonlySet<string>;
  interactivity: boolean;
  homeTab: boolean;
  /** Addresses of the manifest, over HTTP; none without a manifest, when everything goes to one address. */
  urls?: { events?: string; interactivity?: string; options?: string };
}

const defaultScopes = [
  'app_mentions:read',
  'channels:history',
  'channels:read',
  'chat:write',
  'chat:write.public',
  'commands',
  'groups:history',
  'groups:read',
  'im:history',
  'im:read',
  'im:write',
  'reactions:write',
  'usergroups:read',
  'users:read',
];

/**
 * Reads a Slack app manifest (slack.md 1.5; features, oauth_config, settings). Without one the app has the command `/flink`,
 * the events app_mention and app_home_opened, and the scopes that such an app needs.
 */
export function readManifest(manifest: object | undefined): AppSetup {
  if (manifest === undefined) {
    return {
      name: 'Sluice',
      commands: [{ command: '/flink', description: 'Operate Flink jobs', usageHint: '<verb> <job>', shouldEscape: true }],
      shortcuts: [],
      events: new Set(['app_mention', 'app_home_opened']),
      scopes: new Set(defaultScopes),
      interactivity: true,
      homeTab: true,
    };
  }
  const features = child(manifest as Json, 'features');
  const settings = child(manifest as Json, 'settings');
  return {
    name: text(child(manifest as Json, 'display_information')['name']) || 'Sluice',
    commands: objects(features['slash_commands']).map((c) => ({
      command: text(c['command']),
      description: text(c['description']),
      usageHint: text(c['usage_hint']),
      // Slack's default is false: the text arrives as it was typed
      shouldEscape: c['should_escape'] === true,
      ...given('url', c['url']),
    })),
    shortcuts: objects(features['shortcuts']).map((s) => ({
      type: text(s['type']),
      name: text(s['name']),
      callbackId: text(s['callback_id']),
      description: text(s['description']),
    })),
    events: new Set(strings(child(settings, 'event_subscriptions')['bot_events'])),
    scopes: new Set(strings(child(child(manifest as Json, 'oauth_config'), 'scopes')['bot'])),
    interactivity: child(settings, 'interactivity')['is_enabled'] === true,
    homeTab: child(features, 'app_home')['home_tab_enabled'] === true,
    urls: {
      ...given('events', child(settings, 'event_subscriptions')['request_url']),
      ...given('interactivity', child(settings, 'interactivity')['request_url']),
      ...given('options', child(settings, 'interactivity')['message_menu_options_url']),
    },
  };
}

/** An object inside another one; empty when it is not there. */
export function child(parent: Json, key: string): Json {
  const value = parent[key];
  return isObject(value) ? value : {};
}
/** The objects of a list; none when it is no list. */
export function objects(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
/** The strings of a list; none when it is no list. */
export function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
}
function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
function given<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  return typeof value === 'string' && value !== '' ? ({ [key]: value } as { [P in K]?: string }) : {};
}
