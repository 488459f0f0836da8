import { createRequire } from 'node:module';

// drizzle's ESM build costs about 270 MB more resident memory than its CommonJS build, so every use goes through require.
const require = createRequire(import.meta.url);
const pgCore = require('drizzle-orm/pg-core') as typeof import('drizzle-orm/pg-core');
export const { bigint, boolean, customType, index, integer, jsonb, pgTable, primaryKey, text, timestamp, uniqueIndex } = pgCore;
export const { sql } = require('drizzle-orm') as typeof import('drizzle-orm');
