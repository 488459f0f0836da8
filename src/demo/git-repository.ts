import { cp, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UpstreamError } from '../core/errors.ts';
import { run } from '../core/process.ts';

export const demoProjectDir = fileURLToPath(new URL('./project/', import.meta.url));
const repositoryName = 'etl-jobs.git';

/** The author of everything in the demo's repository; the user's own git configuration (signing, hooks, templates) stays out. */
const gitEnv = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Demo',
  GIT_AUTHOR_EMAIL: 'demo@example.com',
  GIT_COMMITTER_NAME: 'Demo',
  GIT_COMMITTER_EMAIL: 'demo@example.com',
};

/** The bare repository `DIR/etl-jobs.git`, made from the demo's Java project on the first call. Returns its path. @throws UpstreamError if git fails */
export async function ensureRepository(dir: string): Promise<string> {
  const bare = join(dir, repositoryName);
  if (await stat(bare).catch(() => undefined)) return bare;
  await mkdir(dir, { recursive: true });
  const work = await mkdtemp(join(dir, 'new-'));
  try {
    const tree = join(work, 'tree');
    // What a build in place may have left is no source.
    await cp(demoProjectDir, tree, { recursive: true, filter: (source) => !source.split(sep).includes('target') });
    await git(tree, ['init', '--quiet', '--initial-branch=main']);
    await git(tree, ['add', '--all']);
    await git(tree, ['commit', '--quiet', '--message', 'Orders and customers jobs']);
    await git(work, ['clone', '--quiet', '--bare', '--no-hardlinks', tree, 'bare']);
    await git(join(work, 'bare'), ['remote', 'remove', 'origin']);
    await git(join(work, 'bare'), ['config', 'http.receivepack', 'true']);
    await rename(join(work, 'bare'), bare);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return bare;
}

export interface Change {
  /** The folder given to startGitServer. */
  dir: string;
  /** Path in the repository to its new content; null deletes the file. */
  files: Readonly<Record<string, string | null>>;
  message: string;
  /** `main` by default; an unknown branch starts from main. */
  branch?: string;
}

/** Commits a change to the demo's repository, as somebody's push would. Returns the commit's hash. @throws UpstreamError if git fails, for example when nothing changed */
export async function commitChange({ dir, files, message, branch = 'main' }: Change): Promise<string> {
  const bare = resolve(await ensureRepository(dir));
  const work = await mkdtemp(join(tmpdir(), 'sluice-commit-'));
  try {
    await git(work, ['clone', '--quiet', bare, 'tree']);
    const tree = join(work, 'tree');
    const known = await run('git', ['rev-parse', '--verify', '--quiet', `origin/${branch}`], { cwd: tree, env: gitEnv });
    await git(tree, ['checkout', '--quiet', '-B', branch, known.code === 0 ? `origin/${branch}` : 'origin/main']);
    for (const [path, content] of Object.entries(files)) {
      const file = join(tree, path);
      if (content === null) {
        await rm(file);
        continue;
      }
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    await git(tree, ['add', '--all']);
    await git(tree, ['commit', '--quiet', '--message', message]);
    await git(tree, ['push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`]);
    return (await git(tree, ['rev-parse', 'HEAD'])).trim();
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function git(cwd: string, args: string[]): Promise<string> {
  const ended = await run('git', args, { cwd, env: gitEnv, timeoutMs: 60_000 });
  if (ended.code !== 0) {
    throw new UpstreamError(`git ${args[0]} failed in the demo's repository: ${ended.tail.at(-1) ?? `exit ${ended.code}`}`, {
      details: { tail: ended.tail },
    });
  }
  return ended.stdout;
}
