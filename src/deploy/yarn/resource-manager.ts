import type { z } from 'zod';
import { UnreachableError } from '../../core/errors.ts';
import { type HttpAnswer, http } from '../../core/http.ts';
import { truncate } from '../../core/text.ts';
import { applicationsSchema, liveStates, oneApplicationSchema, type YarnApplication } from './application.ts';

export interface AskOptions {
  signal?: AbortSignal;
  /** For all ResourceManagers together. */
  timeoutMs?: number;
}
/** The ResourceManagers of one YARN, of which one is active. Only GETs are sent. */
export interface ResourceManager {
  /**
   * GET /ws/v1/cluster/apps: the Flink applications that are not over. At most one request a second, whoever asks.
   * @throws UnreachableError when none answers as an active ResourceManager
   */
  applications(options?: AskOptions): Promise<readonly YarnApplication[]>;
  /** GET /ws/v1/cluster/apps/:id; undefined when the RM knows no such application. @throws UnreachableError */
  application(id: string, options?: AskOptions): Promise<YarnApplication | undefined>;
  /** Address of the ResourceManager that answered last, without login data. */
  address(): string;
  /** The login for an address of this YARN: nothing for any other server. */
  headersFor(url: string): Record<string, string>;
}

const listEveryMs = 950;
/** What is long and not needed; releases before 3.1 know only the first. */
const leftOut = ['resourceRequests,resourceInfo,timeouts', 'resourceRequests', ''];

/** @param urls of every ResourceManager; login data in them become a header. @param user narrows what the RM lists. */
export function createResourceManager(urls: readonly string[], user: string | undefined): ResourceManager {
  const logins = new Map<string, string>();
  const addresses = urls.map((url) => {
    const parsed = new URL(url);
    if (parsed.username)
      logins.set(
        parsed.origin,
        `Basic ${Buffer.from(`${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`).toString('base64')}`,
      );
    return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}`;
  });
  let active = addresses[0] ?? '';
  let deselect = 0;
  let listed: { at: number; applications: Promise<readonly YarnApplication[]> } | undefined;

  const headersFor = (url: string): Record<string, string> => {
    const login = logins.get(new URL(url).origin);
    return login ? { authorization: login } : {};
  };

  /** Asks the active one first, then the others, and who they say is active. */
  async function ask(path: string, options: AskOptions): Promise<HttpAnswer> {
    const left = [active, ...addresses.filter((one) => one !== active)];
    const asked = new Set<string>();
    const until = performance.now() + (options.timeoutMs ?? 10_000);
    let problem: UnreachableError | undefined;
    for (let base = left.shift(); base !== undefined; base = left.shift()) {
      if (asked.has(base)) continue;
      asked.add(base);
      // One that hangs leaves time for the others.
      const timeoutMs = Math.ceil(Math.max(500, (until - performance.now()) / (left.length + 1)));
      try {
        const answer = await http(base + path, {
          headers: { accept: 'application/json', ...headersFor(base) },
          timeoutMs,
          ...(options.signal ? { signal: options.signal } : {}),
        });
        const said = readAnswer(answer, base);
        if (said.is === 'answer') {
          active = base;
          return answer;
        }
        problem = said.problem;
        if (said.activeAt !== undefined) left.unshift(said.activeAt);
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        problem = new UnreachableError(`The ResourceManager at ${base} did not answer.`, { cause: error });
      }
    }
    throw problem ?? new UnreachableError('No ResourceManager is known.');
  }

  async function list(options: AskOptions): Promise<readonly YarnApplication[]> {
    for (;;) {
      const query = new URLSearchParams({ applicationTypes: 'Apache Flink', states: liveStates.join(',') });
      if (user !== undefined) query.set('user', user);
      if (leftOut[deselect]) query.set('deSelects', leftOut[deselect] ?? '');
      const answer = await ask(`/ws/v1/cluster/apps?${query}`, options);
      // An older release refuses what it cannot leave out.
      if (answer.status === 400 && deselect < leftOut.length - 1) {
        deselect++;
        continue;
      }
      return parse(applicationsSchema, answer, active).apps?.app ?? [];
    }
  }

  return {
    address: () => active,
    headersFor,
    applications(options = {}) {
      if (!listed || performance.now() - listed.at >= listEveryMs) {
        const applications = list(options);
        const mine = { at: performance.now(), applications };
        listed = mine;
        // A failure is told to those who waited for it, and not kept.
        applications.catch(() => {
          if (listed === mine) listed = undefined;
        });
      }
      return listed.applications;
    },
    async application(id, options = {}) {
      const answer = await ask(`/ws/v1/cluster/apps/${encodeURIComponent(id)}`, options);
      return answer.status === 404 ? undefined : parse(oneApplicationSchema, answer, active).app;
    },
  };
}

type Said = { is: 'answer' } | { is: 'not-active'; activeAt: string | undefined; problem: UnreachableError };

/**
 * Whether an active ResourceManager spoke. A standby answers 307 with `Location`, older ones 200 with `Refresh` and a sentence; a gate before it answers
 * with a login page. Pure.
 */
function readAnswer(answer: HttpAnswer, base: string): Said {
  const json = /json/.test(String(answer.headers['content-type'] ?? ''));
  if (json && (answer.status === 200 || answer.status === 400 || answer.status === 404)) return { is: 'answer' };
  const target = String(answer.headers['location'] ?? /url=\s*(\S+)/i.exec(String(answer.headers['refresh'] ?? ''))?.[1] ?? '');
  const url = URL.canParse(target) && /^https?:/.test(target) ? new URL(target) : undefined;
  // In the path alone: a login gate names in its query where one came from.
  const at = url?.pathname.indexOf('/ws/v1/cluster') ?? -1;
  const activeAt = url && at >= 0 ? url.origin + url.pathname.slice(0, at) : undefined;
  const standby = /standby RM|no active RM|find any active RM/i.test(answer.body);
  const problem = standby
    ? new UnreachableError(`The ResourceManager at ${base} is a standby, and no active one answers.`)
    : new UnreachableError(`${base} does not answer as a YARN ResourceManager (HTTP ${answer.status}).`, {
        hint:
          answer.status === 401 || answer.status === 403
            ? 'It asks for a login. Kerberos is not spoken here; a gateway with a name and a password is.'
            : 'Check the address of the cluster.',
        details: { url: base, status: answer.status },
      });
  return { is: 'not-active', activeAt, problem };
}

function parse<T extends z.ZodType>(schema: T, answer: HttpAnswer, base: string): z.output<T> {
  const bad = (cause: unknown) =>
    new UnreachableError(`The ResourceManager at ${base} answered something that is not YARN's (HTTP ${answer.status}).`, {
      details: { body: truncate(answer.body, 200) },
      cause,
    });
  if (answer.status !== 200) throw bad(undefined);
  let value: unknown;
  try {
    value = JSON.parse(answer.body);
  } catch (cause) {
    throw bad(cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw bad(parsed.error);
  return parsed.data;
}
