import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkHouse, type Problem } from '../../src/tools/house/house.ts';

/** A small house in order: one file in every kind of place, every allowed kind of import. */
export const cleanHouse: Readonly<Record<string, string>> = {
  'src/main.ts': "import { app } from './app.ts';\nimport { log } from './log.ts';\nexport const main = [app, log];\n",
  'src/log.ts': "import pino from 'pino';\nexport const log = pino;\n",
  'src/app.ts': "import { page } from './web/page.ts';\nimport { start } from './commands/start.ts';\nexport const app = [page, start];\n",
  'src/demo/main.ts': "import { workspace } from '../practice/workspace.ts';\nexport const demo = workspace;\n",
  'src/tools/bench.ts':
    "import { app } from '../app.ts';\nconst at = process.argv[2] ?? '';\nexport const bench = [app, await import(at)];\n",
  'src/slack/app.ts': "import { App } from '@slack/bolt';\nexport const slack = App;\n",
  'src/web/page.ts':
    "import fastify from 'fastify';\nimport { jobPage } from '../../views/job.ts';\nexport const page = [fastify, jobPage];\n",
  'views/job.ts': `import { html } from '../src/core/html.ts';\nimport type { Job } from '../src/jobs/job.ts';\nexport const jobPage = (job: Job) => html\`\${job.name}\`;\n`,
  'views/layout.ts': 'export const style = 1;\n',
  'src/channels/index.ts': "import { email } from './email.ts';\nexport const channels = [email];\n",
  'src/channels/email.ts': 'export const email = 1;\n',
  'src/commands/index.ts': "import { start } from './start.ts';\nexport const commands = [start];\n",
  'src/commands/define.ts': 'export function defineCommand<T>(command: T): T {\n  return command;\n}\n',
  'src/commands/start.ts':
    "import { z } from 'zod';\nimport { defineCommand } from './define.ts';\nexport const start = defineCommand({ name: 'start', args: z.object({}) });\n",
  'src/watch/tick.ts': "import cron from 'node-cron';\nimport { rules } from './rules/index.ts';\nexport const tick = [cron, rules];\n",
  'src/watch/rules/index.ts': "import { failed } from './failed.ts';\nexport const rules = [failed];\n",
  'src/watch/rules/failed.ts': "import { settle } from './settle.ts';\nexport const failed = settle;\n",
  'src/watch/rules/settle.ts': 'export const settle = 1;\n',
  'src/incidents/incident.ts': "import { engine } from '../operations/engine.ts';\nexport const incident = engine;\n",
  'src/operations/engine.ts': "import type { Job } from '../jobs/job.ts';\nexport const engine = (job: Job) => job;\n",
  'src/restore-points/point.ts': "import { job } from '../jobs/job.ts';\nexport const point = job;\n",
  'src/jobs/job.ts':
    "import type { Person } from '../access/person.ts';\nexport interface Job {\n  name: string;\n  owner?: Person;\n}\nexport const job = 1;\n",
  'src/jobs/jobs.store.ts': "import { jobs } from '../db/schema/jobs.ts';\nexport const all = jobs;\n",
  'src/access/person.ts': "import { core } from '../core/a.ts';\nexport type Person = typeof core;\n",
  'src/deploy/deployer.ts': "import { client } from '../flink/client.ts';\nexport const deployer = client;\n",
  'src/flink/client.ts': "import { request } from 'undici';\nexport const client = request;\n",
  'src/db/schema/jobs.ts': "import { pgTable } from 'drizzle-orm/pg-core';\nexport const jobs = pgTable;\n",
  'src/build/git.ts': "import { simpleGit } from 'simple-git';\nexport const git = simpleGit;\n",
  'src/config/load.ts': "import { parse } from 'yaml';\nexport const config = [parse, process.env['SLUICE_PORT']];\n",
  'src/practice/workspace.ts': "import { WebSocketServer } from 'ws';\nexport const workspace = WebSocketServer;\n",
  'src/core/a.ts': "import { b } from './b.ts';\nexport const core = b;\n",
  'src/core/b.ts': "import type { core } from './a.ts';\nexport const b = 1;\nexport type Back = typeof core;\n",
  'src/core/html.ts':
    'export const html = (s: TemplateStringsArray, ...v: unknown[]) => String(s) + v;\nexport const raw = (s: string) => s;\n',
  'src/core/process.ts': "import { spawn } from 'node:child_process';\nexport const run = [spawn, process.env['PATH']];\n",
  'docs/commands.md': '# Commands\n\n## start\n',
  'test/commands/start.test.ts': 'export {};\n',
};

/** What the checker says of the clean house with some files put in place of its own (`undefined`: taken away). */
export function checkWith(changes: Readonly<Record<string, string | undefined>>): Problem[] {
  const root = mkdtempSync(join(tmpdir(), 'sluice-house-'));
  try {
    for (const [path, text] of Object.entries({ ...cleanHouse, ...changes })) {
      if (text === undefined) continue;
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return checkHouse(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}
