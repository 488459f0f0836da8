import { createHmac } from 'node:crypto';

/** Slack's request signature: `v0=` and the HMAC-SHA256 of `v0:{timestamp}:{raw body}` (slack.md 1.3). */
export function slackSignature(signingSecret: string, timestampS: number, body: string): string {
  return `v0=${createHmac('sha256', signingSecret).update(`v0:${timestampS}:${body}`).digest('hex')}`;
}

/** The headers of a signed request. Signed with real time, since the app compares with its own clock. */
export function signedHeaders(signingSecret: string, body: string, contentType: string): Record<string, string> {
  const timestampS = Math.floor(Date.now() / 1000);
  return {
    'content-type': contentType,
    'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
    'x-slack-request-timestamp': String(timestampS),
    'x-slack-signature': slackSignature(signingSecret, timestampS, body),
  };
}
