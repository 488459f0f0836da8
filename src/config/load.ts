import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { type Environment, readEnvironment, type Secrets } from './environment.ts';
import { type ConfigProblem, type Locate, problemsError, problemsOf } from './problems.ts';
import { Settings, type SettingsInput } from './schema.ts';
import { parseYaml } from './yaml.ts';

/** What Sluice runs with, frozen. Durations are milliseconds, sizes bytes, paths absolute. */
export interface Config extends Omit<Settings, 'publicUrl' | 'home' | 'artifacts' | 'slack'> {
  /** Without a trailing slash. */
  publicUrl: string;
  home: string;
  artifacts: { store: 'folder' | 'database'; folder: string };
  slack: Settings['slack'] & { transport: SlackTransport };
  secrets: Secrets;
  /** The configuration file that was read. */
  file: string | undefined;
}
/** `none`: no bot token, the page and the API alone. */
export type SlackTransport = 'socket' | 'http' | 'none';

export interface LoadOptions {
  /** The environment of the process by default. */
  env?: Environment;
  /** Where relative paths of the environment and `sluice.yaml` are looked for; the working directory by default. */
  cwd?: string;
  /** Settings that win over the file and the environment (options of the command line, the demo, tests). */
  overrides?: SettingsInput;
  /** Secrets that win over the environment. */
  secrets?: Secrets;
}

/**
 * Reads the configuration: overrides, then environment, then file, then defaults.
 * @throws ConfigError that names every problem at once, each with its variable or its key, file, line and column; never a secret.
 */
export function loadConfig(options: LoadOptions = {}): Config {
  const env = options.env ?? process.env;
  const cwd = options.cwd ?? process.cwd();
  const problems: ConfigProblem[] = [];
  const file = findFile(env, cwd, problems);
  const fromFile = file === undefined ? { typed: {} } : readFile(file, cwd, problems);
  const fromEnv = readEnvironment(env);
  problems.push(...fromEnv.problems);
  const overrides = options.overrides ?? {};
  const checked = Settings.safeParse(overrides);
  if (!checked.success) problems.push(...problemsOf(checked.error, Settings, overrides, () => 'command line'));
  const secrets: Secrets = { ...fromEnv.secrets, ...options.secrets };
  problems.push(...slackProblems(secrets, fromEnv.problems));
  if (problems.length > 0) throw problemsError(problems);

  const envTree: Record<string, unknown> = {};
  for (const { path, value } of fromEnv.values) setAt(envTree, path, value);
  const settings = Settings.parse(merge(merge(fromFile.typed, envTree), overrides));
  return finish(settings, secrets, { env, cwd, file, homeBase: homeBase(fromFile.typed, envTree, overrides, { file, cwd }) });
}

function findFile(env: Environment, cwd: string, problems: ConfigProblem[]): string | undefined {
  const named = env['SLUICE_CONFIG']?.trim();
  if (!named) return existsSync(join(cwd, 'sluice.yaml')) ? join(cwd, 'sluice.yaml') : undefined;
  const file = resolve(cwd, named);
  if (existsSync(file)) return file;
  problems.push({
    where: 'environment',
    key: 'SLUICE_CONFIG',
    problem: `there is no file ${file}`,
    expected: 'the path of a configuration file',
    example: '/etc/sluice/sluice.yaml',
  });
  return undefined;
}

function readFile(file: string, cwd: string, problems: ConfigProblem[]): { typed: unknown } {
  const shown = dirname(file) === cwd ? file.slice(cwd.length + 1) : file;
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (cause) {
    problems.push({ where: shown, key: '(the whole file)', problem: `cannot be read (${(cause as NodeJS.ErrnoException).code})` });
    return { typed: {} };
  }
  const parsed = parseYaml(Settings, source, shown);
  problems.push(...parsed.problems, ...passwordProblems(parsed.typed, parsed.locate));
  return { typed: parsed.typed ?? {} };
}

