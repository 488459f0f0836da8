import { nearest } from '../core/text.ts';
import { parseDuration } from '../core/time.ts';
import type { JobDefinition } from '../db/schema/index.ts';
import { quoteArgument, splitArguments } from './arguments.ts';
import { keepSavepoints, keepSavepointsFor, tags } from './own-parameters.ts';
import { type Parameter, ParameterProblem, plain, problem } from './parameter.ts';

export { type Parameter, ParameterProblem };

function checkDirectory(value: string): string {
  return /^([a-z][a-z0-9+.-]*:\/|\/)/i.test(value)
    ? value
    : problem(`${value} is no directory: expected an absolute path or a URI such as s3://bucket/checkpoints.`);
}
function checkAfter(value: string): string {
  if (value === 'off') return value;
  const ms = parseDuration(value);
  if (ms === undefined) return problem(`${value} is no duration: expected for example 20 min or 2h, or off.`);
  return ms >= 1000 ? value : problem('That is at least 1 s; off turns it off.');
}
function checkChannel(value: string): string {
  const id = /^<#([CGD][A-Z0-9]+)(?:\|[^>]*)?>$/.exec(value)?.[1] ?? value;
  return /^[CGD][A-Z0-9]{2,}$/.test(id)
    ? id
    : problem(`${value} is no Slack channel: expected a channel such as #etl, or its id such as C0123ABCD.`);
}

