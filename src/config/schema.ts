import { z } from 'zod';
import { Channels } from './channels.ts';
import { duration, httpUrl, size, textField, whole } from './fields.ts';
import { SecretRef } from './secrets.ts';

const second = 1000;
const minute = 60 * second;

const TeamId = textField({ expected: 'a Slack workspace id', example: 'T024BE7LD' }, (v) => /^[TE][A-Z0-9]+$/.test(v));
const UserId = textField({ expected: 'a Slack user id (in Slack: profile, three dots, Copy member ID)', example: 'U024BE7LH' }, (v) =>
  /^[UW][A-Z0-9]+$/.test(v),
);
const ChannelId = textField(
  { expected: 'a Slack channel id (in Slack: channel name, at the bottom of About)', example: 'C024BE91L' },
  (v) => /^[CG][A-Z0-9]+$/.test(v),
);
const folder = (example: string) => textField({ expected: 'a folder', example });

const Slack = z.strictObject({
  apiUrl: httpUrl('https://slack.com/api/', 'slash')
    .prefault('https://slack.com/api/')
    .describe('Base address of the Slack Web API. Every call follows it, Socket Mode too; another one is for proxies and practice.'),
  teamId: TeamId.optional().describe('The Slack workspace that Sluice serves. Without it, the workspace that the bot token belongs to.'),
  defaultChannel: ChannelId.optional().describe('Where messages about a job go that has no channel of its own.'),
  alertChannel: ChannelId.optional().describe(
    'Where incidents are posted for jobs that name no alert channel. Without it, the default channel.',
  ),
});

const Admin = z.strictObject({
  teamId: TeamId.describe('The Slack workspace of the person.'),
  userId: UserId.describe('The Slack user id of the person; never a name or an e-mail address.'),
  name: textField({ expected: 'a name', example: 'Ada' }).optional().describe('How the person is called on the page.'),
});

const Git = z.strictObject({
  plainHttpHosts: z
    .array(textField({ expected: 'a host, with a port if it has one', example: 'git.internal:3000' }, (v) => !/[\s/@]/.test(v)))
    .prefault([])
    .meta({ expected: 'a list of hosts', example: '[git.internal:3000]' })
    .describe('Hosts that git may be spoken to over plain `http://`. Everywhere else Sluice refuses to send a password unencrypted.'),
});

const Builds = z.strictObject({
  timeout: duration('30 min', { minMs: second }).prefault('30 min').describe('A build that takes longer is ended and fails.'),
  noOutputTimeout: duration('10 min', { minMs: second })
    .prefault('10 min')
    .describe('A build that prints nothing for so long is ended and fails.'),
  concurrent: whole(1, { min: 1, max: 32 }).prefault(1).describe('How many builds run at once; the others are queued.'),
  minFreeDisk: size('2 GB').prefault('2 GB').describe('A build is refused while the data directory has less free space than this.'),
  mavenCommand: textField({ expected: 'a program', example: '/opt/maven/bin/mvn' })
    .prefault('mvn')
    .describe("The Maven that compiles projects without a Maven wrapper of their own: a name on the PATH or a program's path."),
});

const Artifacts = z.strictObject({
  store: z
    .enum(['folder', 'database'])
    .prefault('folder')
    .meta({ expected: '`folder` or `database`', example: 'database' })
    .describe('Where jars are kept. With several replicas: a folder that all of them share, or the database.'),
  folder: folder('/mnt/shared/sluice-artifacts')
    .optional()
    .describe('The folder of the store `folder`. Without it, `artifacts` in the data directory.'),
});

const Approvals = z.strictObject({
  expireAfter: duration('60 min', { minMs: minute })
    .prefault('60 min')
    .describe('A plan that nobody approved or rejected for so long expires.'),
});

