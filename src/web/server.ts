import type { AddressInfo } from 'node:net';
import helmet from '@fastify/helmet';
import fastify, { type FastifyInstance } from 'fastify';
import { metricsRoute } from './metrics.ts';
import { rawRoutes } from './raw-routes.ts';
import { site } from './site.ts';
import { staticFiles } from './static-files.ts';
import type { WebOptions } from './web.ts';

export type { WebOptions } from './web.ts';
export interface Web {
  app: FastifyInstance;
  /** Begins to listen. @returns the address on this machine and the port. */
  listen(): Promise<{ url: string; port: number }>;
  close(): Promise<void>;
}

/** The one web server: Slack's requests, the admin page, `/healthz`. */
export async function createWeb(web: WebOptions): Promise<Web> {
  const app = fastify({ logger: false, bodyLimit: 1024 * 1024, forceCloseConnections: true, routerOptions: { ignoreTrailingSlash: true } });
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    // `no-referrer`, helmet's own, makes browsers send `Origin: null` with our forms.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: web.publicUrl.startsWith('https:'),
  });
  app.get('/healthz', async (_request, reply) => {
    const health = await web.health();
    return reply
      .code(health.ok ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(health);
  });
  await app.register(metricsRoute(web));
  await app.register(rawRoutes(web));
  await app.register(staticFiles());
  await app.register(site(web));
  return {
    app,
    async listen() {
      await app.listen({ host: web.host, port: web.port });
      const { port } = app.server.address() as AddressInfo;
      const host = web.host === '0.0.0.0' || web.host === '::' ? '127.0.0.1' : web.host;
      return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, port };
    },
    close: () => app.close(),
  };
}
