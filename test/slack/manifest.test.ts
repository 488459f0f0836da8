import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { botEvents, buildManifest, scopes, unscopedMethods } from '../../src/slack/manifest.ts';

interface Manifest {
  features: { slash_commands: { command: string; url?: string; usage_hint: string; should_escape: boolean }[] };
  oauth_config: { scopes: { bot: string[] } };
  settings: {
    event_subscriptions: { request_url?: string; bot_events: string[] };
    interactivity: { request_url?: string; message_menu_options_url?: string };
    socket_mode_enabled: boolean;
  };
}
const commands = [
  { name: 'start', summary: 'Start a job' },
  { name: 'stop', summary: 'Stop a job' },
];
const http = buildManifest({ transport: 'http', publicUrl: 'https://sluice.example/', commands }) as unknown as Manifest;
const socket = buildManifest({ transport: 'socket', commands, commandName: '/jobs' }) as unknown as Manifest;

test('HTTP has one address everywhere, Socket Mode none', () => {
  assert.equal(http.features.slash_commands[0]?.url, 'https://sluice.example/slack/events');
  assert.equal(http.settings.interactivity.request_url, 'https://sluice.example/slack/events');
  assert.equal(http.settings.interactivity.message_menu_options_url, 'https://sluice.example/slack/events');
  assert.equal(http.settings.event_subscriptions.request_url, 'https://sluice.example/slack/events');
  assert.equal(http.settings.socket_mode_enabled, false);
  assert.ok(!/https?:/.test(JSON.stringify(socket)));
  assert.equal(socket.settings.socket_mode_enabled, true);
  assert.throws(() => buildManifest({ transport: 'http', commands }), /public address/);
});

test('the command is escaped by Slack and shows how it is used', () => {
  assert.deepEqual(
    [http.features.slash_commands[0], socket.features.slash_commands[0]].map((c) => [c?.command, c?.usage_hint, c?.should_escape]),
    [
      ['/flink', 'start|stop <job>', true],
      ['/jobs', 'start|stop <job>', true],
    ],
  );
});

test('every Web API method called here has its scope, and every scope a reason', () => {
  const folder = new URL('../../src/slack/', import.meta.url);
  const code = readdirSync(folder)
    .map((f) => readFileSync(new URL(f, folder), 'utf8'))
    .join('\n');
  const called = new Set([...code.matchAll(/\b(?:web|quick)\.((?:[a-z]+\.)+[a-zA-Z]+)\(/g)].map((m) => m[1] ?? ''));
  assert.ok(called.size >= 10, [...called].join(' '));
  const covered = new Set([...Object.values(scopes).flat(), ...unscopedMethods]);
  assert.deepEqual(
    [...called].filter((m) => !covered.has(m)),
    [],
  );
  const events = new Set([...code.matchAll(/app\.event\('([a-z_]+)'/g)].map((m) => m[1] ?? ''));
  assert.deepEqual([...events].sort(), [...botEvents].sort());
  const used = new Set([...called, ...events, 'slash commands']);
  for (const [scope, reasons] of Object.entries(scopes))
    assert.ok(
      reasons.some((r) => used.has(r)),
      scope,
    );
  assert.deepEqual(http.oauth_config.scopes.bot, Object.keys(scopes));
  assert.deepEqual(socket.oauth_config.scopes.bot, Object.keys(scopes));
});