export const parameters: readonly Parameter[] = [
  {
    key: 'cluster',
    label: 'Cluster',
    meaning: 'Where the next start runs.',
    example: 'standalone',
    show: (d) => d.cluster,
    assign: (d, v) => ({ ...d, cluster: v || problem('A job needs a cluster.') }),
  },
  {
    key: 'environment',
    label: 'Environment',
    meaning: 'Decides what needs a lead: production asks before state is rewound or dropped.',
    example: 'production',
    choices: ['production', 'development'],
    show: (d) => d.environment,
    assign: (d, v) =>
      v === 'production' || v === 'development'
        ? { ...d, environment: v }
        : problem(`environment is production or development, not ${v || 'empty'}.`),
  },
  {
    key: 'main-class',
    label: 'Main class',
    meaning: "The class with the main method; empty: the jar's own.",
    example: 'com.example.etl.OrdersJob',
    ...plain('mainClass', (v) => (/^[\w$]+(\.[\w$]+)*$/.test(v) ? v : problem(`${v} is no Java class name.`))),
  },
  {
    key: 'args',
    label: 'Arguments',
    meaning: 'Arguments of the main method, separated by spaces; quote what contains spaces.',
    example: '--rate 100',
    multiline: true,
    show: (d) => (d.args.length === 0 ? undefined : d.args.map(quoteArgument).join(' ')),
    assign: (d, v) => ({ ...d, args: splitArguments(v) }),
  },
  {
    key: 'parallelism',
    label: 'Parallelism',
    meaning: 'Tasks per operator; empty: 1 (Flink ignores the cluster default for uploaded jars).',
    example: '4',
    show: (d) => d.parallelism?.toString(),
    assign(d, v) {
      const { parallelism: _, ...rest } = d;
      if (v === '') return rest;
      const n = Number(v);
      if (!/^\d+$/.test(v) || n < 1 || n > 32_768) return problem(`parallelism is a whole number from 1 to 32768, not ${v}.`);
      return { ...rest, parallelism: n };
    },
  },
  {
    key: 'checkpoint-interval',
    label: 'Checkpoint interval',
    meaning: "How often state is saved; a crash replays at most this much. Empty: the cluster's default.",
    example: '10s',
    ...plain('checkpointInterval', (v) => {
      const ms = parseDuration(v);
      if (ms === undefined) return problem(`${v} is no duration: expected for example 10s or 5 min.`);
      return ms >= 10 ? v : problem('Flink takes no checkpoint interval under 10 ms.');
    }),
  },
  {
    key: 'recoverable-within',
    label: 'Recoverable within',
    meaning: "How far a crash may set it back: an older last checkpoint is an incident. Empty: the team's, else the installation's.",
    example: '15 min',
    ...plain('recoverableWithin', (v) => {
      const ms = parseDuration(v);
      if (ms === undefined) return problem(`${v} is no duration: expected for example 15 min or 1h.`);
      return ms >= 1000 ? v : problem('recoverable-within is at least 1 s.');
    }),
  },
  {
    key: 'restarting-for',
    label: 'Restarting for',
    meaning: "How long Flink may restart it before anybody is told. Empty: the team's, else the installation's.",
    example: '2 min',
    ...plain('restartingFor', (v) => {
      const ms = parseDuration(v);
      return ms === undefined ? problem(`${v} is no duration: expected for example 30s or 2 min.`) : v;
    }),
  },
  {
    key: 'restart-loop',
    label: 'Restart loop',
    meaning: "So many restarts within 15 minutes are an incident, however short each is; off: never. Empty: the team's, else 5.",
    example: '10',
    ...plain('restartLoop', (v) =>
      v === 'off' || (/^\d+$/.test(v) && Number(v) >= 2 && Number(v) <= 16)
        ? v
        : problem(`restart-loop is a whole number from 2 to 16, or off, not ${v}.`),
    ),
  },
  {
    key: 'no-data-after',
    label: 'No data after',
    meaning:
      "Records that came all the time and then stop for so long are an incident; off: never. Empty: the team's, else the installation's.",
    example: '2h',
    ...plain('noDataAfter', checkAfter),
  },
  {
    key: 'watermark-after',
    label: 'Watermark after',
    meaning: "The same for a watermark that stands still although records come; off: never. Empty: the team's, else the installation's.",
    example: 'off',
    ...plain('watermarkAfter', checkAfter),
  },
  {
    key: 'backpressure-after',
    label: 'Backpressure after',
    meaning: "Held back for so long without a pause is an incident; off: never. Empty: the team's, else the installation's.",
    example: '1h',
    ...plain('backpressureAfter', checkAfter),
  },
  {
    key: 'checkpoint-growth',
    label: 'Checkpoint growth',
    meaning: "Checkpoints that take or hold so many times the usual are an incident; off: never. Empty: the team's, else 3.",
    example: '5',
    ...plain('checkpointGrowth', (v) =>
      v === 'off' || (/^\d+(\.\d+)?$/.test(v) && Number(v) > 1) ? v : problem(`checkpoint-growth is a number above 1, or off, not ${v}.`),
    ),
  },
  {
    key: 'checkpoint-dir',
    label: 'Checkpoint directory',
    meaning: 'Where checkpoints are kept.',
    example: 's3://lake/checkpoints',
    ...plain('checkpointDir', checkDirectory),
  },
  {
    key: 'savepoint-dir',
    label: 'Savepoint directory',
    meaning: 'Where savepoints are written.',
    example: 's3://lake/savepoints',
    ...plain('savepointDir', checkDirectory),
  },
  keepSavepoints,
  keepSavepointsFor,
  {
    key: 'restart-strategy',
    label: 'Restart strategy',
    meaning: 'What Flink itself does after a failure: none, fixed-delay(attempts, delay) or exponential-delay.',
    example: 'fixed-delay(3, 10s)',
    show(d) {
      const r = d.restartStrategy;
      return r && (r.kind === 'fixed-delay' ? `fixed-delay(${r.attempts}, ${r.delay})` : r.kind);
    },
    assign(d, v) {
      const { restartStrategy: _, ...rest } = d;
      if (v === '') return rest;
      if (v === 'none' || v === 'exponential-delay') return { ...rest, restartStrategy: { kind: v } };
      const match = /^fixed-delay\s*\(\s*(\d+)\s*,\s*([^)]+?)\s*\)$/.exec(v);
      if (!match || parseDuration(match[2]!) === undefined)
        return problem(`${v} is no restart strategy: expected none, exponential-delay or fixed-delay(3, 10s).`);
      if (Number(match[1]) > 2_147_483_647) return problem(`restart-strategy: ${match[1]} attempts are more than Flink can count.`);
      return { ...rest, restartStrategy: { kind: 'fixed-delay', attempts: Number(match[1]), delay: match[2]! } };
    },
  },
  {
    key: 'state-backend',
    label: 'State backend',
    meaning: 'Where working state lives: hashmap in memory, rocksdb on disk.',
    example: 'hashmap',
    choices: ['hashmap', 'rocksdb'],
    show: (d) => d.stateBackend,
    assign(d, v) {
      const { stateBackend: _, ...rest } = d;
      if (v === '') return rest;
      return v === 'hashmap' || v === 'rocksdb' ? { ...rest, stateBackend: v } : problem(`state-backend is hashmap or rocksdb, not ${v}.`);
    },
  },
  {
    key: 'channel',
    label: 'Channel',
    meaning: "Where the job speaks; empty: the team's channel.",
    example: '#etl',
    ...plain('channel', checkChannel),
  },
  {
    key: 'alert-channel',
    label: 'Alert channel',
    meaning: "Where its incidents go; empty: the team's.",
    example: '#flink-alerts',
    ...plain('alertChannel', checkChannel),
  },
  tags,
  {
    key: 'links',
    label: 'Links',
    meaning: 'Dashboard, runbook: shown in every alert. One "label=url" per line (or separated by commas).',
    example: 'runbook=https://wiki.example.com/etl',
    multiline: true,
    show: (d) => (d.links.length === 0 ? undefined : d.links.map((l) => `${l.label}=${l.url}`).join('\n')),
    assign(d, v) {
      const links = v
        // A comma separates links only where another one begins: addresses hold commas too.
        .split(/\n|,(?=[^=,\n]+=\s*https?:\/\/)/i)
        .map((line) => line.trim())
        .filter(Boolean)
        .map((line) => {
          const [label, ...rest] = line.split('=');
          const url = rest.join('=').trim();
          if (!label || !/^https?:\/\//i.test(url)) problem(`${line} is no link: expected label=https://…`);
          return { label: label!.trim(), url };
        });
      return { ...d, links };
    },
  },
];

