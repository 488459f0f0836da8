import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { WebOptions } from './web.ts';

/** A figure for monitoring: a value for each set of labels. */
export interface Metric {
  name: string;
  help: string;
  values: { labels: Record<string, string>; value: number }[];
}

/** `/metrics` in the text format of Prometheus, for anybody who reaches the page, like `/healthz`: counts and ages, no names of jobs or people. */
export function metricsRoute(web: WebOptions) {
  const ofProcess = new Registry();
  // Its timer would wake the process 100 times a second, a third of what watching sixty jobs costs.
  collectDefaultMetrics({ register: ofProcess, eventLoopMonitoringPrecision: 250 });
  return async (app: FastifyInstance): Promise<void> => {
    app.get('/metrics', async (_request, reply) => {
      // A registry of its own each time: labels that are gone do not stay behind.
      const now = new Registry();
      const up = new Gauge({ name: 'sluice_state_store_up', help: 'Whether the state store answers.', registers: [now] });
      const metrics = await (web.metrics?.() ?? Promise.resolve([])).then(
        (list) => {
          up.set(1);
          return list;
        },
        () => {
          up.set(0);
          return [];
        },
      );
      for (const { name, help, values } of metrics) {
        if (values.length === 0) continue;
        const gauge = new Gauge({ name, help, labelNames: Object.keys(values[0]?.labels ?? {}), registers: [now] });
        for (const { labels, value } of values) gauge.set(labels, value);
      }
      return reply
        .header('content-type', now.contentType)
        .header('cache-control', 'no-store')
        .send(`${await now.metrics()}\n${await ofProcess.metrics()}`);
    });
  };
}
