import { formatAge } from '../core/time.ts';
import type { Run } from './runs.store.ts';

const words: Record<string, string> = {
  stopped: 'was stopped',
  canceled: 'was canceled outside Sluice',
  finished: 'finished',
  failed: 'failed',
  lost: 'was lost: the cluster no longer knows it',
  'never-started': 'did not come up',
};

/** How a run ended, for people: `was stopped`, `did not come up`. */
export function endWords(run: Pick<Run, 'endReason'>): string {
  return words[run.endReason ?? ''] ?? 'ended';
}
/** The same with when: `failed 4 min ago`. */
export function endedAgo(run: Pick<Run, 'endReason' | 'endedAt' | 'stateAt'>, now: Date): string {
  const [verb, ...rest] = endWords(run).split(': ');
  return [`${verb} ${formatAge(run.endedAt ?? run.stateAt, now)}`, ...rest].join(': ');
}
