import { decideNow } from './deciding.ts';
import { defineCommand } from './spec.ts';

export const approve = defineCommand({
  name: 'approve',
  summary: 'Approve a plan that waits for a lead; never your own.',
  examples: ['approve op_4k2m9x7qw3tz'],
  arguments: [{ name: 'operation', summary: 'The id in the plan.', required: true, kind: 'text' }],
  options: { reason: { summary: 'A word to the requester.', value: 'text' } },
  kind: 'operate',
  right: 'anyone',
  who: "a lead of the job's team, never the one who asked",
  run: (ctx, args) => decideNow(ctx, args.values['operation'] as string, 'approved', args.options['reason'] as string | undefined),
});
