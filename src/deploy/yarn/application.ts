import { z } from 'zod';
import { oneLine, truncate } from '../../core/text.ts';

const text = z.string().nullish();
const applicationSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  user: text,
  queue: text,
  /** YARN's YarnApplicationState: NEW … ACCEPTED, RUNNING, FINISHED, FAILED, KILLED. */
  state: z.string(),
  finalStatus: z.string(),
  /** Where its page is; absent before it has an ApplicationMaster. */
  trackingUrl: text,
  /** The ApplicationMaster's log; its path names the container and so the attempt. */
  amContainerLogs: text,
  diagnostics: text,
  /** Milliseconds since 1970. */
  startedTime: z.number(),
  /** The same; 0 while it lives. */
  finishedTime: z.number(),
});
/** One application, as `/ws/v1/cluster/apps` lists it. */
export type YarnApplication = z.output<typeof applicationSchema>;

/** GET /ws/v1/cluster/apps: `{"apps":{}}`, before 3.x `{"apps":null}`, when there is none. */
export const applicationsSchema = z.looseObject({
  apps: z.looseObject({ app: z.array(applicationSchema).nullish() }).nullish(),
});
/** GET /ws/v1/cluster/apps/:id */
export const oneApplicationSchema = z.looseObject({ app: applicationSchema });

const finalStates = ['FINISHED', 'FAILED', 'KILLED'];
/** States in which an application is not over, as the RM's filter takes them. */
export const liveStates = ['NEW', 'NEW_SAVING', 'SUBMITTED', 'ACCEPTED', 'RUNNING'];

/** Which applications of a YARN are looked at; an empty list leaves nothing out. */
export interface ApplicationFilter {
  users: readonly string[];
  /** A queue by its full name or its last part; the queues below it count. */
  queues: readonly string[];
  /** Names with `*`. */
  names: readonly string[];
}
/** Whether an application is one of those that are looked at. Pure. */
export function isWanted(app: Pick<YarnApplication, 'name' | 'user' | 'queue'>, filter: ApplicationFilter): boolean {
  const some = (list: readonly string[], test: (one: string) => boolean) => list.length === 0 || list.some(test);
  const queue = `.${app.queue ?? ''}.`;
  return (
    some(filter.users, (user) => user === app.user) &&
    some(filter.queues, (one) => (one.startsWith('root.') ? queue.startsWith(`.${one}.`) : queue.includes(`.${one}.`))) &&
    some(filter.names, (pattern) => matches(pattern, app.name))
  );
}
/** `*` stands for any text. Walks once over the name, so that no pattern is slow. */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false;
  let from = first.length;
  for (const part of rest) {
    const at = name.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= name.length - last.length;
}

/** How the jobs of an application ended, in Flink's words. */
export interface ApplicationEnd {
  state: 'FINISHED' | 'FAILED' | 'CANCELED';
  /** What YARN says of it; often empty. */
  diagnostics: string;
}
/**
 * The end of an application's jobs as the RM tells it, when their JobManager could not say it any more; undefined while the application lives, also
 * between two attempts. Pure.
 * @param session whether it took jobs from outside: its own end then says nothing of them but that they were stopped.
 */
export function endOf(app: YarnApplication, session: boolean): ApplicationEnd | undefined {
  if (!finalStates.includes(app.state)) return undefined;
  const diagnostics = app.diagnostics?.trim() ?? '';
  if (app.state === 'KILLED' || app.finalStatus === 'KILLED') return { state: 'CANCELED', diagnostics };
  if (app.state === 'FINISHED' && app.finalStatus === 'SUCCEEDED') return { state: session ? 'CANCELED' : 'FINISHED', diagnostics };
  return { state: 'FAILED', diagnostics };
}

/** A diagnostics text as one line for people, without times and stack. Pure. */
export function diagnosticsLine(diagnostics: string): string {
  const [line = ''] = diagnostics.split(/For more detailed output|\n\s*at /);
  return truncate(oneLine(line.replace(/Failing this attempt\.\s*|\[\d{4}-[^\]]*\]/g, '')), 400);
}

/** Number of the attempt that an application is at, from its ApplicationMaster's container; undefined for who may not see that. Pure. */
export function attemptOf(app: Pick<YarnApplication, 'amContainerLogs'>): number | undefined {
  const found = /container_(?:e\d+_)?\d+_\d+_(\d+)_\d+/.exec(app.amContainerLogs ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Where the ApplicationMaster's log can be read from its NodeManager: the address and the container. Pure. */
export function amLogOf(app: Pick<YarnApplication, 'amContainerLogs'>): { origin: string; container: string } | undefined {
  const url = app.amContainerLogs ?? '';
  const container = /\/(container_\w+)/.exec(url)?.[1];
  return container && URL.canParse(url) ? { origin: new URL(url).origin, container } : undefined;
}

/**
 * Where an application's JobManager is reached: the web proxy of the RM that answered, by the address under which it did; a proxy on another port is a
 * server of its own. Undefined while no JobManager is registered. Pure.
 * @param proxyUrl overrides both, without the application. @param rm the RM's address.
 */
export function proxyOf(app: YarnApplication, rm: string, proxyUrl: string | undefined): string | undefined {
  if (app.state !== 'RUNNING' || !app.trackingUrl || !URL.canParse(app.trackingUrl)) return undefined;
  if (proxyUrl !== undefined) return `${proxyUrl}/${app.id}`;
  const told = new URL(app.trackingUrl);
  const path = `/proxy/${app.id}`;
  if (!told.pathname.startsWith(path)) return app.trackingUrl.replace(/\/+$/, '');
  return told.port === new URL(rm).port ? `${rm}${path}` : `${told.origin}${path}`;
}
