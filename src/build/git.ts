import { mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type SimpleGit, simpleGit } from 'simple-git';
import { AppError, ConflictError, NotFoundError, UnreachableError, UserError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { baseEnv } from '../core/process.ts';
import { nearest } from '../core/text.ts';
import { formatDuration } from '../core/time.ts';
import { type CredentialAccess, type GitCredential, openCredential } from './git-credential.ts';
import { explainGitFailure } from './git-errors.ts';
import { checkCommit, checkRefName, parseRepositoryUrl, type RepositoryUrl } from './git-input.ts';
import { buildMark, endBuildProcesses } from './leftovers.ts';

export interface GitTarget {
  /** https://, ssh:// or git@host:path; never with a password in it. */
  url: string;
  credential: GitCredential;
  /** Exact `host` or `host:port` entries for which plain `http://` is let through. */
  allowPlainHttpHosts?: readonly string[] | undefined;
  /** Lets `file://` and paths through; for tests only. */
  allowLocal?: boolean | undefined;
  /** More environment for git, such as HTTPS_PROXY or GIT_SSL_CAINFO. */
  env?: Record<string, string | undefined> | undefined;
  signal?: AbortSignal | undefined;
  /** Lines that git prints, secrets removed. */
  onLine?: ((line: string) => void) | undefined;
  /** Wall-clock limit: 60 s for a question, 10 min for a checkout. */
  timeoutMs?: number | undefined;
  /** An http transfer that all but stands still for so long is given up; 60 s. */
  stallTimeoutMs?: number | undefined;
  /** The build that git works for: its processes can be found under this id (endBuildProcesses) even after a crash. */
  buildId?: string | undefined;
}
/** At most one of branch and tag; none means the default branch of the repository. */
export interface RefChoice {
  branch?: string | undefined;
  tag?: string | undefined;
}
export interface ResolvedCommit {
  /** 40 hexadecimal digits. */
  commit: string;
  /** Undefined if a tag was asked for. */
  branch: string | undefined;
}
export interface Checkout {
  /** 40 hexadecimal digits. */
  commit: string;
  /** Undefined if a tag, or a commit alone, was asked for. */
  branch: string | undefined;
  /** First line of the commit message. */
  subject: string;
  authoredAt: Date;
  parentCommits: string[];
}

/**
 * The commit that a branch or tag points to right now (`git ls-remote`); the repository's default branch if none is named.
 * @throws UserError for bad input, NotFoundError for an unknown branch or tag (near ones in the hint), UpstreamError and
 *   UnreachableError as the server answers, the signal's reason when aborted.
 */
export async function resolveCommit(target: GitTarget & RefChoice): Promise<ResolvedCommit> {
  checkChoice(target);
  return withGit(target, target.timeoutMs ?? 60_000, (session) => resolveIn(session, target));
}

/**
 * Asks the server whether this credential may read the repository, and which branches there are.
 * @throws as resolveCommit
 */
export function testCredential(target: GitTarget): Promise<{ defaultBranch: string | undefined; branches: string[] }> {
  return withGit(target, target.timeoutMs ?? 60_000, async (session) => {
    const refs = await listRefs(session, ['HEAD', 'refs/heads/*']);
    return { defaultBranch: refs.defaultBranch, branches: branchNames(refs) };
  });
}

/**
 * Fetches exactly one commit (depth 1, no submodules, no LFS, no hooks) into a fresh directory. With `commit` that commit is taken and
 * `branch` only reported; otherwise the branch or tag is resolved to a commit first.
 * @throws ConflictError if the commit has gone (force-push) or `dir` is not empty; else as resolveCommit.
 */
export async function checkout(target: GitTarget & RefChoice & { commit?: string | undefined; dir: string }): Promise<Checkout> {
  checkChoice(target);
  const pinned = target.commit === undefined ? undefined : checkCommit(target.commit);
  await mkdir(target.dir, { recursive: true });
  if ((await readdir(target.dir)).length > 0)
    throw new ConflictError('The directory for the checkout is not empty.', { details: { dir: target.dir } });
  return withGit(target, target.timeoutMs ?? 600_000, async (session) => {
    const resolved = pinned === undefined ? await resolveIn(session, target) : { commit: pinned, branch: target.branch };
    const { commit } = resolved;
    session.commit = commit;
    const git = session.open(target.dir);
    await git.raw('init', '--quiet');
    await git.raw('fetch', '--progress', '--depth=1', '--no-tags', '--no-recurse-submodules', '--', session.repository.url, commit);
    await git.raw('checkout', '--quiet', '--detach', commit, '--');
    const [head = '', date = '', ...subject] = (await git.raw('log', '-1', '--format=%H%n%aI%n%s')).trimEnd().split('\n');
    if (head !== commit) throw new ConflictError(`git checked out ${head.slice(0, 7)} in place of ${commit.slice(0, 7)}.`);
    const parents = (await git.raw('cat-file', 'commit', commit)).split('\n\n', 1)[0]?.matchAll(/^parent ([0-9a-f]{40})$/gm) ?? [];
    return {
      ...resolved,
      subject: subject.join(' '),
      authoredAt: new Date(date),
      parentCommits: [...parents].map((match) => match[1] as string),
    };
  });
}

function checkChoice(choice: RefChoice): void {
  if (choice.branch !== undefined && choice.tag !== undefined) throw new UserError('Give a branch or a tag, not both.');
  if (choice.branch !== undefined) checkRefName(choice.branch, 'branch');
  if (choice.tag !== undefined) checkRefName(choice.tag, 'tag');
}

interface GitSession {
  repository: RepositoryUrl;
  /** The commit that is being fetched, for error messages. */
  commit: string | undefined;
  /** A git without repository, for questions to the server. */
  remote: SimpleGit;
  open(dir: string): SimpleGit;
}

/** The one place where git is made: minimal environment, nothing of the machine's git configuration, limits, translated errors. */
async function withGit<T>(target: GitTarget, timeoutMs: number, work: (session: GitSession) => Promise<T>): Promise<T> {
  const repository = parseRepositoryUrl(target.url, target);
  target.signal?.throwIfAborted();
  const access = await openCredential(target.credential, repository);
  const deadline = AbortSignal.timeout(timeoutMs);
  const abort = target.signal ? AbortSignal.any([target.signal, deadline]) : deadline;
  const mark = target.buildId ?? newId('git');
  const open = (dir: string) => makeGit(dir, { ...target, buildId: mark }, repository, access, abort);
  const session: GitSession = { repository, commit: undefined, remote: open(access.home), open };
  try {
    return await work(session);
  } catch (cause) {
    // git does not take its helpers along when it is stopped.
    if (abort.aborted) await endBuildProcesses(mark);
    if (target.signal?.aborted) throw target.signal.reason;
    if (cause instanceof AppError) throw cause;
    if (deadline.aborted) {
      throw new UnreachableError(`${repository.host || 'The repository'} did not finish within ${formatDuration(timeoutMs)}.`, {
        hint: 'The git server is slow or stuck: try again later.',
        details: { repository: repository.url },
      });
    }
    const output = access.hide(cause instanceof Error ? cause.message : String(cause));
    throw explainGitFailure({ repository, credential: target.credential, output, commit: session.commit });
  } finally {
    await access.dispose();
  }
}

const config = [
  'credential.helper=',
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'http.followRedirects=false',
  'transfer.fsckObjects=true',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'advice.detachedHead=false',
  'init.defaultBranch=main',
];

function makeGit(dir: string, target: GitTarget, repository: RepositoryUrl, access: CredentialAccess, abort: AbortSignal): SimpleGit {
  const stallTimeS = Math.max(1, Math.ceil((target.stallTimeoutMs ?? 60_000) / 1000));
  const env = baseEnv({
    ...target.env,
    // Messages are recognised by their English text.
    LC_ALL: 'C',
    LANG: undefined,
    [buildMark]: target.buildId,
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: repository.transport === 'local' ? 'file' : repository.transport,
    // A question asked in the private directory must not find somebody's repository above it.
    GIT_CEILING_DIRECTORIES: dirname(dir),
    ...access.env,
  });
  const git = simpleGit({
    baseDir: dir,
    abort,
    config: [...config, 'http.lowSpeedLimit=200', `http.lowSpeedTime=${stallTimeS}`],
    allowEnvironment: Object.keys(env),
    // simple-git warns of these because a stranger could set them; here they are constants, or made in git-credential.ts.
    unsafe: {
      allowUnsafeAskPass: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeHooksPath: true,
      allowUnsafeSshCommand: true,
    },
  }).env(env);
  const { onLine } = target;
  if (onLine)
    git.outputHandler(
      (_command, _stdout, stderr) =>
        void stderr.on(
          'data',
          lineSplitter((line) => onLine(access.hide(line))),
        ),
    );
  return git;
}

/** Lines as a terminal would leave them: of a progress line that overwrites itself only the last state. */
function lineSplitter(push: (line: string) => void): (chunk: Buffer) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) {
      const last = line.replace(/\s+$/, '').split('\r').pop();
      if (last) push(last);
    }
  };
}

