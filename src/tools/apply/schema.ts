import { z } from 'zod';
import { SecretRef } from '../../config/secrets.ts';
import { formatDuration } from '../../core/time.ts';
import { parseThreshold, type ThresholdName, type ThresholdRule, thresholds } from '../../incidents/thresholds.ts';

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not a name: lower-case letters, digits and hyphens')
  .meta({ expected: 'lower-case letters, digits and hyphens', example: 'etl-orders' });
const slackId = (letters: string, what: string, example: string) =>
  z
    .string()
    .regex(new RegExp(`^[${letters}][A-Z0-9]+$`), `is not ${what}`)
    .meta({ expected: what, example });
/** One of a list that is stored a line each. */
const word = z.string().regex(/^[^\r\n]+$/, 'is empty or has a line break');
const channel = slackId('CGD', 'a Slack channel id', 'C024BE91L');

const distributionName = z
  .string()
  .regex(/^[a-z0-9][\w.-]{0,62}$/, 'is not a name')
  .meta({ expected: 'letters, digits, dots and hyphens', example: 'flink-1.20.5' });

/** A value as it is typed, one that the threshold can take. */
const thresholdValue = (threshold: ThresholdName) => {
  const { unit, least, most, standard, off }: ThresholdRule = thresholds[threshold];
  const atLeast = unit === undefined && least > 0 ? ` of at least ${formatDuration(least)}` : '';
  const expected =
    unit === 'times'
      ? 'a number above 1'
      : unit === 'count'
        ? `a whole number from ${least} to ${most}`
        : `a duration${atLeast}: a number with ms, s, min, h or d`;
  return z
    .union([z.string(), z.number()])
    .transform(String)
    .refine((value) => parseThreshold(threshold, value) !== undefined, 'is no value that can be used')
    .meta({ expected: `${expected}${off ? ', or off' : ''}`, example: unit ? String(standard) : formatDuration(standard) });
};

const Team = z.strictObject({
  kind: z.literal('team'),
  name,
  channel: channel.optional(),
  alertChannel: channel.optional(),
  onCall: slackId('S', 'the id of a Slack user group', 'S024BE7LG').optional(),
  escalateTo: slackId('S', 'the id of a Slack user group', 'S024BE7LH').optional(),
  thresholds: z
    .strictObject(
      Object.fromEntries(Object.keys(thresholds).map((key) => [key, thresholdValue(key as ThresholdName).optional()])) as {
        [K in ThresholdName]: z.ZodOptional<ReturnType<typeof thresholdValue>>;
      },
    )
    .transform((given) => Object.fromEntries(Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))))
    .optional()
    .meta({ expected: `${Object.keys(thresholds).join(', ')}: a value each`, example: '{ recoverable-within: 15 min }' }),
});
const PersonFile = z.strictObject({
  kind: z.literal('person'),
  name: z.string().min(1).meta({ expected: 'a name', example: 'Ada' }),
  slackTeamId: slackId('TE', 'a Slack workspace id', 'T024BE7LD'),
  slackUserId: slackId('UW', 'a Slack user id', 'U024BE7LH'),
  admin: z.boolean().optional(),
  active: z.boolean().optional(),
  roles: z
    .array(
      z.strictObject({
        team: name,
        role: z
          .enum(['viewer', 'engineer', 'on-call', 'lead'])
          .meta({ expected: 'viewer, engineer, on-call or lead', example: 'engineer' }),
      }),
    )
    .prefault([]),
});
/** Which ResourceManagers there are beside `url`, and which of their applications are looked at. */
const Yarn = z.strictObject({
  otherUrls: z
    .array(z.url({ protocol: /^https?$/ }))
    .meta({ expected: 'the addresses of the other ResourceManagers', example: '[http://rm2:8088]' })
    .optional(),
  proxyUrl: z.url({ protocol: /^https?$/ }).optional(),
  users: z.array(word).optional(),
  queues: z.array(word).optional(),
  applications: z.array(word).meta({ expected: 'names of applications, * stands for any text', example: "['etl-*']" }).optional(),
});
const ClusterFile = z.strictObject({
  kind: z.literal('cluster'),
  name,
  type: z.enum(['standalone', 'yarn']).meta({ expected: 'standalone or yarn', example: 'standalone' }),
  url: z
    .url({ protocol: /^https?$/, error: 'is not an address that begins with http:// or https://' })
    .meta({ expected: 'the REST address of the JobManager, or of the ResourceManager', example: 'http://jobmanager:8081' }),
  webUrl: z.url({ protocol: /^https?$/ }).optional(),
  distribution: distributionName.optional(),
  team: name.optional(),
  alertChannel: channel.optional(),
  /** True when its file: paths can be read from where Sluice runs. */
  pathsReadable: z.boolean().optional(),
  checkpointDir: z.string().optional(),
  /** True: only ever read; its jobs appear by themselves, for the team. */
  observe: z.boolean().optional(),
  yarn: Yarn.optional(),
});
const DistributionFile = z.strictObject({
  kind: z.literal('distribution'),
  name: distributionName,
  version: z
    .string()
    .regex(/^\d+\.\d+(\.\d+)?$/, 'is not a Flink version')
    .meta({ expected: 'a Flink version', example: '1.20.5' }),
  home: z.string().startsWith('/', 'is not an absolute folder'),
  default: z.boolean().optional(),
});
const ProjectFile = z.strictObject({
  kind: z.literal('project'),
  name,
  team: name,
  url: z.string().min(1).meta({ expected: 'a git address without login data', example: 'https://git.example.com/data/etl.git' }),
  branch: z.string().optional(),
  module: z.string().optional(),
  buildArgs: z.array(z.string()).prefault([]),
  artifact: z.string().optional(),
  credential: z
    .union([
      z.strictObject({ type: z.literal('none') }),
      z.strictObject({ type: z.literal('password'), username: z.string().min(1), secret: SecretRef }),
      z.strictObject({ type: z.literal('token'), secret: SecretRef }),
      z.strictObject({
        type: z.literal('ssh-key'),
        keyFile: z.string().startsWith('/'),
        knownHostsFile: z.string().startsWith('/').optional(),
      }),
    ])
    .prefault({ type: 'none' })
    .meta({
      expected: 'type: none, password (username, secret), token (secret) or ssh-key (keyFile); a secret is {env: NAME} or {file: path}',
      example: '{type: token, secret: {env: GIT_TOKEN}}',
    }),
});
const JobFile = z.strictObject({
  kind: z.literal('job'),
  name,
  team: name,
  type: z.enum(['jar']).prefault('jar'),
  mode: z.enum(['streaming', 'batch']).prefault('streaming'),
  project: name.optional(),
  /** A jar next to this file, or an absolute path. */
  jar: z.string().optional(),
  cluster: name,
  environment: z.enum(['production', 'development']).prefault('production'),
  /** The names of `/flink set` and any Flink key. */
  parameters: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .prefault({})
    .meta({ expected: 'key: value lines', example: '{parallelism: 4}' }),
});

/** One file of the folder that `npm run apply` reads. */
export const files = {
  team: Team,
  person: PersonFile,
  cluster: ClusterFile,
  distribution: DistributionFile,
  project: ProjectFile,
  job: JobFile,
} as const;
export type FileKind = keyof typeof files;
export type Parsed = { [K in FileKind]: z.output<(typeof files)[K]> };
