import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { yarn } from '../../../src/deploy/kinds/yarn.ts';

/** An application of the stand-in: what the RM says of it, and what its JobManager says. */
export interface StandInApplication {
  name: string;
  user?: string;
  queue?: string;
  state?: string;
  finalStatus?: string;
  diagnostics?: string;
  attempt?: number;
  session?: boolean;
  /** Flink job id -> state; undefined: the JobManager hangs. */
  jobs?: Record<string, string> | undefined;
  /** The caller may not see where its container is. */
  hidden?: boolean;
  /** Its JobManager is gone, and the RM has not noticed. */
  broken?: boolean;
}
export interface StandIn {
  url: string;
  apps: Map<string, StandInApplication>;
  /** `GET /ws/v1/cluster/apps?…`, in order. */
  asked: string[];
  /** What it does in place of its work: a standby, a login page, an old release. */
  instead: ((path: string, answer: ServerResponse) => boolean) | undefined;
  log: string;
}
export const appId = (n: number) => `application_1795673548846_${String(n).padStart(4, '0')}`;
export const jobId = (n: number) => String(n).padStart(32, '0');

/** A ResourceManager with its web proxy and the JobManagers behind it, as far as an observer asks them. */
export async function standInYarn(t: TestContext): Promise<StandIn> {
  const it: StandIn = { url: '', apps: new Map(), asked: [], instead: undefined, log: '' };
  const server = createServer((request, answer) => {
    const path = request.url ?? '';
    it.asked.push(`${request.method} ${path}`);
    if (it.instead?.(path, answer)) return;
    const json = (body: unknown, status = 200) => {
      answer.writeHead(status, { 'content-type': 'application/json;charset=utf-8' });
      answer.end(JSON.stringify(body));
    };
    const url = new URL(path, it.url);
    const proxied = /^\/proxy\/(application_\w+)(\/.*)$/.exec(url.pathname);
    if (proxied) {
      const app = it.apps.get(proxied[1] ?? '');
      if (app?.broken) return answer.writeHead(500).end('<html>Connection refused</html>');
      if (app && isLive(app) && app.jobs) return json(...jobManager(app, app.jobs, proxied[2] ?? ''));
      // A JobManager that hangs keeps the request.
      if (app && isLive(app)) return;
      answer.writeHead(302, { location: `${it.url}/cluster/app/${proxied[1]}` });
      return answer.end('<html>Moved</html>');
    }
    if (url.pathname.includes('/containerlogs/')) return answer.end(it.log);
    const [, id] = /^\/ws\/v1\/cluster\/apps\/(\w+)$/.exec(url.pathname) ?? [];
    const shown = [...it.apps].map(([key, app]) => rmView(it.url, key, app));
    if (id === undefined) {
      const user = url.searchParams.get('user');
      const live = shown.filter((app) => app.finishedTime === 0 && (user === null || app.user === user));
      return json({ apps: live.length > 0 ? { app: live } : {} });
    }
    const one = shown.find((app) => app.id === id);
    if (one) return json({ app: one });
    return json({ RemoteException: { exception: 'NotFoundException', message: `java.lang.Exception: app with id: ${id} not found` } }, 404);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  it.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return it;
}
const isLive = (app: StandInApplication) => (app.state ?? 'RUNNING') === 'RUNNING';

function rmView(url: string, id: string, app: StandInApplication) {
  const { state = 'RUNNING', attempt = 1 } = app;
  const over = ['FINISHED', 'FAILED', 'KILLED'].includes(state);
  return {
    id,
    name: app.name,
    user: app.user ?? 'etl',
    queue: app.queue ?? 'root.default',
    state,
    finalStatus: app.finalStatus ?? 'UNDEFINED',
    ...(state === 'RUNNING' ? { trackingUrl: `${url.replace('127.0.0.1', 'localhost')}/proxy/${id}/` } : {}),
    diagnostics: app.diagnostics ?? '',
    ...(app.hidden ? {} : { amContainerLogs: `${url}/node/containerlogs/container_e01_${id.slice(12)}_0${attempt}_000001/etl` }),
    startedTime: 1795673567138,
    finishedTime: over ? 1795673667138 : 0,
  };
}

/** Body and status. */
function jobManager(app: StandInApplication, jobs: Record<string, string>, path: string): [unknown, number] {
  const listed = Object.entries(jobs);
  if (path === '/jobs') return [{ jobs: listed.map(([id, status]) => ({ id, status })) }, 200];
  if (path === '/jobmanager/config') return [[{ key: 'execution.target', value: app.session ? 'yarn-session' : 'embedded' }], 200];
  if (path === '/overview')
    return [
      {
        taskmanagers: 1,
        'slots-total': 2,
        'slots-available': 1,
        'jobs-running': listed.length,
        'jobs-finished': 0,
        'jobs-cancelled': 0,
        'jobs-failed': 0,
        'flink-version': '1.20.5',
      },
      200,
    ];
  if (path === '/jobs/overview')
    return [
      {
        jobs: listed.map(([jid, state]) => ({
          jid,
          name: `${app.name} job`,
          state,
          'start-time': 1,
          'end-time': -1,
          duration: 1,
          'last-modification': 1,
          tasks: { running: 2, total: 2 },
        })),
      },
      200,
    ];
  const [, id = '', rest = ''] = /^\/jobs\/(\w+)(\/[^?]*)?/.exec(path) ?? [];
  if (jobs[id] === undefined) return [{ errors: [`org.apache.flink.runtime.rest.NotFoundException: Job ${id} not found`] }, 404];
  if (rest?.startsWith('/exceptions')) return [{ exceptionHistory: { entries: [], truncated: false } }, 200];
  if (rest === '/status') return [{ status: jobs[id] }, 200];
  return [{ errors: ['no such page'] }, 404];
}

/** An observer of it. */
export function observe(t: TestContext, url: string, options: Record<string, string> = {}) {
  const deployer = yarn.open({ name: 'grid', url, webUrl: null, options, observed: true });
  t.after(() => deployer.close());
  return deployer;
}
