import type { Run } from '../jobs/runs.store.ts';
import { type ClusterSeen, type Following, hasStrangers, restlessOf } from './cluster-poll.rule.ts';

/** What the states alone say of a cluster's runs. */
export interface Judged {
  /** See `restlessOf`. */
  restless: readonly Following[];
  /** Whether it has jobs under way that no run is known of. */
  strangers(): boolean;
}
const before = new WeakMap<readonly Run[], Judged & { states: ClusterSeen['states'] }>();
/** For want of tasks nothing depends on the time. */
const anyTime = new Date(0);

/** Runs against the states of a poll. Nearly always both are the very objects of the poll before: then nothing is judged again, of ten thousand runs each second. */
export function judge(runs: readonly Run[], states: ClusterSeen['states']): Judged {
  const known = before.get(runs);
  if (known?.states === states) return known;
  let strangers: boolean | undefined;
  const judged = {
    states,
    restless: restlessOf(runs, { states, tasks: undefined }, anyTime),
    strangers: () => (strangers ??= hasStrangers(states, runs)),
  };
  before.set(runs, judged);
  return judged;
}
