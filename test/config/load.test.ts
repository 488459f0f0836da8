import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { loadConfig } from '../../src/config/load.ts';
import type { ConfigProblem } from '../../src/config/problems.ts';
import { ConfigError } from '../../src/core/errors.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sluice-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const write = (text: string, name = 'sluice.yaml') => writeFileSync(join(cwd, name), text);
const load = (env: Record<string, string> = {}) => loadConfig({ env, cwd });
function refused(env: Record<string, string> = {}): { error: ConfigError; problems: ConfigProblem[] } {
  try {
    load(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return { error, problems: error.details['problems'] as ConfigProblem[] };
  }
  assert.fail('the configuration was accepted');
}
const places = (problems: ConfigProblem[]) => problems.map((p) => `${p.where} ${p.key}: ${p.problem}`);

describe('where settings come from', () => {
  test('without a file and variables everything has a default', () => {
    const config = load({ HOME: '/home/ada' });
    assert.equal(config.file, undefined);
    assert.equal(config.publicUrl, 'http://localhost:8095');
    assert.equal(config.home, '/home/ada/.local/share/sluice');
    assert.equal(config.artifacts.folder, '/home/ada/.local/share/sluice/artifacts');
    assert.equal(config.slack.transport, 'none');
    assert.equal(config.builds.timeout, 30 * 60_000);
    assert.equal(config.builds.minFreeDisk, 2 * 1024 ** 3);
    assert.equal(config.watch.jobsEvery, 1000);
  });
  test('the file, then the environment, then overrides win', () => {
    write('port: 1000\nhost: 10.0.0.1\nlogLevel: warn\nslack:\n  apiUrl: http://127.0.0.1:1/api\n  teamId: T1\n');
    const config = loadConfig({
      env: { SLUICE_PORT: '2000', SLUICE_HOST: '10.0.0.2', SLACK_API_URL: 'http://127.0.0.1:2/api/' },
      cwd,
      overrides: { port: 3000 },
    });
    assert.deepEqual([config.port, config.host, config.logLevel], [3000, '10.0.0.2', 'warn']);
    assert.equal(config.slack.apiUrl, 'http://127.0.0.1:2/api/');
    assert.equal(config.slack.teamId, 'T1');
    assert.equal(config.publicUrl, 'http://localhost:3000');
  });
  test('SLUICE_CONFIG names another file, whose relative paths start from its own folder', () => {
    mkdirSync(join(cwd, 'etc'));
    write('home: data\nartifacts: { folder: ../jars }\nstarts: { runningWithin: 90s }\n', 'etc/s.yaml');
    const config = load({ SLUICE_CONFIG: 'etc/s.yaml' });
    assert.equal(config.home, join(cwd, 'etc/data'));
    assert.equal(config.artifacts.folder, join(cwd, 'jars'));
    assert.equal(config.starts.runningWithin, 90_000);
    assert.equal(load({ SLUICE_CONFIG: 'etc/s.yaml', SLUICE_HOME: 'data' }).home, join(cwd, 'data'));
  });
  test('~ is the home of the user, and XDG_DATA_HOME is honoured', () => {
    write('home: ~/flink\n');
    assert.equal(load({ HOME: '/home/ada' }).home, '/home/ada/flink');
    write('');
    assert.equal(load({ HOME: '/home/ada', XDG_DATA_HOME: '/data' }).home, '/data/sluice');
    assert.equal(load().home, join(cwd, '.sluice'));
  });
  test('addresses come out in one form, so that paths can be joined', () => {
    write('publicUrl: https://sluice.example.com/\nslack: { apiUrl: http://127.0.0.1:9/api }\n');
    const config = load();
    assert.equal(config.publicUrl, 'https://sluice.example.com');
    assert.equal(config.slack.apiUrl, 'http://127.0.0.1:9/api/');
  });
  test('an empty file, an empty group and an empty variable count as not given', () => {
    write('slack:\nbuilds:\n  concurrent:\n');
    assert.equal(load({ SLUICE_PORT: '' }).builds.concurrent, 1);
    write('# nothing yet\n');
    assert.equal(load().port, 8095);
  });
  test('the port that Kubernetes announces for a Service named sluice is not taken for ours', () => {
    assert.equal(load({ SLUICE_PORT: 'tcp://10.1.2.3:8095', SLUICE_SERVICE_HOST: '10.1.2.3' }).port, 8095);
  });
  test('the configuration is frozen, all the way down', () => {
    const config = load() as { port: number; builds: { concurrent: number } };
    assert.throws(() => {
      config.port = 1;
    }, TypeError);
    assert.throws(() => {
      config.builds.concurrent = 1;
    }, TypeError);
  });
});

describe('Slack', () => {
  test('Socket Mode with an app token, signed HTTP without', () => {
    assert.equal(load({ SLACK_BOT_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1', SLACK_SIGNING_SECRET: 's' }).slack.transport, 'socket');
    assert.equal(load({ SLACK_BOT_TOKEN: 'xoxb-1', SLACK_SIGNING_SECRET: 's' }).slack.transport, 'http');
  });
  test('a bot token alone, and other secrets without it, are refused with what is missing', () => {
    assert.deepEqual(places(refused({ SLACK_BOT_TOKEN: 'xoxb-1' }).problems), [
      'environment SLACK_SIGNING_SECRET: is missing: set it for signed HTTP, or SLACK_APP_TOKEN for Socket Mode',
    ]);
    assert.match(places(refused({ SLACK_APP_TOKEN: 'xapp-1' }).problems).join(), /^environment SLACK_BOT_TOKEN: is missing/);
  });
  test('secrets can be handed in, and neither logs nor prints show them', () => {
    const config = loadConfig({ env: { SLACK_SIGNING_SECRET: 'hush-1' }, cwd, secrets: { slackBotToken: 'xoxb-hush' } });
    assert.equal(config.secrets.slackBotToken, 'xoxb-hush');
    assert.equal(config.secrets.slackSigningSecret, 'hush-1');
    assert.doesNotMatch(JSON.stringify(config) + inspect(config, { depth: 9 }) + JSON.stringify({ ...config }), /hush/);
  });
});

describe('what is wrong', () => {
  test('is told all at once, each with its place, what was expected and an example', () => {
    write(
      'pord: 1\nbuilds:\n  timeout: soon\n  concurrent: -1\nslack:\n  apiUrl: slack.com\nlogLevel: inf\nadmins:\n  - teamId: T1\n  - { teamId: T1, userId: ada }\n',
    );
    const { error, problems } = refused({ SLUICE_PORT: 'many', SLUICE_HOEM: '/x' });
    assert.deepEqual(places(problems), [
      'sluice.yaml:1:1 pord: is no key that Sluice knows',
      'sluice.yaml:3:12 builds.timeout: "soon" is not a duration',
      'sluice.yaml:4:15 builds.concurrent: -1 is not between 1 and 32',
      'sluice.yaml:6:11 slack.apiUrl: "slack.com" is not an address that begins with http:// or https://',
      'sluice.yaml:7:11 logLevel: "inf" cannot be used here',
      'sluice.yaml:9:5 admins[0].userId: is missing',
      'sluice.yaml:10:27 admins[1].userId: "ada" is not a Slack user id (in Slack: profile, three dots, Copy member ID)',
      'environment SLUICE_HOEM: is no variable that Sluice reads',
      'environment SLUICE_PORT: "many" cannot be used here',
    ]);
    const nearest = Object.fromEntries(problems.map((p) => [p.key, p.nearest]));
    assert.equal(nearest['pord'], 'port');
    assert.equal(nearest['logLevel'], 'info');
    assert.equal(nearest['SLUICE_HOEM'], 'SLUICE_HOME');
    assert.match(error.message, /^The configuration has 9 problems:\n/);
    assert.match(
      error.message,
      /sluice\.yaml:3:12 +builds\.timeout +"soon" is not a duration\n +expected a duration.*, for example 30 min/,
    );
    assert.match(error.message, /did you mean port\?/);
  });
  test('a variable that is near one that is set is held against the next one: it may be the one that was meant', () => {
    const { problems } = refused({ SLACK_TOKEN: 'xoxb-1', SLACK_APP_TOKEN: 'xapp-1' });
    assert.deepEqual(
      problems.filter((p) => p.key === 'SLACK_TOKEN').map((p) => [p.problem, p.nearest]),
      [['is no variable that Sluice reads', 'SLACK_BOT_TOKEN']],
    );
    assert.doesNotThrow(() => loadConfig({ env: { SLACK_UNRELATED_THING: '1', SLUICE_SERVICE_HOST: '10.0.0.1' }, cwd }));
  });
  test('YAML that does not parse, with line and column', () => {
    write('builds:\n  timeout: 1s\n timeout: 2s\n');
    assert.match(refused().problems[0]?.where ?? '', /^sluice\.yaml:[23]:\d+$/);
    write('port: 1\nport: 2\n');
    assert.match(places(refused().problems).join(), /^sluice\.yaml:2:1 \(syntax\): .*unique/);
  });
  test('a list where keys are expected', () => {
    write('- port: 1\n');
    assert.match(places(refused().problems).join(), /sluice\.yaml:1:1 \(the whole file\): a list cannot be used here/);
    write('slack: yes please\n');
    const [problem] = refused().problems;
    assert.deepEqual([problem?.where, problem?.expected], ['sluice.yaml:1:8', 'a group of keys']);
  });
  test('a file that SLUICE_CONFIG names and that is not there', () => {
    assert.deepEqual(places(refused({ SLUICE_CONFIG: 'gone.yaml' }).problems), [
      `environment SLUICE_CONFIG: there is no file ${join(cwd, 'gone.yaml')}`,
    ]);
  });
  test('a secret is never echoed, wherever it was put', () => {
    write('databaseUrl: postgresql://sluice:hunter2@db/sluice\n');
    const { error, problems } = refused({
      SLACK_BOT_TOKEN: 'hunter3',
      SLACK_SIGNING_SECRET: 'hun ter4',
      DATABASE_URL: 'hunter5',
    });
    assert.equal(problems.length, 4, error.message);
    assert.equal(problems[0]?.where, 'sluice.yaml:1:14');
    assert.doesNotMatch(error.message + JSON.stringify(error.details), /hun ?ter\d/);
  });
  test('the password of a database may come from the environment', () => {
    assert.equal(load({ DATABASE_URL: 'postgres://u:p@db/x' }).databaseUrl, 'postgres://u:p@db/x');
  });
  test('overrides that are wrong', () => {
    assert.throws(() => loadConfig({ env: {}, cwd, overrides: { port: 70_000 } }), /command line +port +70000 is not between 0 and 65535/);
  });
  test('limits of durations', () => {
    write('watch: { jobsEvery: 1ms, overviewEvery: 2 days }\ndigest: { at: every day, timeZone: Mars/Olympus }\n');
    assert.deepEqual(places(refused().problems), [
      'sluice.yaml:1:21 watch.jobsEvery: "1ms" is less than 200 ms',
      'sluice.yaml:1:41 watch.overviewEvery: "2 days" is not a duration',
      'sluice.yaml:2:15 digest.at: "every day" is not a cron expression of five fields: minute, hour, day of month, month, day of week',
      'sluice.yaml:2:36 digest.timeZone: "Mars/Olympus" is not a time zone',
    ]);
  });
});
