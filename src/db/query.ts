import { createRequire } from 'node:module';
import type { SQL as DrizzleSQL } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';

// As in schema/builders.ts: the ESM build of drizzle costs about 270 MB more memory.
const require = createRequire(import.meta.url);
const orm = require('drizzle-orm') as typeof import('drizzle-orm');
const pgCore = require('drizzle-orm/pg-core') as typeof import('drizzle-orm/pg-core');

/** Query operators and helpers for repositories: the one door to drizzle outside `db`. */
export const { and, asc, between, count, desc, eq, exists, getTableColumns, gt, gte, ilike, inArray, isNotNull, isNull } = orm;
export const { like, lt, lte, max, min, ne, not, notExists, notInArray, or, sql, sum } = orm;
export const { alias } = pgCore;
/** Whether a text is one of these. As one value: drizzle's `inArray` makes a parameter of each, which takes longer to write for a thousand than to look up. */
export const among = (column: AnyPgColumn, values: readonly string[]): DrizzleSQL =>
  sql`${column} = any(${sql.param([...values])}::text[])`;
/** A piece of SQL: a condition, an order or a value. */
export type SQL<T = unknown> = DrizzleSQL<T>;
/** The values of an insert or update: each column as itself or as a piece of SQL. */
export type Values<T> = { [K in keyof T]: T[K] | SQL };
