import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CommandReply, CommandRequest } from '../../src/commands/request.ts';
import { silentLog } from '../../src/core/log.ts';
import { message } from '../../src/core/message.ts';
import { connectPractice, type PracticeClient } from '../../src/practice/client.ts';
import type { Limits } from '../../src/practice/limits.ts';
import { createPractice, type Practice, type WorkspaceSeed } from '../../src/practice/server.ts';
import { createSlack, type Slack, type SlackOptions, type SlackState } from '../../src/slack/app.ts';
import { buildManifest } from '../../src/slack/manifest.ts';

export const tokens = { botToken: 'xoxb-practice', signingSecret: 'practice-secret', appToken: 'xapp-practice' };

export interface PracticeRig {
  practice: Practice;
  people: PracticeClient;
  slack: Slack;
  asked: CommandRequest[];
  /** Answers the commands; "Did <line>" unless told otherwise. */
  handle: (request: CommandRequest) => Promise<CommandReply>;
  /** Resolves when the adapter's state is as wanted. */
  until(wanted: (state: SlackState) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Slack's adapter, without what is behind it, installed in a practice workspace by its own manifest. */
export async function startPracticeRig(
  transport: 'http' | 'socket',
  options: Partial<SlackOptions> = {},
  workspace: { limits?: Partial<Limits>; seed?: WorkspaceSeed } = {},
): Promise<PracticeRig> {
  const manifest = buildManifest({ transport, publicUrl: 'http://127.0.0.1', commands: [{ name: 'status', summary: 'State' }] });
  const practice = await createPractice({
    port: 0,
    ...tokens,
    transport,
    manifest,
    limits: workspace.limits ?? 'off',
    ...(workspace.seed ? { workspace: workspace.seed } : {}),
  });
  const watchers = new Set<() => void>();
  const slack = createSlack({
    botToken: tokens.botToken,
    ...(transport === 'http' ? { signingSecret: tokens.signingSecret } : { appToken: tokens.appToken }),
    apiUrl: practice.apiUrl,
    log: silentLog,
    handle: (request) => {
      rig.asked.push(request);
      return rig.handle(request);
    },
    ...options,
    onState: () => {
      for (const watcher of watchers) watcher();
    },
  });
  const server = createServer((request, response) => void slack.route?.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  practice.setRequestUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
  const people = connectPractice(practice.url);
  const rig: PracticeRig = {
    practice,
    people,
    slack,
    asked: [],
    handle: async (request) => ({ message: message('good', `Did ${request.line}`) }),
    until: (wanted) =>
      new Promise<void>((resolve) => {
        const watcher = () => {
          if (!wanted(slack.state())) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
        watcher();
      }),
    close: async () => {
      people.close();
      await slack.stop();
      await practice.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await slack.start();
  return rig;
}
