import { cpus, loadavg, totalmem, type } from 'node:os';
import { silentLog } from '../../core/log.ts';
import { run } from '../../core/process.ts';
import { formatBytes } from '../../core/time.ts';
import type { Target } from '../../db/connection.ts';
import { openDb } from '../../db/db.ts';
import { sql } from '../../db/query.ts';
import { projectRoot } from './rig.ts';

/** What every figure says about where it was measured; taken before, so that the load is that of others. */
export async function machineFacts(now: Date): Promise<Record<string, string>> {
  const [cpu] = cpus();
  const commit = await git(['rev-parse', '--short=12', 'HEAD']);
  const changed = (await git(['status', '--porcelain', '--untracked-files=no'])) !== '';
  return {
    Date: `${now.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    Machine: `${cpu?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${formatBytes(totalmem())}, ${type()}`,
    'Load before': loadavg()
      .map((n) => n.toFixed(1))
      .join(' '),
    Sluice: commit === '' ? 'not from git' : `${commit}${changed ? ' with changes' : ''}`,
    Node: process.versions.node,
  };
}

async function git(args: readonly string[]): Promise<string> {
  const result = await run('git', args, { cwd: projectRoot, timeoutMs: 10_000 }).catch(() => undefined);
  return result?.code === 0 ? result.stdout.trim() : '';
}

/** The version of a PostgreSQL server, as it says itself. */
export async function postgresVersion(target: Target): Promise<string> {
  const database = openDb({ ...target, log: silentLog, max: 1 });
  try {
    const { rows } = await database.db.execute<{ server_version: string }>(sql`show server_version`);
    return rows[0]?.server_version ?? 'unknown';
  } finally {
    await database.close();
  }
}
