import { z } from 'zod';
import { duration, httpUrl, textField, whole } from './fields.ts';
import { SecretRef } from './secrets.ts';

const second = 1000;

const secret = (example: string) =>
  SecretRef.meta({ expected: 'the place of a secret: `{ env: NAME }` or `{ file: /path }`', example: `{ env: ${example} }`, secret: true });
const timeout = duration('10s', { minMs: 200, maxMs: 30 * second })
  .prefault('10s')
  .describe('How long the other side may take to answer.');
const address = (example: string) => textField({ expected: 'an e-mail address', example }, isMailAddress);

const Email = z
  .strictObject({
    kind: z.literal('email'),
    host: textField({ expected: 'a host', example: 'smtp.example.com' }, (v) => /^[\w.:-]+$/.test(v)).describe('The SMTP server.'),
    port: whole(587, { min: 1, max: 65_535 }).prefault(587).describe('Its port: 587 with STARTTLS, 465 with TLS.'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .prefault('starttls')
      .describe(
        '`starttls`: the connection is encrypted before anything is said, or nothing is sent; `tls`: encrypted from the start; `none`: never encrypted, without a password only.',
      ),
    caFile: textField({ expected: 'a file', example: '/etc/ssl/company-ca.pem' })
      .optional()
      .describe('Certificates (PEM) of a certificate authority of your own.'),
    user: textField({ expected: 'a user name', example: 'sluice' }).optional().describe('Who Sluice signs in as.'),
    password: secret('SMTP_PASSWORD').optional().describe('Where the password of that user is kept.'),
    from: address('sluice@example.com').describe('The sender; its domain is also that of the Message-IDs.'),
    to: z
      .array(address('oncall@example.com'))
      .min(1)
      .max(50)
      .meta({ expected: 'a list of e-mail addresses', example: '[oncall@example.com]' })
      .describe('Who gets the mails.'),
    timeout,
  })
  .superRefine((email, ctx) => {
    if ((email.user === undefined) !== (email.password === undefined))
      ctx.addIssue({ code: 'custom', path: ['user'], message: 'and `password` are set together or not at all' });
    if (email.security === 'none' && email.password !== undefined)
      ctx.addIssue({ code: 'custom', path: ['security'], message: 'would send the password unencrypted' });
  });

/** What `{{…}}` in a webhook's template may name. */
export const placeholders = [
  'id',
  'key',
  'edition',
  'thread',
  'tone',
  'title',
  'text',
  'url',
  'fields',
  'incident',
  'incident.id',
  'incident.state',
  'incident.cause',
  'incident.job',
  'incident.cluster',
] as const;
export type Placeholder = (typeof placeholders)[number];
/** `{{ title }}`, wherever it stands in a text. */
export const placeholderPattern = /\{\{\s*([\w.]+)\s*\}\}/g;

const Webhook = z.strictObject({
  kind: z.literal('webhook'),
  url: textField({ expected: 'an address that begins with http:// or https://', example: 'https://hooks.example.com/sluice' }, isPostUrl)
    .optional()
    .describe('Where to post. An address that holds a secret belongs in `urlFrom`.'),
  urlFrom: secret('WEBHOOK_URL').optional().describe('Instead of `url`: where the address is kept.'),
  secret: secret('WEBHOOK_SECRET').optional().describe('Where the secret is kept that requests are signed with; without it they are not.'),
  authorization: secret('WEBHOOK_AUTHORIZATION')
    .optional()
    .describe('Where the whole value of the header `Authorization` is kept (`Bearer …`).'),
  template: z
    .json()
    .superRefine((template, ctx) => {
      const unknown = unknownPlaceholders(template);
      if (unknown.length > 0)
        ctx.addIssue({ code: 'custom', message: `names ${unknown.map((name) => `{{${name}}}`).join(', ')}, which there is not` });
    })
    .meta({ expected: `any JSON; its texts may hold ${placeholders.map((name) => `{{${name}}}`).join(', ')}` })
    .optional()
    .describe('What is posted. Without it, a JSON object with everything.'),
  timeout,
});

const Events = z.strictObject({
  kind: z.literal('events'),
  url: httpUrl('https://events.pagerduty.com/v2/enqueue', 'no slash')
    .prefault('https://events.pagerduty.com/v2/enqueue')
    .describe('The Events API v2 of PagerDuty (EU: `https://events.eu.pagerduty.com/v2/enqueue`), or of what speaks it.'),
  routingKey: secret('PAGERDUTY_ROUTING_KEY').describe("Where the integration's key is kept."),
  timeout,
});

const robot = {
  urlFrom: secret('ROBOT_URL').describe('Where the address is kept that the group chat shows for the robot; it holds its token.'),
  keyword: textField({ expected: 'a word', example: 'Sluice' })
    .optional()
    .describe('The keyword that the robot demands in every message, if it does.'),
  timeout,
};
/** The notes are the same for all vendors: an error cannot tell which one is meant. */
const mention = (isValid: (value: string) => boolean) =>
  z
    .array(
      textField(
        { expected: '`all`, or a user id (WeCom), a mobile number (DingTalk), an open id (Lark)', example: 'all' },
        (value) => value === 'all' || isValid(value),
      ),
    )
    .max(50)
    .prefault([])
    .meta({ expected: 'a list of people', example: '[all]' })
    .describe(
      'Who is called when something is bad (not when it is over): user ids (WeCom), mobile numbers (DingTalk), open ids (Lark), or `all`.',
    );
const signed = (example: string) => secret(example).optional().describe('Where the secret is kept, if the robot demands signed messages.');

const Wecom = z.strictObject({
  kind: z.literal('wecom'),
  ...robot,
  mention: mention((v) => /^[\w.@-]{1,64}$/.test(v)),
});
const Dingtalk = z.strictObject({
  kind: z.literal('dingtalk'),
  ...robot,
  secret: signed('DINGTALK_SECRET'),
  mention: mention((v) => /^\+?[\d-]{5,20}$/.test(v)),
});
const Lark = z.strictObject({
  kind: z.literal('lark'),
  ...robot,
  secret: signed('LARK_SECRET'),
  mention: mention((v) => /^\w{1,64}$/.test(v)),
});

const Channel = z
  .discriminatedUnion('kind', [Email, Webhook, Events, Wecom, Dingtalk, Lark], {
    error: (issue) => (issue.code === 'invalid_union' ? 'email, webhook, events, wecom, dingtalk or lark' : undefined),
  })
  .superRefine((channel, ctx) => {
    if (channel.kind === 'webhook' && (channel.url === undefined) === (channel.urlFrom === undefined))
      ctx.addIssue({ code: 'custom', path: ['url'], message: 'or `urlFrom` must be set, one of them' });
  })
  .meta({ expected: 'a group of keys with a `kind`: email, webhook, events, wecom, dingtalk or lark' });

/** The key `channels` of `sluice.yaml`: channels beside Slack, by name. docs/channels.md tells what each kind takes. */
export const Channels = z
  .record(z.string(), Channel)
  .superRefine((channels, ctx) => {
    for (const name of Object.keys(channels)) {
      if (/^[a-z][a-z0-9-]{0,38}$/.test(name)) continue;
      const message = 'has a name that cannot be used: small letters, digits and dashes, a letter first';
      ctx.addIssue({ code: 'custom', path: [name], message });
    }
  })
  .meta({ expected: 'channels by name', example: '{ pager: { kind: events, routingKey: { env: PAGERDUTY_ROUTING_KEY } } }' })
  .describe('Channels beside Slack, by name: `email`, `webhook`, `events` (PagerDuty), `wecom`, `dingtalk`, `lark`. See docs/channels.md.');
export type ChannelSettings = z.output<typeof Channel>;
export type ChannelKind = ChannelSettings['kind'];
export type SettingsOf<K extends ChannelKind> = Extract<ChannelSettings, { kind: K }>;
/** The schema of each kind, for the docs and their test. */
export const channelKinds: Readonly<Record<ChannelKind, z.ZodObject>> = {
  email: Email,
  webhook: Webhook,
  events: Events,
  wecom: Wecom,
  dingtalk: Dingtalk,
  lark: Lark,
};

function isMailAddress(value: string): boolean {
  return value.length <= 254 && /^[\w.!#$%&'*+/=?^`{|}~-]+@[a-z\d-]+(\.[a-z\d-]+)*$/i.test(value);
}

/** As it is typed: to some receivers a slash at the end matters. */
function isPostUrl(value: string): boolean {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '' && url.hash === '';
}

function unknownPlaceholders(template: unknown): string[] {
  if (typeof template === 'string') {
    const names = [...template.matchAll(placeholderPattern)].map((match) => match[1] ?? '');
    return names.filter((name) => !(placeholders as readonly string[]).includes(name));
  }
  if (typeof template !== 'object' || template === null) return [];
  return Object.values(template).flatMap(unknownPlaceholders);
}
