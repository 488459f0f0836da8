import { validateMessage } from '../blocks/validate.ts';
import type { Method } from './method.ts';
import { argumentError, SlackError } from './slack-error.ts';

/** auth.test, apps.connections.open and blocks.validate. */
export const appMethods: Record<string, Method> = {
  'auth.test': {
    token: 'bot',
    run: (ctx) => ({
      url: `${ctx.url()}/`,
      team: ctx.ws.state.team.name,
      user: ctx.ws.app.name,
      team_id: ctx.ws.state.team.id,
      user_id: ctx.ws.app.id,
      bot_id: ctx.ws.app.bot.botId,
      is_enterprise_install: false,
    }),
  },
  'apps.connections.open': {
    token: 'app',
    tier: 'tier3',
    run: (ctx) => ({ url: ctx.url().replace(/^http/, 'ws') + ctx.hub.newTicket() }),
  },
  'blocks.validate': {
    token: 'none',
    run(_ctx, args) {
      if (!Array.isArray(args['blocks'])) throw argumentError('missing required field: blocks');
      const { problems } = validateMessage(args['blocks'], undefined);
      if (problems.length > 0) throw new SlackError('invalid_blocks', { errors: problems });
      return {};
    },
  },
};
