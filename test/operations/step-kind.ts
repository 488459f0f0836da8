import { outcome } from '../../src/operations/message.ts';
import type { OperationKind, Step } from '../../src/operations/types.ts';

/** A step that does nothing but what the test gives it. */
export function step(name: string, change: Partial<Step> = {}): Step {
  return { name, title: `Do ${name}`, cancel: 'finish-first', deadlineMs: 20_000, holds: true, act: async () => ({}), ...change };
}
/** A kind of operation made of such steps. */
export function kindOf(steps: Step[], change: Partial<OperationKind> = {}): OperationKind {
  return {
    kind: 'start',
    busyTitle: (op) => `Starting ${op.job}`,
    steps,
    succeeded: async () => outcome('good', 'all done'),
    ...change,
  };
}