const Incidents = z.strictObject({
  restartingFor: duration('30s', { minMs: 0, maxMs: 60 * minute })
    .prefault('30s')
    .describe('A job that Flink restarts is an incident only when it lasts so long: most restarts mend themselves.'),
  recoverableWithin: duration('30 min', { minMs: minute })
    .prefault('30 min')
    .describe(
      'How far a crash may set a job back: when its last complete checkpoint is older, that is an incident. A job may ask for less or more (`recoverable-within`); what is not asked for is never under three of its checkpoint intervals.',
    ),
  noDataFor: duration('10 min', { minMs: 0 })
    .prefault('10 min')
    .describe(
      'When records that came all the time stop for so long although the job runs, that is an incident; 0 turns it off. A job may ask for less or more (`no-data-after`). A job that never had data, or has them in bursts, is no incident.',
    ),
  watermarkFor: duration('10 min', { minMs: 0 })
    .prefault('10 min')
    .describe(
      'The same for a watermark that moved all the time and then stands still although records come (`watermark-after`); 0 turns it off.',
    ),
  backpressureFor: duration('15 min', { minMs: 0 })
    .prefault('15 min')
    .describe(
      'When a part of a job waits for what comes behind it for more than half of the time, for so long without a pause, that is an incident (`backpressure-after`); 0 turns it off.',
    ),
  channels: z
    .array(textField({ expected: 'the name of a channel', example: 'oncall-mail' }))
    .prefault([])
    .meta({ expected: 'a list of names under `channels`', example: '[oncall-mail]' })
    .describe('Channels beside Slack that hear of every incident, by their names under `channels`.'),
  whenSlackIsDown: z
    .array(textField({ expected: 'the name of a channel', example: 'oncall-mail' }))
    .prefault([])
    .meta({ expected: 'a list of names under `channels`', example: '[oncall-mail]' })
    .describe('Channels that hear of an incident when Slack has not taken its message for 5 minutes.'),
  callAfter: duration('30 min', { minMs: minute })
    .prefault('30 min')
    .describe('When nobody acknowledges a critical incident for so long, who is on call is mentioned again.'),
  escalateAfter: duration('1 h', { minMs: minute })
    .prefault('1 h')
    .describe('When nobody acknowledges a critical incident for so long, the `escalateTo` of its team is mentioned as well.'),
  callEvery: duration('4 h', { minMs: minute })
    .prefault('4 h')
    .describe('And then again every so often, for any incident that nobody looks after.'),
  keepFor: duration('365 d', { minMs: 24 * 60 * minute, maxMs: 3660 * 24 * 60 * minute })
    .prefault('365 d')
    .describe(
      'For how long an incident and its timeline are kept once it is over. The audit and the history of operations are kept for good.',
    ),
});

const DeadMan = z.strictObject({
  url: SecretRef.meta({
    expected: 'the place of an address: `{ env: NAME }` or `{ file: /path }`',
    example: '{ env: DEAD_MAN_URL }',
    secret: true,
  }).describe('Where the address is kept that is called while all is well; whoever has it could keep the alarm quiet.'),
  every: duration('60s', { minMs: 10 * second, maxMs: 60 * minute })
    .prefault('60s')
    .describe('How often it is called. The one outside pages when it was not called for a few times as long.'),
  grace: duration('10 min', { minMs: minute, maxMs: 24 * 60 * minute })
    .prefault('10 min')
    .describe('It is not called while a message has waited to be sent, or no cluster has answered, for longer than this.'),
});

const Watch = z.strictObject({
  jobsEvery: duration('1s', { minMs: 200, maxMs: 60 * minute })
    .prefault('1s')
    .describe('How often each cluster is asked which jobs it has and in which state; less often while it answers slowly.'),
  overviewEvery: duration('10s', { minMs: second, maxMs: 60 * minute })
    .prefault('10s')
    .describe('How often each cluster is asked how many tasks of each job run; at once when the state of one changes.'),
  checkpointsEvery: duration('60s', { minMs: second, maxMs: 60 * minute })
    .prefault('60s')
    .describe("How often a running job's checkpoints are read."),
  flowEvery: duration('60s', { minMs: 15 * second, maxMs: 60 * minute })
    .prefault('60s')
    .describe(
      'How often the data of running jobs are looked at: records, watermarks and backpressure of each vertex, one request a vertex. It takes at most a twentieth of the time; what does not fit comes first in the next round.',
    ),
  deadMan: DeadMan.optional().describe('Somebody outside who pages when Sluice itself stands still.'),
});

const Digest = z.strictObject({
  at: textField(
    { expected: 'a cron expression of five fields: minute, hour, day of month, month, day of week', example: "'0 9 * * 1-5'" },
    isCronExpression,
  )
    .prefault('0 9 * * *')
    .describe('When the checkpoint digest is brought up to date.'),
  timeZone: textField({ expected: 'a time zone', example: 'Europe/Berlin' }, isTimeZone)
    .prefault('UTC')
    .describe("The time zone of `digest.at` and of the day that a channel's digest belongs to."),
});

const Handover = z.strictObject({
  at: textField(
    { expected: 'a cron expression of five fields: minute, hour, day of month, month, day of week', example: "'0 8 * * 1-5'" },
    isCronExpression,
  )
    .prefault('0 8 * * *')
    .describe("When each team's hand-over is posted."),
  timeZone: textField({ expected: 'a time zone', example: 'Europe/Berlin' }, isTimeZone)
    .prefault('UTC')
    .describe('The time zone of `handover.at`.'),
});

