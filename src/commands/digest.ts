import { UserError } from '../core/errors.ts';
import { buildDigest } from '../incidents/digest.ts';
import { defineCommand } from './spec.ts';

export const digest = defineCommand({
  name: 'digest',
  summary: "The checkpoint digest of this channel's jobs, now.",
  examples: ['digest'],
  arguments: [],
  options: {},
  kind: 'read',
  right: 'see',
  async run(ctx) {
    const channel = ctx.request.origin.channel ?? ctx.services.defaultChannel;
    if (!channel) throw new UserError('There is no channel to make a digest of.', { hint: 'Type it in a channel where jobs speak.' });
    const { message } = await buildDigest(ctx.services.database.db, channel, ctx.now, ctx.services);
    return message;
  },
});
