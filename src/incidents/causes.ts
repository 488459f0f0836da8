/** What can be wrong, as data: how bad it is, whether it may pass by itself, and how several of it are said in one title. */
export interface CauseRule {
  severity: 'critical' | 'warning';
  /** Told only when it lasts: most of the time Flink mends it by itself. */
  settles: boolean;
  /** Told together when the root exception is the same, or when the cluster is; absent: each is told alone. */
  together?: 'exception' | 'cluster';
  /** The job runs all the while: there is nothing to resume. */
  runs?: true;
  /** How a title counts several jobs: `3 jobs failed`. */
  many?: string;
}
/** Every cause of an incident. */
export const causeRules = {
  failed: { severity: 'critical', settles: false, together: 'exception', many: 'failed' },
  lost: { severity: 'critical', settles: false, together: 'cluster', many: 'are gone' },
  'canceled-elsewhere': { severity: 'critical', settles: false, together: 'cluster', many: 'were canceled outside Sluice' },
  ended: { severity: 'critical', settles: false, together: 'cluster', many: 'ended' },
  restarting: { severity: 'warning', settles: true, runs: true, together: 'exception', many: 'are restarting' },
  'not-recoverable': { severity: 'warning', settles: false, runs: true, together: 'cluster', many: 'could go back only too far' },
  'no-data': { severity: 'warning', settles: false, runs: true, together: 'cluster', many: 'have no data although they run' },
  watermark: { severity: 'warning', settles: false, runs: true, together: 'cluster', many: 'have a watermark that stands still' },
  backpressure: { severity: 'warning', settles: false, runs: true, together: 'cluster', many: 'do not keep up' },
  growth: { severity: 'warning', settles: false, runs: true, together: 'cluster', many: 'have checkpoints that grew' },
  unreachable: { severity: 'critical', settles: false },
  parked: { severity: 'critical', settles: false },
} as const satisfies Record<string, CauseRule>;
export type Cause = keyof typeof causeRules;

/** After so many comebacks only the message itself is brought up to date: a job that crashes all night does not call people a hundred times. */
export const callsBack = 2;

/** The rule of a cause; of one that another version of Sluice knew, a careful guess. */
export function ruleOf(cause: string): CauseRule {
  return (causeRules as Record<string, CauseRule>)[cause] ?? { severity: 'critical', settles: false };
}

const words: Record<string, string> = {
  failed: 'failed',
  lost: 'gone',
  'canceled-elsewhere': 'canceled outside Sluice',
  ended: 'ended',
  restarting: 'restarting',
  'not-recoverable': 'goes back too far',
  'no-data': 'no data',
  backpressure: 'does not keep up',
  growth: 'checkpoints grew',
  unreachable: 'no answer',
  parked: 'parked',
};
/** A cause in a word or two. */
export const causeWords = (cause: string): string => words[cause] ?? cause;