const Savepoints = z.strictObject({
  keep: whole(5, { min: 1, max: 10_000 })
    .optional()
    .describe(
      'How many of the newest savepoints of a job are kept. Older ones that nothing needs are deleted a day after the hand-over told of it. Without it, and without `savepoints.keepFor`, every savepoint is kept. A job may ask for something else (`keep-savepoints`).',
    ),
  keepFor: duration('30 d', { minMs: 24 * 60 * minute, maxMs: 3660 * 24 * 60 * minute })
    .optional()
    .describe(
      'For how long savepoints are kept. With `savepoints.keep`, one goes only when both let it go. A job may ask for something else (`keep-savepoints-for`).',
    ),
});

const Starts = z.strictObject({
  runningWithin: duration('2 min', { minMs: second })
    .prefault('2 min')
    .describe('A start fails if not every vertex of the job runs after so long.'),
  firstCheckpointWithin: duration('5 min', { minMs: second })
    .prefault('5 min')
    .describe('If a started job has completed no checkpoint after so long, the message of the start says so.'),
});

const Flink = z.strictObject({
  home: folder('/opt/flink-1.20.5').optional().describe('An unpacked Flink distribution that the demo takes instead of downloading one.'),
});

/** The whole of `sluice.yaml`. Durations come out as milliseconds, sizes as bytes. docs/configuration.md is generated from it. */
export const Settings = z.strictObject({
  host: textField({ expected: 'an address of this machine', example: '0.0.0.0' }, (v) => !/[\s/]/.test(v))
    .prefault('127.0.0.1')
    .describe('The address that the one port for the page, the API and Slack listens on. `0.0.0.0` means every address of the machine.'),
  port: whole(8095, { min: 0, max: 65_535 }).prefault(8095).describe('The port for the page, the API and Slack. 0 takes any free one.'),
  publicUrl: httpUrl('https://sluice.example.com', 'no slash')
    .optional()
    .describe(
      'The address under which people reach the page; every link in a message begins with it. Without it, `http://localhost` with the port.',
    ),
  home: folder('/var/lib/sluice')
    .optional()
    .describe(
      'The data directory: embedded PostgreSQL, artifacts, build folders. Without it, `sluice` in `$XDG_DATA_HOME` or `~/.local/share`; `.sluice` where there is no home.',
    ),
  databaseUrl: textField(
    { expected: 'the address of a PostgreSQL 14 or newer', example: 'postgresql://sluice@db.internal/sluice' },
    isPostgresUrl,
  )
    .meta({ secret: true })
    .optional()
    .describe(
      'A PostgreSQL of your own; needed for more than one replica. Without it, an embedded one in the data directory. An address with a password belongs in `DATABASE_URL`.',
    ),
  minFreeDisk: size('200 MB')
    .prefault('200 MB')
    .describe(
      'While the disk of the data directory or of the artifacts has less free space than this, nothing new is started; reading goes on.',
    ),
  slack: Slack.prefault({}).describe(
    'Slack. The tokens come from the environment; Socket Mode is used when `SLACK_APP_TOKEN` is set, else signed HTTP.',
  ),
  admins: z
    .array(Admin)
    .prefault([])
    .meta({ expected: 'a list of people', example: '[{ teamId: T024BE7LD, userId: U024BE7LH }]' })
    .describe('People who are always admins, so that the first one can let others in.'),
  git: Git.prefault({}).describe('How repositories are reached. Their addresses and credentials belong to the projects.'),
  builds: Builds.prefault({}).describe('What builds may use. An artifact is the jar that a build or an upload leaves.'),
  artifacts: Artifacts.prefault({}).describe('Where artifacts are kept.'),
  approvals: Approvals.prefault({}).describe('Plans that wait for a second person.'),
  incidents: Incidents.prefault({}).describe('When people are called.'),
  watch: Watch.prefault({}).describe('How closely clusters are watched.'),
  digest: Digest.prefault({}).describe('The daily checkpoint digest.'),
  handover: Handover.prefault({}).describe(
    'The hand-over of each team: what is broken, muted, not restorable, what waits for a person, what was changed.',
  ),
  savepoints: Savepoints.prefault({}).describe('Which savepoints are kept.'),
  starts: Starts.prefault({}).describe('What a start waits for.'),
  flink: Flink.prefault({}).describe('Flink on this machine.'),
  channels: Channels.prefault({}),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error'])
    .prefault('info')
    .meta({ expected: '`debug`, `info`, `warn` or `error`', example: 'debug' })
    .describe('The least serious kind of line that is logged.'),
});
export type Settings = z.output<typeof Settings>;
/** Settings as they are typed: durations and sizes as text, everything optional. */
export type SettingsInput = z.input<typeof Settings>;

function isCronExpression(value: string): boolean {
  const fields = value.trim().split(/\s+/);
  return fields.length === 5 && fields.every((field) => /^[\d*/,\-a-z]+$/i.test(field));
}
function isTimeZone(value: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
function isPostgresUrl(value: string): boolean {
  return /^postgres(ql)?:\/\//.test(value) && URL.canParse(value);
}
