import { readFile } from 'node:fs/promises';
import bolt from '@slack/bolt';

/** What the empty app is told, in a file whose path is its argument. */
export interface EmptyBoltOrder {
  port: number;
  slackApiUrl: string;
  botToken: string;
  signingSecret: string;
}

// The smallest Bolt app, as its documentation begins: one command that is acknowledged. `npm run bench -- ack` compares with it.
const order = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as EmptyBoltOrder;
const app = new bolt.App({
  token: order.botToken,
  receiver: new bolt.HTTPReceiver({ signingSecret: order.signingSecret, logLevel: bolt.LogLevel.ERROR }),
  clientOptions: { slackApiUrl: order.slackApiUrl },
  logLevel: bolt.LogLevel.ERROR,
});
app.command('/flink', async ({ ack }) => ack());
await app.start({ port: order.port, host: '127.0.0.1' });