const sluicesOwn = new Set([
  'recoverable-within',
  'restarting-for',
  'restart-loop',
  'no-data-after',
  'watermark-after',
  'backpressure-after',
  'checkpoint-growth',
  'keep-savepoints',
  'keep-savepoints-for',
  'tags',
  'channel',
  'alert-channel',
  'links',
]);
/** Whether a parameter concerns Sluice alone, so that a change counts at once, without a restart. */
export const countsAtOnce = (key: string): boolean => sluicesOwn.has(key);

/** Flink keys that a job may not carry, with the reason. */
const refused: [RegExp, (value: string) => string | undefined][] = [
  [
    /^table\.exec\.uid\.generation$/,
    (v) =>
      v.toUpperCase() === 'ALWAYS'
        ? 'table.exec.uid.generation=ALWAYS gives other operator ids at each start in a session cluster, so no savepoint could be restored.'
        : undefined,
  ],
  [
    /^(execution\.checkpointing\.externalized-checkpoint-retention|state\.checkpoints\.num-retained|execution\.checkpointing\.num-retained)$/,
    (v) =>
      v === 'RETAIN_ON_CANCELLATION' || Number(v) >= 3
        ? undefined
        : 'Checkpoints are kept after a cancel or a failure, at least three of them: without that a crash could lose state.',
  ],
  [/^execution\.(state-recovery|savepoint)\./, () => 'What a run starts from is chosen by start and restore, not by a parameter.'],
  [/^\$internal\./, () => 'Internal keys of Flink cannot be set.'],
];

/** Whether a typed key is a Flink option rather than one of our own names. */
export const isFlinkKey = (key: string): boolean => /^[a-z][\w-]*(\.[\w-]+)+$/.test(key);

/** Sets one parameter (ours or a Flink key). @throws ParameterProblem with the sentence for the person. */
export function assignParameter(definition: JobDefinition, key: string, value: string): JobDefinition {
  const parameter = parameters.find((p) => p.key === key);
  if (parameter) return parameter.assign(definition, value.trim());
  if (!isFlinkKey(key)) {
    const near = nearest(
      key,
      parameters.map((p) => p.key),
      1,
    )[0];
    return problem(
      `There is no parameter ${key}.${near ? ` Did you mean ${near}?` : ` Known: ${parameters.map((p) => p.key).join(', ')}, or any Flink key.`}`,
    );
  }
  for (const [pattern, why] of refused) {
    const reason = pattern.test(key) ? why(value) : undefined;
    if (reason) return problem(reason);
  }
  const { [key]: _, ...flink } = definition.flink;
  return { ...definition, flink: value.trim() === '' ? flink : { ...flink, [key]: value.trim() } };
}

/** The definition as text by parameter, Flink keys after ours; unset ones are left out. */
export function flatten(definition: JobDefinition): Map<string, string> {
  const out = new Map<string, string>();
  for (const parameter of parameters) {
    const value = parameter.show(definition);
    if (value !== undefined) out.set(parameter.key, value);
  }
  for (const key of Object.keys(definition.flink).sort()) out.set(key, definition.flink[key]!);
  if (definition.artifact) out.set('artifact', definition.artifact.slice(0, 12));
  return out;
}

/** What differs between two definitions, by parameter; a missing side is undefined. */
export function diffDefinitions(
  before: JobDefinition,
  after: JobDefinition,
): { key: string; before: string | undefined; after: string | undefined }[] {
  const a = flatten(before);
  const b = flatten(after);
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((key) => a.get(key) !== b.get(key))
    .map((key) => ({ key, before: a.get(key), after: b.get(key) }));
}
