import type pg from 'pg';

/** Parts of a connection without a secret: a host name, or the folder of a Unix socket. */
export interface Connection {
  host: string;
  port?: number;
  user: string;
  database: string;
}
/** Where a database is: the embedded one, or one by its URL (`postgres://user:password@host:5432/name`). */
export type Target = { connection: Connection } | { url: string };

/** The target as the driver takes it; timeouts are added by the callers. */
export function driverConfig(target: Target): pg.ClientConfig {
  if ('url' in target) return { connectionString: target.url, keepAlive: true, application_name: 'sluice' };
  return { port: 5432, ssl: false, ...target.connection, keepAlive: true, application_name: 'sluice' };
}
