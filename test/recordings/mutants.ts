import type { Mutant } from '../faults/mutate.ts';

/** A rule of watch that is inverted or taken away, and what finds it out. */
export interface RuleMutant extends Mutant {
  name: string;
  /** The recorded scene in which people would hear the wrong thing. */
  scene: string;
}
export const mutants: readonly RuleMutant[] = [
  {
    name: 'what a cluster does not know any more is taken for unchanged',
    file: 'src/watch/cluster-poll.rule.ts',
    from: "if (state === undefined) return { is: 'gone' };",
    to: "if (state === undefined) return { is: 'same' };",
    scene: 'jm-killed',
  },
  {
    name: 'a restarted JobManager is told as a job that was removed',
    file: 'src/watch/how-lost.ts',
    from: "'restart' : 'removal'",
    to: "'removal' : 'restart'",
    scene: 'jm-killed',
  },
  {
    name: 'a run is healthy with tasks that do not run',
    file: 'src/watch/cluster-poll.rule.ts',
    from: 'run.tasksRunning >= run.tasksTotal',
    to: 'run.tasksRunning < run.tasksTotal',
    scene: 'tm-killed',
  },
  {
    name: 'a cluster counts as silent only after many polls',
    file: 'src/watch/cluster-poll.ts',
    from: 'const unreachableAfter = 2;',
    to: 'const unreachableAfter = 100;',
    scene: 'jm-frozen',
  },
  {
    name: 'a young checkpoint is too old',
    file: 'src/watch/objective.rule.ts',
    from: 'if (ageMs <= limitMs)',
    to: 'if (ageMs > limitMs)',
    scene: 'checkpoint-directory',
  },
  {
    name: 'the objective of a job counts for nothing',
    file: 'src/watch/tell-objective.ts',
    from: "if (fact.is !== 'lost') {",
    to: "if (fact.is !== 'lost' || fact.ageMs > 0) {",
    scene: 'slow-sink',
  },
  {
    name: 'restarts are told at once',
    file: 'src/incidents/causes.ts',
    from: 'settles: true,',
    to: 'settles: false,',
    scene: 'source-failing',
  },
  {
    name: 'a job that is back each time has no problem',
    file: 'src/watch/restart-loop.rule.ts',
    from: 'if (within.length < limit)',
    to: 'if (within.length >= limit)',
    scene: 'crash-loop',
  },
  {
    name: 'a loop is over after a minute',
    file: 'src/watch/restart-loop.rule.ts',
    from: 'loopWindowMs = 15 * 60_000',
    to: 'loopWindowMs = 60_000',
    scene: 'crash-loop',
  },
  {
    name: 'what lasts is told to nobody',
    file: 'src/incidents/lifecycle.ts',
    from: 'for (const row of await duePending(tx)) {',
    to: 'for (const row of (await duePending(tx)).slice(0, 0)) {',
    scene: 'out-of-slots',
  },
  {
    name: 'a failure is taken for a cancellation',
    file: 'src/operations/settle-run.ts',
    from: "FAILED: 'failed'",
    to: "FAILED: 'canceled'",
    scene: 'source-failing',
  },
  {
    name: 'data that stopped are well, and those that flow are none',
    file: 'src/watch/flow.rule.ts',
    from: 'if (lost == null) continue;',
    to: 'if (lost != null) continue;',
    scene: 'source-dry',
  },
  {
    name: 'a watermark that stands while records come is no problem',
    file: 'src/watch/flow.rule.ts',
    from: 'Math.max(watermark.movedAt, taken.since) < limitMs',
    to: 'Math.max(watermark.movedAt, taken.since) >= limitMs',
    scene: 'partition-idle',
  },
  {
    name: 'what is held back is not, and the other way round',
    file: 'src/watch/flow.rule.ts',
    from: 'share <= pressedShare',
    to: 'share > pressedShare',
    scene: 'slow-sink',
  },
  {
    name: 'checkpoints have grown when all are within the usual',
    file: 'src/watch/growth.rule.ts',
    from: 'run.every((one) => one[key] > limit)',
    to: 'run.every((one) => one[key] <= limit)',
    scene: 'state-grown',
  },
  {
    name: 'a run that was restored from nothing began from its state',
    file: 'src/watch/empty.rule.ts',
    from: 'if (sight.restored ||',
    to: 'if (!sight.restored ||',
    scene: 'started-empty',
  },
  {
    name: 'a streaming job that ends did its work',
    file: 'src/watch/tell-ends.ts',
    from: '!didItsWork(run)',
    to: 'didItsWork(run)',
    scene: 'stopped-outside',
  },
  {
    name: 'a cancellation by others is told to nobody',
    file: 'src/watch/tell-ends.ts',
    from: "if (run.endReason === 'canceled')",
    to: "if (run.endReason !== 'canceled')",
    scene: 'canceled-outside',
  },
  {
    name: 'a copy beside a run that lives is nobody’s business',
    file: 'src/watch/tell-twins.ts',
    from: 'const mayBeTwice = found.length > 0 ||',
    to: 'const mayBeTwice = false &&',
    scene: 'copy-started',
  },
];
