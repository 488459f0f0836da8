import { z } from 'zod';
import { nearest } from '../core/text.ts';
import { schemaAt, unwrap } from './introspect.ts';
import { type ConfigProblem, problemsOf } from './problems.ts';
import { Settings } from './schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Variable {
  name: string;
  description: string;
  /** The key of `sluice.yaml` that it overrides. */
  path?: readonly string[];
  /** The secret that it holds; such a value is never shown. */
  secret?: 'slackBotToken' | 'slackAppToken' | 'slackSigningSecret';
  /** How a secret must begin. */
  prefix?: string;
}

/** Every environment variable that Sluice reads, in the order of the docs. */
export const variables: readonly Variable[] = [
  { name: 'SLUICE_CONFIG', description: 'The configuration file. Without it, `sluice.yaml` in the working directory, if there is one.' },
  { name: 'SLUICE_HOME', description: 'The data directory.', path: ['home'] },
  { name: 'SLUICE_HOST', description: 'The address to listen on.', path: ['host'] },
  { name: 'SLUICE_PORT', description: 'The port to listen on.', path: ['port'] },
  { name: 'SLUICE_LOG_LEVEL', description: 'The least serious kind of line that is logged.', path: ['logLevel'] },
  { name: 'DATABASE_URL', description: 'A PostgreSQL of your own, password included.', path: ['databaseUrl'] },
  { name: 'SLACK_API_URL', description: 'Base address of the Slack Web API.', path: ['slack', 'apiUrl'] },
  {
    name: 'SLACK_BOT_TOKEN',
    description: 'The bot token (Slack: OAuth & Permissions). Without it, Sluice runs without Slack.',
    secret: 'slackBotToken',
    prefix: 'xoxb-',
  },
  {
    name: 'SLACK_APP_TOKEN',
    description: 'The app-level token with `connections:write` (Slack: Basic Information). Set: Socket Mode.',
    secret: 'slackAppToken',
    prefix: 'xapp-',
  },
  {
    name: 'SLACK_SIGNING_SECRET',
    description: 'The signing secret (Slack: Basic Information), which proves that an HTTP request comes from Slack.',
    secret: 'slackSigningSecret',
  },
  {
    name: 'SLUICE_FLINK_CACHE',
    description: 'Where the demo and the tests keep fetched Flink releases. Without it, `sluice/flink` in `$XDG_CACHE_HOME` or `~/.cache`.',
  },
  { name: 'FLINK_HOME', description: 'An unpacked Flink distribution for the demo.', path: ['flink', 'home'] },
];

/** Secrets of the process. Printing or logging the object shows nothing of them. */
export interface Secrets {
  slackBotToken?: string;
  slackAppToken?: string;
  slackSigningSecret?: string;
}

export interface ReadEnvironment {
  /** Values for keys of `sluice.yaml`. */
  values: { path: readonly string[]; value: unknown }[];
  secrets: Secrets;
  problems: ConfigProblem[];
}

/** The settings and secrets that the environment holds; an empty variable counts as not set. */
export function readEnvironment(env: Environment): ReadEnvironment {
  const out: ReadEnvironment = { values: [], secrets: {}, problems: misspelt(env) };
  for (const variable of variables) {
    const text = env[variable.name]?.trim();
    if (!text || isServiceLink(variable.name, text)) continue;
    if (variable.secret) readSecretVariable(variable, variable.secret, text, out);
    else if (variable.path) readSetting(variable.name, variable.path, text, out);
  }
  return out;
}

function readSecretVariable(variable: Variable, secret: NonNullable<Variable['secret']>, text: string, out: ReadEnvironment): void {
  const { prefix = '' } = variable;
  if (text.startsWith(prefix) && !/\s/.test(text)) out.secrets[secret] = text;
  else {
    const expected = prefix ? `a token that begins with ${prefix}` : 'a secret without spaces';
    out.problems.push({ where: 'environment', key: variable.name, problem: 'the value has the wrong form', expected });
  }
}

function readSetting(name: string, path: readonly string[], text: string, out: ReadEnvironment): void {
  const schema = schemaAt(Settings, path) as z.ZodType;
  const value = unwrap(schema) instanceof z.ZodNumber && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  const result = schema.safeParse(value);
  if (result.success) out.values.push({ path, value });
  else out.problems.push(...problemsOf(result.error, schema, value, () => 'environment').map((p) => ({ ...p, key: name })));
}

/** Kubernetes sets SLUICE_PORT=tcp://... in every pod beside a Service named sluice: that is not ours. */
function isServiceLink(name: string, text: string): boolean {
  return name === 'SLUICE_PORT' && text.startsWith('tcp://');
}

/** Names that look like one of ours which is not set. The very nearest may be set (SLACK_APP_TOKEN), and the next one be meant (SLACK_BOT_TOKEN). */
function misspelt(env: Environment): ConfigProblem[] {
  const known = variables.map((v) => v.name);
  return Object.keys(env).flatMap((name) => {
    if (!/^(SLUICE|SLACK)_/.test(name) || known.includes(name)) return [];
    const meant = nearest(name, known, known.length).find((near) => !env[near]?.trim());
    if (meant === undefined) return [];
    return [{ where: 'environment', key: name, problem: 'is no variable that Sluice reads', nearest: meant }];
  });
}
