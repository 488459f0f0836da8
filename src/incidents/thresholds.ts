import { parseDuration } from '../core/time.ts';
import type { JobDefinition } from '../db/schema/index.ts';

/** How much is too much, as data: what it means, and where each may set it. */
export interface ThresholdRule {
  /** For people. */
  text: string;
  /** Without any setting. */
  defaultMs: number;
  leastMs: number;
  /** Key of `sluice.yaml`. */
  setting: string;
  /** What a job asks for itself. */
  ofJob(definition: JobDefinition): string | undefined;
  /** Only what a job asks for itself may be under so many of its checkpoint intervals. */
  intervals?: number;
}
/** Every threshold, by the name that jobs and teams set it with. */
export const thresholds = {
  'restarting-for': {
    text: 'how long a job may restart before anybody is told',
    defaultMs: 30_000,
    leastMs: 0,
    setting: 'incidents.restartingFor',
    ofJob: (definition) => definition.restartingFor,
  },
  'recoverable-within': {
    text: 'how old the last complete checkpoint may be',
    defaultMs: 30 * 60_000,
    leastMs: 1000,
    setting: 'incidents.recoverableWithin',
    ofJob: (definition) => definition.recoverableWithin,
    intervals: 3,
  },
} as const satisfies Record<string, ThresholdRule>;
export type ThresholdName = keyof typeof thresholds;
export const thresholdNames = Object.keys(thresholds) as ThresholdName[];

/** The threshold that counts, and who set it. `interval`: raised to what the job's own checkpoint interval allows. */
export interface InForce {
  ms: number;
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

/** Which value counts: the job's own, else its team's, else the installation's, else the default. Pure. */
export function thresholdInForce(name: ThresholdName, sources: ThresholdSources): InForce {
  const rule: ThresholdRule = thresholds[name];
  const own = read(sources.job && rule.ofJob(sources.job));
  if (own !== undefined) return { ms: own, from: 'job' };
  const team = read(sources.team?.[name]);
  const installation = sources.installation[name] ?? rule.defaultMs;
  const set: InForce =
    team !== undefined
      ? { ms: team, from: 'team' }
      : { ms: installation, from: installation === rule.defaultMs ? 'default' : 'installation' };
  const floorMs = (rule.intervals ?? 0) * (sources.checkpointIntervalMs ?? 0);
  return floorMs > set.ms ? { ms: floorMs, from: 'interval' } : set;
}
const read = (typed: string | undefined): number | undefined => (typed === undefined ? undefined : parseDuration(typed));
