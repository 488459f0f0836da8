import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createFolderStore } from '../../src/build/artifact-store.ts';
import { commands } from '../../src/commands/index.ts';
import type { CommandRequest, HandleCommand } from '../../src/commands/request.ts';
import { createRouter } from '../../src/commands/router.ts';
import { silentLog } from '../../src/core/log.ts';
import type { Database } from '../../src/db/db.ts';
import { createDeployers } from '../../src/deploy/deployers.ts';
import { operationKinds } from '../../src/operations/kinds/index.ts';
import { createWeb, type Web, type WebOptions } from '../../src/web/server.ts';
import { createTestDb } from '../helpers/test-db.ts';
import { signedIn } from './seed.ts';

export const publicUrl = 'http://localhost:8095';

export interface Rig {
  database: Database;
  web: Web;
  /** What the router was asked. */
  asked: CommandRequest[];
  as(person: { teamId: string; userId: string }): Promise<Browser>;
}
export interface Page {
  status: number;
  body: string;
  headers: Record<string, unknown>;
}
/** A signed-in browser: keeps its cookie, finds tokens in forms. */
export interface Browser {
  cookie: string;
  get(path: string, headers?: Record<string, string>): Promise<Page>;
  /** Posts a form of this site. */
  post(path: string, fields: Record<string, string>, headers?: Record<string, string>): Promise<Page>;
  /** The hidden fields of the first form on a page whose markup contains `mark`. */
  guards(path: string, mark: string): Promise<Record<string, string>>;
}

/** A web server on a database of its own, with the real router and a cluster that does not answer. */
export async function createRig(t: TestContext, options: Partial<WebOptions> = {}): Promise<Rig> {
  const database = await createTestDb(t);
  const dir = await mkdtemp(join(tmpdir(), 'sluice-web-'));
  const artifacts = createFolderStore(join(dir, 'artifacts'));
  const deployers = createDeployers(database.db);
  const settings = {
    publicUrl,
    plainHttpHosts: [],
    buildTimeoutMs: 1000,
    buildNoOutputTimeoutMs: 1000,
    minFreeDiskBytes: 0,
    mavenCommand: 'mvn',
    runningWithinMs: 1000,
    approvalLifetimeMs: 60_000,
  };
  const router = createRouter(
    {
      database,
      deployers,
      artifacts,
      openCredential: async () => ({ kind: 'none' }) as never,
      buildTurn: async () => () => {},
      workDir: dir,
      settings,
      log: silentLog,
      kinds: operationKinds,
      directory: undefined,
      defaultChannel: 'C0ETL',
      alertChannel: undefined,
      wake() {},
    },
    commands,
  );
  const asked: CommandRequest[] = [];
  const handle: HandleCommand = (request) => {
    asked.push(request);
    return router(request);
  };
  const web = await createWeb({
    database,
    deployers,
    artifacts,
    handle,
    publicUrl,
    rawRoutes: [],
    health: async () => ({ ok: true }),
    log: silentLog,
    host: '127.0.0.1',
    port: 0,
    uploadDir: join(dir, 'uploads'),
    ...options,
  });
  t.after(async () => {
    await web.close();
    await deployers.close();
    await rm(dir, { recursive: true, force: true });
  });
  return { database, web, asked, as: async (person) => browser(web, `sluice_session=${await signedIn(database, person)}`) };
}

export function browser(web: Web, cookie: string): Browser {
  const send = async (method: 'GET' | 'POST', url: string, headers: Record<string, string>, payload?: string): Promise<Page> => {
    const answer = await web.app.inject({
      method,
      url,
      headers: { ...(cookie ? { cookie } : {}), ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    return { status: answer.statusCode, body: answer.body, headers: answer.headers };
  };
  const get = (path: string, headers: Record<string, string> = {}) => send('GET', path, headers);
  return {
    cookie,
    get,
    post: (path, fields, headers = {}) =>
      send(
        'POST',
        path,
        { 'content-type': 'application/x-www-form-urlencoded', origin: publicUrl, 'sec-fetch-site': 'same-origin', ...headers },
        new URLSearchParams(fields).toString(),
      ),
    async guards(path, mark) {
      const { body } = await get(path);
      const form = body.split('<form').find((part) => (part.split('</form>')[0] ?? '').includes(mark)) ?? '';
      const fields: Record<string, string> = {};
      for (const [, name, value] of (form.split('</form>')[0] ?? '').matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g))
        fields[name as string] = plainText(value as string);
      return fields;
    },
  };
}
const entities: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" };
export function plainText(value: string): string {
  return value.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
}
