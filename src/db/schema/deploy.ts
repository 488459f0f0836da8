import { boolean, jsonb, pgTable, text, timestamp } from './builders.ts';
/** One installed Flink release. */
export const distributions = pgTable('distributions', {
  name: text().primaryKey(),
  version: text().notNull(),
  home: text().notNull(),
  isDefault: boolean('is_default').notNull().default(false),
});

/** Where runs go. */
export const clusters = pgTable('clusters', {
  name: text().primaryKey(),
  kind: text().notNull(),
  /** REST address, for example `http://jm:8081`. */
  url: text().notNull(),
  /** Address that people's browsers can open; `url` when absent. */
  webUrl: text('web_url'),
  distribution: text(),
  team: text(),
  /** Slack channel id for this cluster's incidents. */
  alertChannel: text('alert_channel'),
  options: jsonb().$type<Record<string, string>>().notNull().default({}),
  /** True when savepoint paths with scheme file: can be read from where Sluice runs. */
  pathsReadable: boolean('paths_readable').notNull().default(false),
  /** Only ever read: its jobs are started by others, and Sluice sends it nothing that changes anything. */
  observed: boolean().notNull().default(false),
  registeredAt: timestamp('registered_at', { withTimezone: true }).notNull().defaultNow(),
});
