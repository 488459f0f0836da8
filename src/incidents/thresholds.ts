import { parseDuration } from '../core/time.ts';
import type { JobDefinition } from '../db/schema/index.ts';

/** How much is too much, as data: what it means, and where each may set it. */
export interface ThresholdRule {
  /** For people. */
  text: string;
  /** `times`: a factor; `count`: a whole number; absent: milliseconds. */
  unit?: 'times' | 'count';
  /** Without any setting; the least, and the most, that makes sense. In its unit. */
  standard: number;
  least: number;
  most?: number;
  /** Key of `sluice.yaml`, if it has one. */
  setting?: string;
  /** What a job asks for itself. */
  ofJob(definition: JobDefinition): string | undefined;
  /** Only what a job asks for itself may be under so many of its checkpoint intervals. */
  intervals?: number;
  /** It may be turned off: by `off`, in `sluice.yaml` by 0. */
  off?: true;
}
const minute = 60_000;
/** Every threshold, by the name that jobs and teams set it with. */
export const thresholds = {
  'restarting-for': {
    text: 'how long a job may restart before anybody is told',
    standard: 30_000,
    least: 0,
    setting: 'incidents.restartingFor',
    ofJob: (definition) => definition.restartingFor,
  },
  'restart-loop': {
    text: 'how many restarts within 15 minutes are too many',
    unit: 'count',
    standard: 5,
    least: 2,
    // Flink keeps the last 16 failures (`web.exception-history-size`).
    most: 16,
    ofJob: (definition) => definition.restartLoop,
    off: true,
  },
  'recoverable-within': {
    text: 'how old the last complete checkpoint may be',
    standard: 30 * minute,
    least: 1000,
    setting: 'incidents.recoverableWithin',
    ofJob: (definition) => definition.recoverableWithin,
    intervals: 3,
  },
  'no-data-after': {
    text: 'how long no records may come',
    standard: 10 * minute,
    least: 1000,
    setting: 'incidents.noDataFor',
    ofJob: (definition) => definition.noDataAfter,
    off: true,
  },
  'watermark-after': {
    text: 'how long a watermark may stand still',
    standard: 10 * minute,
    least: 1000,
    setting: 'incidents.watermarkFor',
    ofJob: (definition) => definition.watermarkAfter,
    off: true,
  },
  'backpressure-after': {
    text: 'how long a part may be held back',
    standard: 15 * minute,
    least: 1000,
    setting: 'incidents.backpressureFor',
    ofJob: (definition) => definition.backpressureAfter,
    off: true,
  },
  'checkpoint-growth': {
    text: 'how many times the usual a checkpoint may take or hold',
    unit: 'times',
    standard: 3,
    least: 1.01,
    ofJob: (definition) => definition.checkpointGrowth,
    off: true,
  },
} as const satisfies Record<string, ThresholdRule>;
export type ThresholdName = keyof typeof thresholds;
export const thresholdNames = Object.keys(thresholds) as ThresholdName[];

/** The threshold that counts, in its unit (Infinity: turned off), and who set it. `interval`: raised to what the job's own checkpoint interval allows. */
export interface InForce {
  value: number;
  from: 'job' | 'team' | 'installation' | 'default' | 'interval';
}
export interface ThresholdSources {
  /** Of the job that is judged. */
  job?: JobDefinition | undefined;
  /** What its team set, as it was typed. */
  team?: Readonly<Record<string, string>> | null | undefined;
  /** What `sluice.yaml` says, in milliseconds. */
  installation: Readonly<Partial<Record<ThresholdName, number>>>;
  /** Of the run; 0 or null: not known, or off. */
  checkpointIntervalMs?: number | null | undefined;
}

/** A value of a threshold as it is typed, in its unit; undefined if it cannot be used. Pure. */
export function parseThreshold(name: ThresholdName, typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  const rule: ThresholdRule = thresholds[name];
  if (rule.off && typed === 'off') return Number.POSITIVE_INFINITY;
  const value = rule.unit ? (forms[rule.unit].test(typed) ? Number(typed) : undefined) : parseDuration(typed);
  return value !== undefined && value >= rule.least && value <= (rule.most ?? value) ? value : undefined;
}

const forms = { times: /^\d+(\.\d+)?$/, count: /^\d+$/ };

/** Which value counts: the job's own, else its team's, else the installation's, else the default. Pure. */
export function thresholdInForce(name: ThresholdName, sources: ThresholdSources): InForce {
  const rule: ThresholdRule = thresholds[name];
  const own = parseThreshold(name, sources.job && rule.ofJob(sources.job));
  if (own !== undefined) return { value: own, from: 'job' };
  const team = parseThreshold(name, sources.team?.[name]);
  const set: InForce = team !== undefined ? { value: team, from: 'team' } : ofInstallation(rule, sources.installation[name]);
  const floorMs = (rule.intervals ?? 0) * (sources.checkpointIntervalMs ?? 0);
  return floorMs > set.value ? { value: floorMs, from: 'interval' } : set;
}
function ofInstallation(rule: ThresholdRule, set: number = rule.standard): InForce {
  return { value: rule.off && set === 0 ? Number.POSITIVE_INFINITY : set, from: set === rule.standard ? 'default' : 'installation' };
}
