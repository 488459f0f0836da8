import { child, objects, strings } from './manifest.ts';
import type { Json } from './types.ts';

const topKeys = ['_metadata', 'display_information', 'features', 'oauth_config', 'settings', 'functions'];
const settingKeys = [
  'allowed_ip_address_ranges',
  'event_subscriptions',
  'interactivity',
  'org_deploy_enabled',
  'socket_mode_enabled',
  'token_rotation_enabled',
];

/**
 * Why Slack would not take this manifest, one sentence each; none when it would. Limits of slack.md 1.2, addresses by transport
 * (https://docs.slack.dev/reference/app-manifest). One thing is let through that Slack refuses: addresses that are not https.
 */
export function manifestProblems(manifest: Json, transport: 'http' | 'socket'): string[] {
  const problems: string[] = [];
  const http = transport === 'http';
  const longest = (where: string, value: unknown, max: number, required = false) => {
    if (value === undefined && !required) return;
    if (typeof value !== 'string' || (required && value === '')) problems.push(`${where} is missing`);
    else if (value.length > max) problems.push(`${where} has more than ${max} characters`);
  };
  const most = (where: string, list: readonly unknown[], max: number) => {
    if (list.length > max) problems.push(`${where} has more than ${max} entries`);
  };
  const known = (where: string, object: Json, keys: readonly string[]) => {
    for (const key of Object.keys(object)) if (!keys.includes(key)) problems.push(`${where}${key} is not known there`);
  };
  known('', manifest, topKeys);
  const display = child(manifest, 'display_information');
  longest('display_information.name', display['name'], 35, true);
  longest('display_information.description', display['description'], 140);
  longest('display_information.long_description', display['long_description'], 4000);

  const features = child(manifest, 'features');
  const commands = objects(features['slash_commands']);
  most('features.slash_commands', commands, 50);
  commands.forEach((command, i) => {
    const where = `features.slash_commands[${i}]`;
    longest(`${where}.command`, command['command'], 32, true);
    if (typeof command['command'] === 'string' && !/^\/[^\s/]+$/.test(command['command']))
      problems.push(`${where}.command must be one word that begins with a slash`);
    longest(`${where}.description`, command['description'], 2000, true);
    longest(`${where}.usage_hint`, command['usage_hint'], 1000);
    if (http) longest(`${where}.url`, command['url'], 3000, true);
  });
  const shortcuts = objects(features['shortcuts']);
  most('features.shortcuts', shortcuts, 10);
  shortcuts.forEach((shortcut, i) => {
    const where = `features.shortcuts[${i}]`;
    longest(`${where}.name`, shortcut['name'], 24, true);
    longest(`${where}.callback_id`, shortcut['callback_id'], 255, true);
    longest(`${where}.description`, shortcut['description'], 150, true);
    if (shortcut['type'] !== 'message' && shortcut['type'] !== 'global') problems.push(`${where}.type must be message or global`);
  });
  most('features.unfurl_domains', strings(features['unfurl_domains']), 5);
  most('oauth_config.scopes.bot', strings(child(child(manifest, 'oauth_config'), 'scopes')['bot']), 255);

  const settings = child(manifest, 'settings');
  known('settings.', settings, settingKeys);
  if ((settings['socket_mode_enabled'] === true) !== !http)
    problems.push(`settings.socket_mode_enabled must be ${String(!http)} when the app is reached over ${http ? 'HTTP' : 'Socket Mode'}`);
  const events = child(settings, 'event_subscriptions');
  most('settings.event_subscriptions.bot_events', strings(events['bot_events']), 100);
  if (http && strings(events['bot_events']).length > 0)
    longest('settings.event_subscriptions.request_url', events['request_url'], 3000, true);
  const interactivity = child(settings, 'interactivity');
  if (http && interactivity['is_enabled'] === true) longest('settings.interactivity.request_url', interactivity['request_url'], 3000, true);
  return problems;
}
