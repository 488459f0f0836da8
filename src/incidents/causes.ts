import type { ThresholdName } from './thresholds.ts';

/** What can be wrong, as data: how bad it is, what is proven, what ends it, and how several of it are said in one title. */
export interface CauseRule {
  /** In a word or two. */
  name: string;
  severity: 'critical' | 'warning';
  /** When it is an incident, for people; what has to be proven for it. */
  text: string;
  /** What ends it, for people. */
  closes: string;
  /** What decides how much is too much. */
  threshold?: ThresholdName;
  /** Told only when it lasts as long as its threshold: most of the time Flink mends it by itself. */
  settles: boolean;
  /** Told together when the root exception is the same, or when the cluster is; absent: each is told alone. */
  together?: 'exception' | 'cluster';
  /** It may be Sluice's own blindness: told at once, but people are called only once it has lasted. */
  patient?: true;
  /** The job runs all the while: there is nothing to resume. */
  runs?: true;
  /** How a title counts several jobs: `3 jobs failed`. */
  many?: string;
}
/** Every cause of an incident. Each has a runbook, docs/runbooks/<cause>.md, and a row in docs/alerts.md. */
export const causeRules = {
  failed: {
    name: 'failed',
    severity: 'critical',
    text: 'Flink says FAILED: it has given up restarting the job.',
    closes: 'when the job runs again, or somebody stops it',
    settles: false,
    together: 'exception',
    many: 'failed',
  },
  lost: {
    name: 'gone',
    severity: 'critical',
    text: 'A cluster that answers no longer knows the run, and says so when it is asked again.',
    closes: 'when the job runs again, or somebody stops it',
    settles: false,
    together: 'cluster',
    many: 'are gone',
  },
  'canceled-elsewhere': {
    name: 'canceled outside Sluice',
    severity: 'critical',
    text: 'Flink says CANCELED, and no operation of Sluice did it.',
    closes: 'when the job runs again, or somebody stops it',
    settles: false,
    together: 'cluster',
    many: 'were canceled outside Sluice',
  },
  ended: {
    name: 'ended',
    severity: 'critical',
    text: 'A streaming job finished, or an operation of Sluice ended it without coming to say so.',
    closes: 'when the job runs again, or somebody stops it',
    settles: false,
    together: 'cluster',
    many: 'ended',
  },
  restarting: {
    name: 'restarting',
    severity: 'warning',
    text: 'Not every task of a running job runs, for longer than the threshold.',
    closes: 'when every task runs again; what ends the run takes its place',
    threshold: 'restarting-for',
    settles: true,
    runs: true,
    together: 'exception',
    many: 'are restarting',
  },
  'restart-loop': {
    name: 'restarts again and again',
    severity: 'critical',
    text: 'As many failures as the threshold within 15 minutes, by the list that Flink itself keeps. It is back each time, and may look well at any moment.',
    closes: 'when it has run for 15 minutes without a restart; what ends the run takes its place',
    threshold: 'restart-loop',
    settles: false,
    runs: true,
    together: 'exception',
    many: 'restart again and again',
  },
  'not-recoverable': {
    name: 'goes back too far',
    severity: 'warning',
    text: 'The job runs, but its last complete checkpoint is older than the threshold: a crash would repeat all since then.',
    closes: 'with the next complete checkpoint',
    threshold: 'recoverable-within',
    settles: false,
    runs: true,
    together: 'cluster',
    many: 'could go back only too far',
  },
  'began-empty': {
    name: 'began from nothing',
    severity: 'critical',
    text: 'A run that was not started through Sluice was restored from nothing, although a run of the job before it had complete checkpoints.',
    closes: 'when that run ends, the job is started again from a state, or after a day',
    settles: false,
    runs: true,
    together: 'cluster',
    many: 'began from nothing',
  },
  'runs-twice': {
    name: 'runs twice',
    severity: 'critical',
    text: 'For a minute a job of its name, which Sluice did not start, runs on its cluster beside its own run.',
    closes: 'when one of the two has ended',
    settles: false,
    runs: true,
    together: 'cluster',
    many: 'run twice',
  },
  'no-data': {
    name: 'no data',
    severity: 'warning',
    text: 'Records that came all the time have stopped for longer than the threshold, although every task runs.',
    closes: 'when records come at two looks in a row',
    threshold: 'no-data-after',
    settles: false,
    runs: true,
    together: 'cluster',
    many: 'have no data although they run',
  },
  watermark: {
    name: 'watermark',
    severity: 'warning',
    text: 'A watermark that moved all the time has stood still for longer than the threshold, although records come all that time.',
    closes: 'when it moves again',
    threshold: 'watermark-after',
    settles: false,
    runs: true,
    together: 'cluster',
    many: 'have a watermark that stands still',
  },
  backpressure: {
    name: 'does not keep up',
    severity: 'warning',
    text: 'A part of the job has waited for what comes behind it for more than half of the time, at every look for as long as the threshold.',
    closes: 'when nothing is held back at a look',
    threshold: 'backpressure-after',
    settles: false,
    runs: true,
    together: 'cluster',
    many: 'do not keep up',
  },
  growth: {
    name: 'checkpoints grew',
    severity: 'warning',
    text: 'Every complete checkpoint of the last 10 minutes, at least five, takes or holds more times the usual than the threshold.',
    closes: 'when three in a row are within it',
    threshold: 'checkpoint-growth',
    settles: false,
    runs: true,
    together: 'cluster',
    many: 'have checkpoints that grew',
  },
  unreachable: {
    name: 'no answer',
    severity: 'critical',
    text: 'A cluster did not answer twice in a row. Its jobs are not reported: nobody knows that they are down.',
    closes: 'when it answers',
    settles: false,
    patient: true,
  },
  stranded: {
    name: 'carried on by nobody',
    severity: 'critical',
    text: 'An operation that a newer version of Sluice began waits for a replica of that version, for 5 minutes.',
    closes: 'when somebody carries it on',
    settles: false,
    runs: true,
  },
  parked: {
    name: 'parked',
    severity: 'critical',
    text: 'An operation cannot tell what is true, and waits for a person.',
    closes: 'when somebody has decided',
    settles: false,
  },
} as const satisfies Record<string, CauseRule>;
export type Cause = keyof typeof causeRules;

/** After so many comebacks only the message itself is brought up to date: a job that crashes all night does not call people a hundred times. */
export const callsBack = 2;

/** So long what may be Sluice's own blindness has to last before people are called. */
export const patientMs = 2 * 60_000;

/** The rule of a cause; of one that another version of Sluice knew, a careful guess. */
export function ruleOf(cause: string): CauseRule {
  const guess: CauseRule = { name: cause, severity: 'critical', text: '', closes: '', settles: false };
  return (causeRules as Record<string, CauseRule>)[cause] ?? guess;
}
/** A cause in a word or two. */
export const causeWords = (cause: string): string => ruleOf(cause).name;
