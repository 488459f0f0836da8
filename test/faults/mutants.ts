import type { stepPoints } from '../../src/operations/points.ts';
import type { FaultMode } from './app.ts';
import type { Mutant } from './mutate.ts';

/** A scene in which a fault of the engine shows; without one it is silent. */
export interface Setting {
  /** Name of a scene in scenes.ts. */
  scene: string;
  /** What is done to the process meanwhile; nothing when left out. */
  at?: { point: string; mode: FaultMode };
  /** Another line, typed at the same moment. */
  beside?: string;
  /** How many processes there are; 1, or 2 with a freeze, when left out. */
  replicas?: number;
  /** How long a savepoint takes meanwhile. */
  savepointMs?: number;
  /** The hosts' clocks are a minute ahead of the database's. */
  clocksAhead?: boolean;
}
/** A fault planted in the engine, and where it shows. */
export interface PlantedMutant extends Mutant {
  name: string;
  shows: Setting;
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
    shows: { scene: 'a stop', at: at('stop/stop-savepoint', 'after-effect', 'freeze') },
  },
  {
    name: 'a lease is compared with the clock of the host',
    file: 'src/operations/operations.store.ts',
    from: 'o.lease_until < sluice_now() or o.owner',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is put into a template of the source
    to: 'o.lease_until < ${new Date()} or o.owner',
    // Each takes it from the other, again and again, until it is given to a person.
    shows: { scene: 'a stop', replicas: 2, savepointMs: 8000, clocksAhead: true },
  },
  {
    name: 'a request is accepted in two transactions, and the process dies between them',
    file: 'src/operations/accept.ts',
    from: 'const op = (await findOperation(tx, id)) as Operation;',
    to: `const op = (await findOperation(tx, id)) as Operation; await tx.execute('commit' as never); console.log('{"fired":"accept","mode":"kill"}'); process.kill(process.pid, 'SIGKILL');`,
    shows: { scene: 'a build' },
  },
  {
    name: 'the intent is not stored before the effect',
    file: 'src/operations/run-step.ts',
    from: 'await writeIntent(tx, execution.op, at, chosen);',
    to: 'new Date(); void [tx, writeIntent, at];',
    shows: { scene: 'a resume', at: at('start/submit', 'after-effect') },
  },
  {
    name: 'ids are chosen anew after a crash',
    file: 'src/operations/execute.ts',
    from: 'move.begun ? (intents[step.name] ?? {}) : undefined',
    to: 'undefined',
    shows: { scene: 'a resume', at: at('start/submit', 'after-effect') },
  },
  {
    name: 'a cancel counts although a stop has begun',
    file: 'src/operations/machine.ts',
    from: "(begun && step.cancel !== 'at-once') || (finishing && step.cancel === 'finish-first')",
    to: 'false && begun && finishing && step',
    shows: { scene: 'a stop', at: at('stop/stop-savepoint', 'after-effect'), beside: 'cancel' },
  },
  {
    name: 'the restore point is not kept with the result',
    file: 'src/operations/run-step.ts',
    from: 'const more = await step.record?.(tx, c, intent as Json, end.result);',
    to: 'const more = {};',
    shows: { scene: 'a savepoint' },
  },
  {
    name: 'rights are not looked at again',
    file: 'src/operations/rights.ts',
    from: "const right = (op.input['right'] as Right | undefined) ?? 'change';",
    to: "const right = (op.input['right'] as Right | undefined) ?? 'change'; if (right) return undefined;",
    shows: { scene: 'a restore whose requester has lost the role' },
  },
  {
    name: 'an operation that failed is carried on instead of undone',
    file: 'src/operations/machine.ts',
    from: 'const list = view.turned ? view.undo : view.steps;',
    to: 'const list = view.steps;',
    shows: { scene: 'a build that fails' },
  },
  {
    name: 'a resume goes back to the first state instead of the last',
    file: 'src/deploy/kinds/standalone.ts',
    from: 'savepointPath: submission.restorePath,',
    to: 'savepointPath: undefined,',
    shows: { scene: 'a resume' },
  },
  {
    name: 'what a JobManager that was just restarted does not list is taken for gone',
    file: 'src/operations/proven-sight.ts',
    from: "sight.is === 'gone' && (await mayBringBack(db, open, options))",
    to: "false && sight.is === 'gone' && (await mayBringBack(db, open, options))",
    shows: { scene: 'a restart of what a new JobManager does not list yet' },
  },
  {
    name: 'the audit chain is not linked',
    file: 'src/access/audit.store.ts',
    from: "const previousHash = last?.hash ?? '';",
    to: "const previousHash = String(last?.hash ?? '').slice(1);",
    shows: { scene: 'a savepoint' },
  },
];
