import { pino } from 'pino';
import type { Log } from './core/log.ts';
import { redact } from './core/redact.ts';

/** The one logger: JSON lines on stderr, secrets removed. */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map((arg) => (typeof arg === 'string' ? redact(arg) : arg)) as Parameters<typeof method>);
        },
      },
      formatters: {
        log: (fields) =>
          Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, typeof value === 'string' ? redact(value) : value])),
      },
    },
    pino.destination(2),
  ) as unknown as Log;
}
