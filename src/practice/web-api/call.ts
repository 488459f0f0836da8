import type { Context } from '../context.ts';
import { spend } from '../faults.ts';
import type { Json } from '../types.ts';
import { appMethods } from './app-methods.ts';
import { decodeFields, textArg } from './arguments.ts';
import { chatMethods } from './chat.ts';
import { conversationMethods } from './conversations.ts';
import type { Method } from './method.ts';
import { needScope } from './method.ts';
import { peopleMethods } from './people.ts';
import { SlackError } from './slack-error.ts';
import { viewMethods } from './views.ts';

const methods: Record<string, Method> = { ...appMethods, ...chatMethods, ...conversationMethods, ...peopleMethods, ...viewMethods };

export interface CallAnswer {
  status: number;
  headers: Record<string, string>;
  body: Json & { ok: boolean };
}

/** One Web API call: token, scope, rate limit, then the method; Slack answers refusals with HTTP 200 and `ok: false`. */
export async function callMethod(ctx: Context, name: string, raw: Json, bearer: string | undefined): Promise<CallAnswer> {
  const headers: Record<string, string> = { 'x-oauth-scopes': [...ctx.setup.scopes].join(',') };
  try {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (!method) throw new SlackError('unknown_method', { req_method: name });
    checkToken(ctx, method, bearer ?? textArg(raw, 'token'));
    if (method.scope) {
      headers['x-accepted-oauth-scopes'] = method.scope;
      needScope(ctx, method.scope);
    }
    const args = decodeFields(raw);
    if (spend(ctx.faults, 'rateLimitNext', ctx.faults.rateLimitMethod, name)) return limited(headers, ctx.faults.retryAfterS);
    const waitS = method.tier ? ctx.limiter.take(method.tier, `${name} ${method.limitKey?.(args) ?? ''}`) : 0;
    if (waitS > 0) return limited(headers, waitS);
    return { status: 200, headers, body: { ok: true, ...(await method.run(ctx, args)) } };
  } catch (error) {
    if (!(error instanceof SlackError)) throw error;
    return { status: 200, headers, body: { ok: false, error: error.code, ...error.extra } };
  }
}

function limited(headers: Record<string, string>, seconds: number): CallAnswer {
  return { status: 429, headers: { ...headers, 'retry-after': String(seconds) }, body: { ok: false, error: 'ratelimited' } };
}

function checkToken(ctx: Context, method: Method, token: string | undefined): void {
  if (method.token === 'none') return;
  if (token === undefined) throw new SlackError('not_authed');
  const isBot = token === ctx.tokens.bot;
  const isApp = ctx.tokens.app !== undefined && token === ctx.tokens.app;
  if (!isBot && !isApp) throw new SlackError('invalid_auth');
  if (isBot !== (method.token === 'bot')) throw new SlackError('not_allowed_token_type');
  if (isBot && ctx.faults.tokenRevoked) throw new SlackError('token_revoked');
}
