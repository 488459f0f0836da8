import { createSignInLink } from '../access/sign-in.store.ts';
import { actions, message, text } from '../core/message.ts';
import { defineCommand } from './spec.ts';

export const web = defineCommand({
  name: 'web',
  summary: 'A one-time sign-in link to the admin page.',
  examples: ['web', 'web etl-orders'],
  arguments: [{ name: 'job', summary: 'Open this job.', required: false, kind: 'text' }],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx, args) {
    const name = args.values['job'];
    const job = name === undefined ? undefined : await ctx.job(name, 'see');
    const token = await ctx.services.database.transaction((tx) => createSignInLink(tx, ctx.me().ref));
    const next = job ? `&next=${encodeURIComponent(`/jobs/${job.name}`)}` : '';
    return message(
      'neutral',
      'Your sign-in link',
      text('It works once, for 5 minutes, for you alone; the session lasts a working day.'),
      actions({ label: 'Open the page', url: `${ctx.services.settings.publicUrl}/sign-in?code=${token}${next}`, style: 'primary' }),
    );
  },
});
