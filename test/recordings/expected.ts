import type { Thresholds } from './play.ts';

/** Seconds after the mark of that name: not before, and not later than. */
type When = [mark: string, from: number, to: number];
export interface Expected {
  cause: string;
  told: When | 'never: it passed by itself';
  over: When | 'open';
  tone?: 'bad' | 'warn';
  /** In the message as it was told. */
  says?: RegExp[];
  resolution?: RegExp;
}
/** What people have to hear of each scene, in the order in which it is found; nothing else. */
export interface ExpectedScene {
  scene: string;
  /** Whose thresholds, when not the defaults. */
  with?: Partial<Thresholds>;
  /** On one release only: what differs is Sluice's own. */
  only?: string;
  /** It is played on for so many seconds after the recording has come to its end: all stays as it was then. */
  goesOn?: number;
  heard: Expected[];
}
const second = 1000;
const passes = 'never: it passed by itself';

export const expected: readonly ExpectedScene[] = [
  {
    scene: 'tm-killed',
    heard: [
      {
        cause: 'restarting',
        told: ['TaskManager killed', 30, 48],
        over: ['TaskManager started', 3, 16],
        tone: 'warn',
        says: [/^orders is restarting: 0\/2 tasks run$/m, /TaskManager with id \S+ is no longer reachable/, /^Last checkpoint: \d+, /m],
        resolution: /^orders runs again: v3 on 2\/2 tasks\.$/,
      },
    ],
  },
  {
    scene: 'tm-killed',
    with: { restartingForMs: 120 * second },
    only: '2.3.0',
    heard: [{ cause: 'restarting', told: passes, over: ['TaskManager started', 3, 16] }],
  },
  {
    scene: 'jm-killed',
    heard: [
      {
        cause: 'unreachable',
        told: ['JobManager killed', 1, 5],
        over: ['JobManager started', 3, 25],
        tone: 'bad',
        says: [/^standalone does not answer$/m, /refuses connections/, /What is not known since: orders\. They may well run\./],
        resolution: /^standalone answers again\.$/,
      },
      {
        cause: 'lost',
        told: ['JobManager started', 3, 25],
        over: 'open',
        tone: 'bad',
        says: [/^orders is gone: the JobManager of standalone was restarted/m, /^Last checkpoint: \d+, /m, /\[Resume\]/],
      },
    ],
  },
  {
    // Silence is not death: the job runs all the time, and nobody hears anything else.
    scene: 'jm-frozen',
    heard: [
      {
        cause: 'unreachable',
        told: ['JobManager frozen', 1, 10],
        over: ['JobManager goes on', 0, 5],
        tone: 'bad',
        says: [/gave no answer/],
      },
    ],
  },
  {
    scene: 'checkpoint-directory',
    with: { recoverableWithinMs: 20 * second },
    heard: [
      {
        cause: 'not-recoverable',
        told: ['checkpoint directory unwritable', 18, 55],
        over: ['checkpoint directory writable', 0, 50],
        tone: 'warn',
        says: [/^orders could only go back to \d+ s ago; it should be at most 20 s$/m, /The last checkpoint that failed: .*IO-problem/],
        resolution: /young enough again/,
      },
    ],
  },
  // Failing checkpoints alone are no incident.
  { scene: 'checkpoint-directory', only: '2.3.0', heard: [] },
  {
    scene: 'source-failing',
    heard: [
      { cause: 'restarting', told: passes, over: ['source fails', 10, 30], resolution: /^It did not recover: orders failed\.$/ },
      {
        cause: 'failed',
        told: ['source fails', 10, 30],
        over: 'open',
        tone: 'bad',
        says: [
          /^IllegalStateException: Cannot write order \d+: the target database refused/m,
          /^Failed task: totals per customer/m,
          /^Last checkpoint: \d+, /m,
        ],
      },
    ],
  },
  {
    scene: 'crash-loop',
    goesOn: 16 * 60,
    heard: [
      { cause: 'restarting', told: passes, over: ['source fails', 3, 45] },
      {
        cause: 'restart-loop',
        told: ['source fails', 10, 45],
        over: ['source works', 15 * 60 - 10, 15 * 60 + 75],
        tone: 'bad',
        says: [
          /^orders restarts again and again: \d+ times in \d+ s$/m,
          /^IllegalStateException: Cannot write order \d+: the target database refused/m,
          /^Last checkpoint: \d+, /m,
        ],
        resolution: /^It has run for 15 min without a restart\.$/,
      },
    ],
  },
  {
    scene: 'slow-sink',
    with: { recoverableWithinMs: 20 * second },
    heard: [
      {
        cause: 'not-recoverable',
        told: ['sink slow', 18, 60],
        over: ['sink fast', 0, 50],
        tone: 'warn',
        says: [/The last checkpoint that failed: Checkpoint expired before completing/],
      },
      {
        // Its source stands as well, and that is not told as missing data.
        cause: 'backpressure',
        told: ['sink slow', 35, 70],
        over: ['sink fast', 10, 50],
        tone: 'warn',
        says: [/^orders: it does not keep up$/m, /^Source: numbers.* is held back \d+ % of the time: slow target.* does not keep up/m],
        resolution: /^Nothing of it is held back any more\.$/,
      },
    ],
  },
  {
    scene: 'out-of-slots',
    heard: [
      {
        cause: 'restarting',
        told: ['TaskManager killed', 30, 46],
        over: ['TaskManager killed', 38, 70],
        tone: 'warn',
        resolution: /^It did not recover: orders failed\.$/,
      },
      { cause: 'failed', told: ['TaskManager killed', 38, 70], over: 'open', tone: 'bad', says: [/^NoResourceAvailableException: /m] },
    ],
  },
  {
    scene: 'canceled-outside',
    heard: [
      {
        cause: 'canceled-elsewhere',
        told: ['canceled', 0, 4],
        over: 'open',
        tone: 'bad',
        says: [/^orders was canceled by somebody outside Sluice$/m, /Its last checkpoint is kept\./],
      },
    ],
  },
  {
    scene: 'stopped-outside',
    heard: [
      {
        cause: 'ended',
        told: ['stopped', 0, 6],
        over: 'open',
        tone: 'bad',
        says: [/ended by itself, or was stopped outside Sluice; its checkpoints are gone/],
      },
    ],
  },
  {
    scene: 'source-dry',
    heard: [
      {
        cause: 'no-data',
        told: ['source dry', 20, 36],
        over: ['records again', 3, 20],
        tone: 'warn',
        says: [/^orders: no data although it runs$/m, /reads no records, since /],
        resolution: /^Records flow again\.$/,
      },
    ],
  },
  {
    scene: 'partition-idle',
    heard: [
      {
        cause: 'watermark',
        told: ['partition idle', 20, 36],
        over: ['partition active', 1, 16],
        tone: 'warn',
        says: [/^orders: its watermark stands still$/m, /taker.* gets records, but its watermark stands at /],
        resolution: /^Its watermark moves again\.$/,
      },
    ],
  },
  {
    scene: 'state-grown',
    // Four seconds between checkpoints are played as eight minutes.
    with: { recoverableWithinMs: 8 * 60 * 60 * second },
    heard: [
      {
        cause: 'growth',
        told: ['state grows', 16, 34],
        over: ['state cleared', 8, 25],
        tone: 'warn',
        says: [/^orders: checkpoints hold 1\d\d(\.\d)? MB, usually 1\d\d(\.\d)? KB$/m, /So did the last \d+ of them, without exception/],
        resolution: /^Its checkpoints are within the usual again\.$/,
      },
    ],
  },
  {
    scene: 'started-empty',
    heard: [
      {
        cause: 'canceled-elsewhere',
        told: ['canceled', 0, 4],
        over: ['started again', 0, 8],
        tone: 'bad',
      },
      {
        cause: 'began-empty',
        told: ['started again', 0, 10],
        over: 'open',
        tone: 'bad',
        says: [/^orders began from nothing, although it had state$/m],
      },
    ],
  },
  {
    scene: 'copy-started',
    heard: [
      {
        cause: 'runs-twice',
        told: ['started again', 60, 80],
        over: ['copy canceled', 0, 10],
        tone: 'bad',
        says: [/^orders runs twice on standalone$/m, /that Sluice did not start: [0-9a-f]{32}, since/],
        resolution: /^The copy that others had started has ended\.$/,
      },
    ],
  },
  {
    scene: 'job-removed',
    heard: [
      {
        cause: 'lost',
        told: ['removed', 0, 12],
        over: 'open',
        tone: 'bad',
        says: [
          /^orders is gone: standalone answers but no longer knows it$/m,
          /Its JobManager was not restarted: the job was removed there\. It does not run\./,
          /\[Resume\]/,
        ],
      },
    ],
  },
];
