import type { OperationKind } from './types.ts';

/** Moments of a step at which a process may die: the record and the world differ in another way at each. */
export const stepPoints = ['before-intent', 'after-intent', 'after-effect', 'after-result'] as const;
/** Moments of an operation's end. */
export const endPoints = ['before-notice', 'after-notice'] as const;

/** Every named moment of every kind's steps and of what undoes them, from the step table itself: `start/submit/after-intent`. */
export function listPoints(kinds: readonly OperationKind[]): string[] {
  return kinds.flatMap((kind) => [
    ...[...kind.steps, ...(kind.undo ?? [])].flatMap((step) => stepPoints.map((point) => `${kind.kind}/${step.name}/${point}`)),
    ...endPoints.map((point) => `${kind.kind}/end/${point}`),
  ]);
}

/** Names of all steps of these kinds: what a process knows how to carry on. */
export function stepNamesOf(kinds: readonly OperationKind[]): string[] {
  return [...new Set(kinds.flatMap((kind) => [...kind.steps, ...(kind.undo ?? [])].map((step) => step.name)))];
}
