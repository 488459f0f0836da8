import type { Focus, Schedule } from './schedule.ts';

/** The rules around machine.ts that keep an operation single and whole. Each can be broken, to see that the simulation notices. */
export interface Rules {
  /** Later writes carry the epoch (operations.store.ts `guarded`, `renew`, `release`). */
  epochInGuard: boolean;
  /** Whose clock tells when a lease is over (`claim`). */
  leaseClock: 'database' | 'host';
  /** The lease is looked at right before a request that changes something (`StepContext.fence`). */
  fence: boolean;
  /** From when a claimed lease counts as fresh: before the claim was asked for, or when its answer came (engine.ts `begin`). */
  freshFrom: 'asked' | 'answered';
  /** A process that could not renew for 10 s stops itself (engine.ts `renewal`). */
  selfFence: boolean;
  /** What an answer that proves nothing (503, silence) is taken for (Deployer.look). */
  unknownIs: 'unknown' | 'gone';
  /** What a no is taken for that the other side cannot know (answer-of.ts). */
  doubtIs: 'doubtful' | 'refused';
  /** How long a run must stay unseen after a submission without an answer (steps/undo-start.ts `lateSubmitMs`). */
  lateSubmitMs: number;
  /** A finish-first step with a try that got no answer is finished although a cancel is seen (run-step.ts `tries`). */
  finishesUnanswered: boolean;
  /** A cancel of a run that the cluster does not know any more is done; the next step proves the end (steps/stop.ts `stopWithout`). */
  goneIsCanceled: boolean;
  /** What is concluded when the statistics of a job that is down do not answer (steps/savepoint.ts `madeSince`). */
  silentStatistics: 'unknown' | 'none';
  /** The files are looked at too when a savepoint is told as failed and the job is down (steps/savepoint.ts `whatIsLeft`). */
  filesAfterFailure: boolean;
  /** An earlier owner's intent, with its ids, is kept (execute.ts passes `intents[step]`). */
  keepsIntent: boolean;
  /** A try that may have acted is followed by an observation. */
  observes: boolean;
  /** A reread row of another epoch is not taken over (execute.ts `refresh`). */
  refreshChecksEpoch: boolean;
  /** The turn is written down before anything is undone (execute.ts `turn`). */
  writesTurn: boolean;
  /** The death of an owner is counted (execute.ts `carryOn`). */
  countsCrashes: boolean;
}

export const soundRules: Rules = {
  epochInGuard: true,
  leaseClock: 'database',
  fence: true,
  freshFrom: 'asked',
  selfFence: true,
  unknownIs: 'unknown',
  doubtIs: 'doubtful',
  lateSubmitMs: 30_000,
  finishesUnanswered: true,
  goneIsCanceled: true,
  silentStatistics: 'unknown',
  filesAfterFailure: true,
  keepsIntent: true,
  observes: true,
  refreshChecksEpoch: true,
  writesTurn: true,
  countsCrashes: true,
};

/** A fault of the protocol, and where to look for it (schedule.ts). */
export interface PlantedFault {
  name: string;
  rules: Partial<Rules>;
  focus?: Focus;
  /** One that meets it: too few random ones do. */
  schedule?: Schedule;
}
const even = { replicas: 2, pace: [], skewsMs: [0, 0, 0], pathsReadable: false, parked: [] };
/** Places in the list of variants. */
const [start, stop] = [0, 3];
/** Faults of the protocol, each of which the simulation has to find. */
export const plantedFaults: readonly PlantedFault[] = [
  { name: 'no epoch in the guard', rules: { epochInGuard: false } },
  { name: 'lease by a skewed clock', rules: { leaseClock: 'host' } },
  { name: 'no fence before the effect', rules: { fence: false }, focus: { faults: ['freeze', 'call', 'cancel'] } },
  {
    name: 'a lease counts from the answer of the claim',
    rules: { freshFrom: 'answered' },
    schedule: {
      ...even,
      variant: stop,
      faults: [
        { is: 'freeze', replica: 1, at: 44, ms: 9984 },
        { is: 'freeze', replica: 0, at: 2, ms: 25_045 },
      ],
    },
  },
  { name: 'takes silence for gone', rules: { unknownIs: 'gone' } },
  { name: 'takes a no for one that is none', rules: { doubtIs: 'refused' }, focus: { faults: ['call'] } },
  {
    name: 'does not wait for a submission that comes late',
    rules: { lateSubmitMs: 0 },
    schedule: {
      ...even,
      variant: start,
      faults: [
        { is: 'call', at: 2, fault: { is: 'late', ms: 8275, silent: false, answered: true } },
        { is: 'cancel', at: 58 },
      ],
    },
  },
  {
    name: 'a cancel counts although a stop without an answer may come late',
    rules: { finishesUnanswered: false },
    schedule: {
      ...even,
      variant: stop,
      faults: [
        { is: 'cancel', at: 39 },
        { is: 'call', at: 1, fault: { is: 'late', ms: 8503, silent: false, answered: true } },
      ],
    },
  },
  {
    name: 'a cancel answered with 404 is a failure',
    rules: { goneIsCanceled: false },
    focus: { kinds: ['stop', 'restart'], faults: ['call', 'die', 'cluster restarts'] },
  },
  {
    name: 'silence about savepoints is taken for none',
    rules: { silentStatistics: 'none' },
    schedule: {
      ...even,
      variant: stop,
      pace: [5],
      faults: [
        { is: 'call', at: 7, fault: { is: 'lost', silent: false } },
        { is: 'job fails', at: 81 },
      ],
    },
  },
  {
    name: 'no look at the files after a failed stop',
    rules: { filesAfterFailure: false },
    schedule: {
      ...even,
      variant: stop,
      pace: [0, 6],
      pathsReadable: true,
      faults: [
        { is: 'job fails', at: 165 },
        { is: 'call', at: 3, fault: { is: 'unknown' } },
        { is: 'cluster restarts', at: 63, keepsJobs: true, downMs: 3147 },
      ],
    },
  },
  { name: 'new ids at every try', rules: { keepsIntent: false } },
  { name: 'blind repeat', rules: { observes: false } },
  {
    name: "takes over the new owner's epoch with the row",
    rules: { refreshChecksEpoch: false },
    focus: { faults: ['freeze', 'call', 'cluster freezes'] },
  },
  { name: 'goes back without writing it down', rules: { writesTurn: false } },
  { name: 'deaths are not counted', rules: { countsCrashes: false }, focus: { faults: ['faults of Sluice', 'die'] } },
];
