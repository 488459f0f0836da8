import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** The page's own styles and scripts, and htmx from its package: these two folders and nothing else. */
export function staticFiles() {
  return async (app: FastifyInstance): Promise<void> => {
    const only = { index: false as const, dotfiles: 'deny' as const, list: false as const };
    await app.register(fastifyStatic, {
      ...only,
      root: fileURLToPath(new URL('../../views/static/', import.meta.url)),
      prefix: '/static/',
      decorateReply: false,
    });
    await app.register(fastifyStatic, {
      ...only,
      root: dirname(fileURLToPath(import.meta.resolve('htmx.org'))),
      prefix: '/static/htmx/',
      decorateReply: false,
    });
  };
}