interface Refs {
  /** Full reference name to commit; tags are peeled. */
  commits: Map<string, string>;
  defaultBranch: string | undefined;
}

async function listRefs(session: GitSession, patterns: string[]): Promise<Refs> {
  const output = await session.remote.raw('ls-remote', '--symref', '--', session.repository.url, ...patterns);
  const refs: Refs = { commits: new Map(), defaultBranch: undefined };
  for (const line of output.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (left.startsWith('ref: refs/heads/') && name === 'HEAD') refs.defaultBranch = left.slice('ref: refs/heads/'.length);
    else if (/^[0-9a-f]{40}$/.test(left)) refs.commits.set(name.replace(/\^\{\}$/, ''), left);
  }
  return refs;
}
function branchNames(refs: Refs): string[] {
  return [...refs.commits.keys()].filter((name) => name.startsWith('refs/heads/')).map((name) => name.slice('refs/heads/'.length));
}

async function resolveIn(session: GitSession, choice: RefChoice): Promise<ResolvedCommit> {
  if (choice.tag !== undefined) {
    const wanted = `refs/tags/${choice.tag}`;
    const commit = (await listRefs(session, [wanted, `${wanted}^{}`])).commits.get(wanted);
    if (commit) return { commit, branch: undefined };
    const tags = [...(await listRefs(session, ['refs/tags/*'])).commits.keys()].map((name) => name.slice('refs/tags/'.length));
    throw noSuchRef('tag', choice.tag, tags);
  }
  if (choice.branch !== undefined) {
    const wanted = `refs/heads/${choice.branch}`;
    const commit = (await listRefs(session, [wanted])).commits.get(wanted);
    if (commit) return { commit, branch: choice.branch };
    throw noSuchRef('branch', choice.branch, branchNames(await listRefs(session, ['refs/heads/*'])));
  }
  const refs = await listRefs(session, ['HEAD', 'refs/heads/*']);
  const commit = refs.commits.get('HEAD');
  if (commit && refs.defaultBranch) return { commit, branch: refs.defaultBranch };
  throw new NotFoundError(
    refs.commits.size === 0 ? 'The repository is empty: it has no commit.' : 'The repository has no default branch.',
    {
      hint: refs.commits.size === 0 ? 'Push a branch first.' : `Name a branch: ${branchNames(refs).slice(0, 5).join(', ')}.`,
    },
  );
}

function noSuchRef(what: 'branch' | 'tag', name: string, known: string[]): NotFoundError {
  const near = nearest(name, known);
  const some = known.slice(0, 5).join(', ');
  const hint =
    near.length > 0
      ? `Did you mean ${near.join(' or ')}?`
      : known.length > 0
        ? `There are: ${some}${known.length > 5 ? ', …' : ''}.`
        : undefined;
  return new NotFoundError(`The repository has no ${what} ${name}.`, { hint, details: { nearest: near } });
}
