import { setTimeout as wait } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from './context.ts';
import { spend } from './faults.ts';
import { respond } from './response-url.ts';
import { isObject, type Json } from './types.ts';
import { readBody } from './web-api/arguments.ts';
import { callMethod } from './web-api/call.ts';
import { SlackError } from './web-api/slack-error.ts';

/** The app's side of the server: the Web API under /api/ and the response URLs. Bodies arrive as raw buffers. */
export function slackRoutes(app: FastifyInstance, ctx: Context): void {
  app.all<{ Params: { method: string } }>('/api/:method', async (request, reply) => {
    const started = performance.now();
    const name = request.params.method;
    if (ctx.faults.outage) return cut(reply);
    let args: Json = {};
    const finish = async (status: number, body: Json, headers: Record<string, string> = {}) => {
      ctx.journal.add({
        direction: 'in',
        what: name,
        transport: 'http',
        request: args,
        status: body['ok'] === true ? 'ok' : String(body['error'] ?? status),
        answer: body,
        durationMs: performance.now() - started,
        refused: body['ok'] !== true,
      });
      if (ctx.faults.slowAnswerMs > 0) await wait(ctx.faults.slowAnswerMs, undefined, { ref: false });
      return reply.code(status).headers(headers).type('application/json; charset=utf-8').send(JSON.stringify(body));
    };
    if (ctx.faults.serverErrorNext > 0) {
      ctx.faults.serverErrorNext--;
      return finish(ctx.faults.serverErrorStatus, { ok: false, error: 'service_unavailable' });
    }
    try {
      const contentType = request.headers['content-type'] ?? '';
      args =
        request.method === 'GET'
          ? { ...(request.query as Json) }
          : { ...(request.query as Json), ...(await readBody(rawBody(request), contentType)) };
    } catch (error) {
      if (!(error instanceof SlackError)) throw error;
      return finish(200, { ok: false, error: error.code });
    }
    const bearer = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const answer = await callMethod(ctx, name, args, bearer);
    if (spend(ctx.faults, 'dropAfterAcceptNext', ctx.faults.dropMethod, name)) {
      ctx.journal.add({
        direction: 'in',
        what: name,
        transport: 'http',
        request: args,
        status: 'answer lost',
        answer: answer.body,
        durationMs: performance.now() - started,
        refused: false,
      });
      return cut(reply);
    }
    return finish(answer.status, answer.body, answer.headers);
  });

  for (const kind of ['commands', 'actions']) {
    app.post(`/${kind}/*`, async (request, reply) => {
      const started = performance.now();
      if (ctx.faults.outage) return cut(reply);
      const body = parseResponseBody(rawBody(request));
      const answer = body === undefined ? { status: 400, body: { ok: false, error: 'invalid_payload' } } : respond(ctx, request.url, body);
      ctx.journal.add({
        direction: 'in',
        what: 'response_url',
        transport: 'http',
        request: body,
        status: answer.status === 200 ? 'ok' : String(answer.body['error']),
        answer: answer.body,
        durationMs: performance.now() - started,
        refused: answer.status !== 200,
      });
      return reply.code(answer.status).type('application/json; charset=utf-8').send(JSON.stringify(answer.body));
    });
  }
}

function rawBody(request: FastifyRequest): Buffer | undefined {
  return Buffer.isBuffer(request.body) ? request.body : undefined;
}
function parseResponseBody(body: Buffer | undefined): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(body?.toString('utf8') ?? '');
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
/** Ends the connection without an answer. */
function cut(reply: FastifyReply): FastifyReply {
  reply.hijack();
  reply.raw.destroy();
  return reply;
}
