import { UserError } from '../core/errors.ts';
import { decideNow } from './deciding.ts';
import { defineCommand } from './spec.ts';

export const reject = defineCommand({
  name: 'reject',
  summary: 'Reject a plan that waits for a lead.',
  examples: ['reject op_4k2m9x7qw3tz --reason "wait for the release"'],
  arguments: [{ name: 'operation', summary: 'The id in the plan.', required: true, kind: 'text' }],
  options: { reason: { summary: 'Why not; the requester reads it.', value: 'text' } },
  kind: 'operate',
  right: 'anyone',
  who: "a lead of the job's team, never the one who asked",
  async run(ctx, args) {
    const reason = (args.options['reason'] as string | undefined)?.trim();
    if (!reason) throw new UserError('A rejection needs a reason.', { hint: 'Add --reason "why not".' });
    return decideNow(ctx, args.values['operation'] as string, 'rejected', reason);
  },
});
