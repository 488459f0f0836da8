import type { stepPoints } from '../../src/operations/points.ts';
import type { FaultMode } from './app.ts';
import type { Mutant } from './mutate.ts';

/** A fault planted in the engine, and the scene in which it shows. */
export interface PlantedMutant extends Mutant {
  name: string;
  /** Name of a scene in scenes.ts. */
  scene: string;
  /** What is done to the process meanwhile; nothing when left out. */
  at?: { point: string; mode: FaultMode };
  /** Another line, typed at the same moment. */
  beside?: string;
}
type Moment = (typeof stepPoints)[number];
const at = (step: string, moment: Moment, mode: FaultMode = 'kill') => ({ point: `${step}/${moment}`, mode });

/** Faults that only show with real processes and a real database; those of the pure rules are in interleavings/. */
export const mutants: readonly PlantedMutant[] = [
  {
    name: 'writes without the epoch in their condition',
    file: 'src/operations/operations.store.ts',
    from: "and(eq(operations.id, op.id), eq(operations.epoch, op.epoch), eq(operations.state, 'running'))",
    to: 'eq(operations.id, op.id)',
    scene: 'a stop',
    at: at('stop/stop-savepoint', 'after-effect', 'freeze'),
  },
  {
    name: 'a request is accepted in two transactions, and the process dies between them',
    file: 'src/operations/accept.ts',
    from: 'const op = (await findOperation(tx, id)) as Operation;',
    to: `const op = (await findOperation(tx, id)) as Operation; await tx.execute('commit' as never); console.log('{"fired":"accept","mode":"kill"}'); process.kill(process.pid, 'SIGKILL');`,
    scene: 'a build',
  },
  {
    name: 'the intent is not stored before the effect',
    file: 'src/operations/run-step.ts',
    from: 'await writeIntent(tx, execution.op, at, chosen);',
    to: 'new Date(); void [tx, writeIntent, at];',
    scene: 'a resume',
    at: at('start/submit', 'after-effect'),
  },
  {
    name: 'ids are chosen anew after a crash',
    file: 'src/operations/execute.ts',
    from: 'move.begun ? (intents[step.name] ?? {}) : undefined',
    to: 'undefined',
    scene: 'a resume',
    at: at('start/submit', 'after-effect'),
  },
  {
    name: 'a cancel counts although a stop has begun',
    file: 'src/operations/machine.ts',
    from: "(begun && step.cancel !== 'at-once') || (finishing && step.cancel === 'finish-first')",
    to: 'false && begun && finishing && step',
    scene: 'a stop',
    at: at('stop/stop-savepoint', 'after-effect'),
    beside: 'cancel',
  },
  {
    name: 'the restore point is not kept with the result',
    file: 'src/operations/run-step.ts',
    from: 'const more = await step.record?.(tx, c, intent as Json, end.result);',
    to: 'const more = {};',
    scene: 'a savepoint',
  },
  {
    name: 'rights are not looked at again',
    file: 'src/operations/rights.ts',
    from: "const right = (op.input['right'] as Right | undefined) ?? 'change';",
    to: "const right = (op.input['right'] as Right | undefined) ?? 'change'; if (right) return undefined;",
    scene: 'a restore whose requester has lost the role',
  },
  {
    name: 'an operation that failed is carried on instead of undone',
    file: 'src/operations/machine.ts',
    from: 'const list = view.turned ? view.undo : view.steps;',
    to: 'const list = view.steps;',
    scene: 'a build that fails',
  },
  {
    name: 'a resume goes back to the first state instead of the last',
    file: 'src/deploy/kinds/standalone.ts',
    from: 'savepointPath: submission.restorePath,',
    to: 'savepointPath: undefined,',
    scene: 'a resume',
  },
  {
    name: 'the audit chain is not linked',
    file: 'src/access/audit.store.ts',
    from: "const previousHash = last?.hash ?? '';",
    to: "const previousHash = String(last?.hash ?? '').slice(1);",
    scene: 'a savepoint',
  },
];
