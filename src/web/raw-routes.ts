import type { FastifyInstance } from 'fastify';
import type { WebOptions } from './web.ts';

/** Mounts handlers that read the raw request themselves, in a plugin of their own whose body nobody else reads. */
export function rawRoutes(web: WebOptions) {
  return async (app: FastifyInstance): Promise<void> => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const route of web.rawRoutes) {
      app.route({
        method: route.method,
        url: route.path,
        async handler(request, reply) {
          reply.hijack();
          try {
            await route.handle(request.raw, reply.raw);
          } catch (error) {
            web.log.error({ path: route.path, error: error instanceof Error ? error.stack : String(error) }, 'a raw route failed');
            if (!reply.raw.headersSent) reply.raw.writeHead(500);
            reply.raw.end();
          }
        },
      });
    }
  };
}