/** A password in a file ends up in backups and in git. */
function passwordProblems(typed: unknown, locate: Locate): ConfigProblem[] {
  const url = (typed as { databaseUrl?: unknown } | undefined)?.databaseUrl;
  if (typeof url !== 'string' || !URL.parse(url)?.password) return [];
  return [
    {
      where: locate(['databaseUrl'], 'value'),
      key: 'databaseUrl',
      problem: 'the address holds a password',
      expected: 'an address without a password here, or the whole address in the variable DATABASE_URL',
      example: 'postgresql://sluice@db.internal/sluice',
    },
  ];
}

function slackProblems(secrets: Secrets, found: readonly ConfigProblem[]): ConfigProblem[] {
  const broken = (name: string) => found.some((p) => p.key === name || p.nearest === name);
  const problem = (key: string, text: string) => (broken(key) ? [] : [{ where: 'environment', key, problem: text }]);
  if (secrets.slackBotToken === undefined) {
    if (secrets.slackAppToken === undefined && secrets.slackSigningSecret === undefined) return [];
    return problem('SLACK_BOT_TOKEN', 'is missing, but other secrets of Slack are set');
  }
  if (secrets.slackAppToken !== undefined || secrets.slackSigningSecret !== undefined || broken('SLACK_APP_TOKEN')) return [];
  return problem('SLACK_SIGNING_SECRET', 'is missing: set it for signed HTTP, or SLACK_APP_TOKEN for Socket Mode');
}

interface Place {
  env: Environment;
  cwd: string;
  file: string | undefined;
  /** What a relative data directory is relative to. */
  homeBase: string;
}

function finish(settings: Settings, secrets: Secrets, place: Place): Config {
  const home = settings.home === undefined ? defaultHome(place) : absolute(settings.home, place.homeBase, place.env);
  const fileBase = place.file === undefined ? place.cwd : dirname(place.file);
  const { store, folder } = settings.artifacts;
  const transport = secrets.slackBotToken === undefined ? 'none' : secrets.slackAppToken === undefined ? 'http' : 'socket';
  return freeze({
    ...settings,
    publicUrl: settings.publicUrl ?? `http://localhost:${settings.port}`,
    home,
    artifacts: { store, folder: folder === undefined ? join(home, 'artifacts') : absolute(folder, fileBase, place.env) },
    slack: { ...settings.slack, transport },
    secrets: hidden(secrets),
    file: place.file,
  });
}

function defaultHome({ env, cwd }: Place): string {
  const data = env['XDG_DATA_HOME'];
  if (data && isAbsolute(data)) return join(data, 'sluice');
  return env['HOME'] ? join(env['HOME'], '.local/share/sluice') : join(cwd, '.sluice');
}
function homeBase(file: unknown, env: object, overrides: SettingsInput, place: { file: string | undefined; cwd: string }): string {
  const typedInFile = (file as { home?: unknown }).home !== undefined && !('home' in env) && overrides.home === undefined;
  return typedInFile && place.file !== undefined ? dirname(place.file) : place.cwd;
}
function absolute(path: string, base: string, env: Environment): string {
  const home = env['HOME'];
  return resolve(base, home && /^~(\/|$)/.test(path) ? join(home, path.slice(1)) : path);
}

function merge(below: unknown, above: unknown): unknown {
  if (above === undefined) return below;
  if (!isTree(below) || !isTree(above)) return above;
  const out: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) out[key] = merge(out[key], value);
  return out;
}
function setAt(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) tree[key] = value;
  else {
    const below = isTree(tree[key]) ? tree[key] : {};
    tree[key] = below;
    setAt(below, rest, value);
  }
}
function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The secrets, which print and serialise as `***`. */
function hidden(secrets: Secrets): Secrets {
  const out = { ...secrets };
  Object.defineProperty(out, 'toJSON', { value: () => '***', enumerable: false });
  Object.defineProperty(out, inspect.custom, { value: () => '***', enumerable: false });
  return out;
}
function freeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) freeze(inner);
  return Object.freeze(value);
}
