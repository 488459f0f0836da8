import { samePerson } from '../../access/policy.ts';
import type { Action } from '../../core/message.ts';
import type { Job } from '../../jobs/jobs.store.ts';
import type { Operation } from '../../operations/types.ts';
import { type CommandContext, commandButton } from '../spec.ts';

/** What a lead can do about a plan that waits. */
export function decisionButtons(id: string): Action[] {
  return [
    commandButton('Approve', `approve ${id}`, 'primary'),
    {
      label: 'Reject',
      command: `reject ${id} --reason {input}`,
      style: 'danger',
      input: { title: 'Reject', label: 'Why not? The requester reads this.', multiline: true },
    },
  ];
}

/** What this person can do about an operation that is not over. */
export function operationButtons(ctx: CommandContext, op: Operation, job: Job): Action[] {
  const mayOperate = ctx.verdict('operate', job) === 'yes';
  const cancel = commandButton(op.state === 'parked' ? 'Give up' : 'Cancel', `cancel ${op.job} --operation ${op.id}`);
  switch (op.state) {
    case 'waiting': {
      const decides = ctx.verdict('approve', job) === 'yes' && !(ctx.person && samePerson(ctx.person.ref, op.actor));
      return [...(decides ? decisionButtons(op.id) : []), ...(mayOperate ? [cancel] : [])];
    }
    case 'queued':
    case 'running':
      return mayOperate && !op.cancelRequestedAt ? [cancel] : [];
    case 'parked':
      return mayOperate ? [commandButton('Try again', `retry ${op.id}`, 'primary'), cancel] : [];
    default:
      return [];
  }
}
