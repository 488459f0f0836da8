import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorView } from '../../views/error.ts';
import { layout } from '../../views/layout.ts';
import { reportError } from '../access/error-reports.store.ts';
import { AppError, type ErrorCode, errorToMessage } from '../core/errors.ts';
import { html } from '../core/html.ts';
import { sendHtml, sendPage } from './send.ts';
import type { WebOptions } from './web.ts';

const statuses: Record<ErrorCode, number> = {
  bad_input: 400,
  not_found: 404,
  not_permitted: 403,
  conflict: 409,
  upstream: 502,
  unreachable: 503,
  build_failed: 422,
  config: 500,
  fenced: 409,
  internal: 500,
};

/** Errors as pages: a plain sentence and the next step; unexpected ones under a reference that finds the full text. */
export function useErrorPages(app: FastifyInstance, web: WebOptions): void {
  app.setErrorHandler(async (error: unknown, request, reply) => {
    const shown = await explain(web, error, request);
    if (request.raw.destroyed && !request.raw.complete) return;
    return sendError(request, reply, shown);
  });
}

interface ShownError {
  status: number;
  title: string;
  hint: string | undefined;
  reference: string | undefined;
}
async function explain(web: WebOptions, error: unknown, request: FastifyRequest): Promise<ShownError> {
  if (!(error instanceof AppError)) {
    const status = (error as { statusCode?: unknown }).statusCode;
    // Fastify's own refusals: a body that is too large, of an unknown type or cut short.
    if (typeof status === 'number' && status >= 400 && status < 500) {
      const title =
        status === 413 ? 'That is too large to be taken.' : `This request cannot be understood (${STATUS_CODES[status] ?? status}).`;
      return { status, title, hint: 'Nothing was done. Load the page again, then repeat.', reference: undefined };
    }
  }
  const told = errorToMessage(error);
  const route = request.routeOptions.url ?? 'unknown path';
  if (told.reference) {
    web.log.error(
      { reference: told.reference, route, error: error instanceof Error ? error.stack : String(error) },
      'a page failed unexpectedly',
    );
    await reportError(web.database.db, told.reference, `page ${route}`, error).catch(() => {});
  }
  const hint = error instanceof AppError ? error.hint : 'The full error is in the log and on the page below.';
  return { status: statuses[told.code], title: told.message.title, hint, reference: told.reference };
}

function sendError(request: FastifyRequest, reply: FastifyReply, shown: ShownError): FastifyReply {
  const content = errorView(shown);
  if (request.headers['hx-request'] === 'true') {
    // A poll that fails changes nothing; the next one may work. What a person did is answered at the top.
    if (request.method === 'GET' || request.method === 'HEAD') reply.header('HX-Reswap', 'none');
    else reply.header('HX-Retarget', '#reply').header('HX-Reswap', 'innerHTML');
    return sendHtml(reply, content, shown.status);
  }
  const page = html`${content}<p><a href="/">To the jobs</a></p>`;
  return request.viewer
    ? sendPage(request, reply, { title: 'Error' }, page, shown.status)
    : sendHtml(reply, layout({ title: 'Error' }, page), shown.status);
}
