import type { Mutant } from '../faults/mutate.ts';

/** A rule of watch that is inverted or taken away, and the recorded scene in which people would hear the wrong thing. */
export interface RuleMutant extends Mutant {
  name: string;
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
    from: 'return ageMs > limitMs',
    to: 'return ageMs < limitMs',
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
];
