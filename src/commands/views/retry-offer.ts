import type { Action } from '../../core/message.ts';
import type { Approval } from '../../operations/approvals.store.ts';
import { askAgain } from '../../operations/ask-again.ts';
import type { Operation, OperationStep } from '../../operations/types.ts';

export interface RetryOffer {
  /** The button; undefined where going on from here is not safe or makes no sense. */
  action: Action | undefined;
  /** Why it is offered or not, and what it would do. */
  why: string;
}

/** Operations that leave what runs as it is, so that an earlier one may still be asked for in the same way. */
const harmless: readonly string[] = ['build', 'savepoint'];

/** The first operation after this one, of those given, that may have changed what this one was asked for. */
export function changedSince(op: Operation, operations: readonly Operation[]): Operation | undefined {
  return operations.findLast(
    (o) => o.id !== op.id && o.createdAt > op.createdAt && !harmless.includes(o.kind) && o.state !== 'waiting' && o.startedAt !== null,
  );
}

/**
 * Whether, and how, an operation can be gone on with from where it stands. A parked one is sent on; a failed one becomes a new operation that is
 * planned from how the world is then, with what the first has achieved (an artifact, a stop) left out. No effect is repeated blindly.
 * @param changed what was done to the job since, from `changedSince`.
 */
export function retryOffer(
  op: Operation,
  steps: readonly OperationStep[],
  approval: Pick<Approval, 'state'> | undefined,
  changed: Operation | undefined,
): RetryOffer {
  switch (op.state) {
    case 'parked':
      return {
        action: { label: 'Retry from here', command: `retry ${op.id}`, style: 'primary' },
        why: op.turned
          ? `It ${op.turned.into === 'failed' ? 'failed' : 'was canceled'}, and undoing it could not be finished: it looks at what is true, then goes on undoing.`
          : `It looks first at what has become of ${quoted(steps)}, then goes on from there. What is done is not done again.`,
      };
    case 'failed':
      return afterFailure(op, steps, changed);
    case 'canceled':
      return canceled(op, approval, changed);
    case 'succeeded':
      return { action: undefined, why: 'It is done: there is nothing to go on with.' };
    default:
      return { action: undefined, why: op.state === 'waiting' ? 'It has not begun: a lead decides first.' : 'It is still in progress.' };
  }
}
function quoted(steps: readonly OperationStep[]): string {
  const at = steps.find((s) => s.state === 'running');
  return at ? `"${at.title}"` : 'its last step';
}

function afterFailure(op: Operation, steps: readonly OperationStep[], changed: Operation | undefined): RetryOffer {
  if (changed) return since(changed);
  const done = new Map(steps.filter((s) => s.state === 'done').map((s) => [s.name, s.result ?? {}]));
  if (done.has('running'))
    return {
      action: undefined,
      why: `${op.job} runs: only a later step failed. Doing it again would stop what runs; look at its status first.`,
    };
  const built = done.get('build-bind')?.['version'];
  if (op.kind === 'restart' && done.has('stop-ended')) {
    const version = built ?? op.input['version'];
    return {
      action: again({ kind: 'start', job: op.job, input: version === undefined ? {} : { version } }, false),
      why: `What ran was stopped before, with its state kept, and is not stopped again: ${op.job} is started from there${typeof version === 'number' ? ` as v${version}` : ''}.`,
    };
  }
  const asksLead = op.input['right'] === 'rewind';
  const tail = asksLead ? ' On production a lead is asked again.' : '';
  if (built !== undefined && op.kind !== 'build') {
    const { build: _build, branch: _branch, ...kept } = op.input;
    return {
      action: again({ kind: op.kind, job: op.job, input: { ...kept, version: built } }, asksLead),
      why: `A new operation with v${String(built)}, which this one has built: it is not built again.${tail}`,
    };
  }
  return {
    action: again(op, asksLead),
    why: `A new operation, asked for in the same way and planned from how things are then.${tail}`,
  };
}

function canceled(op: Operation, approval: Pick<Approval, 'state'> | undefined, changed: Operation | undefined): RetryOffer {
  if (approval?.state === 'rejected')
    return { action: undefined, why: 'A lead rejected it. What is still wanted is asked for anew, with a better reason.' };
  if (changed) return since(changed);
  if (op.startedAt)
    return {
      action: undefined,
      why: `It was canceled on the way; how ${op.job} was left is said above. What is still wanted is asked for anew.`,
    };
  return {
    action: { ...again(op, op.input['right'] === 'rewind'), label: 'Ask again' },
    why: 'It never began. Asking again makes a new operation, planned from how things are then.',
  };
}
function since(changed: Operation): RetryOffer {
  return {
    action: undefined,
    why: `Not offered: since then a ${changed.kind} was begun (${changed.id}), so what this one had done may not hold any more.`,
  };
}
/** The button that asks in the same way; only what a lead decides about needs a new reason. */
function again(op: Pick<Operation, 'kind' | 'job' | 'input'>, needsReason: boolean): Action {
  const action = askAgain(op);
  if (needsReason || !action.command) return { ...action, label: 'Retry from here' };
  return { label: 'Retry from here', command: action.command.replace(' --reason {input}', '') };
}
