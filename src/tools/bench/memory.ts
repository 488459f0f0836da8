import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, sleep } from '../../core/time.ts';
import type { Conversation } from './conversation.ts';
import type { Figure } from './report.ts';
import { jobName } from './sluice.ts';

export interface Memory {
  /** Bytes. */
  resident: number;
  /** Bytes, what is shared with other processes counted by its share; undefined where the system does not say. */
  proportional: number | undefined;
}

/** Resident memory of a process from the text of `/proc/PID/status` and `/proc/PID/smaps_rollup`. */
export function parseMemory(status: string, rollup: string | undefined): Memory {
  const kilobytes = (text: string, key: string) => {
    const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  return { resident: kilobytes(status, 'VmRSS') ?? 0, proportional: rollup === undefined ? undefined : kilobytes(rollup, 'Pss') };
}

async function memoryOf(pids: readonly number[]): Promise<Memory> {
  const all: Memory[] = [];
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    all.push(parseMemory(status, await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => undefined)));
  }
  const known = all.flatMap((m) => m.proportional ?? []);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  return { resident: sum(all.map((m) => m.resident)), proportional: known.length === all.length ? sum(known) : undefined };
}
/** A process and all that descend from it. */
async function family(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const members = [pid];
  for (const member of members) for (const [child, parent] of parents) if (parent === member) members.push(child);
  return members;
}

/** About thirty commands of a day: looking, changing, starting, stopping. */
async function talkForAWhile(talk: Conversation, say: (line: string) => void): Promise<number> {
  const looks = ['help', 'list', `status ${jobName}`, `versions ${jobName}`, `history ${jobName}`, `logs ${jobName}`, 'whoami'];
  const lines: [kind: 'says' | 'does', line: string][] = [
    ...looks.map((line): ['says', string] => ['says', `/flink ${line}`]),
    ['does', `/flink start ${jobName}`],
    ...looks.map((line): ['says', string] => ['says', `/flink ${line}`]),
    ['does', `/flink savepoint ${jobName}`],
    ['says', `/flink set ${jobName} parallelism=3`],
    ['says', `/flink diff ${jobName} v1 v2`],
    ['does', `/flink restart ${jobName} --version v2`],
    ['does', `/flink stop ${jobName}`],
    ['does', `/flink start ${jobName}`],
    ...looks.map((line): ['says', string] => ['says', `/flink ${line}`]),
    ['does', `/flink stop ${jobName}`],
  ];
  for (const [kind, line] of lines) {
    say(`memory: ${line}`);
    await talk[kind](line);
  }
  return lines.length;
}

/** What Sluice and its PostgreSQL keep in memory, after the start and after a conversation. */
export async function measureMemory(
  sluicePid: number,
  postgresDir: string,
  talk: Conversation,
  say: (line: string) => void,
): Promise<Omit<Figure, 'facts'>> {
  const postmaster = Number((await readFile(join(postgresDir, 'postmaster.pid'), 'utf8')).split('\n')[0]);
  const look = async () => ({ sluice: await memoryOf([sluicePid]), postgres: await memoryOf(await family(postmaster)) });
  await sleep(5000);
  const before = await look();
  const commands = await talkForAWhile(talk, say);
  await sleep(10_000);
  const after = await look();
  const row = (name: string, m: Memory) => [
    name,
    formatBytes(m.resident),
    m.proportional === undefined ? '-' : formatBytes(m.proportional),
  ];
  return {
    name: 'memory',
    title: 'Memory',
    how: `\`src/main.ts\` as a process of its own with embedded PostgreSQL, watching a real cluster: 5 s after its start, and 10 s after ${commands} commands (help, list, status, versions, history, logs, start, savepoint, set, diff, restart, stop) typed in the practice workspace. Resident is VmRSS; the share counts what processes have in common once, which for PostgreSQL's processes is most of it.`,
    tables: [
      {
        head: ['', 'resident', 'share'],
        rows: [
          row('Sluice after its start', before.sluice),
          row(`Sluice after ${commands} commands`, after.sluice),
          row('PostgreSQL after its start, all processes', before.postgres),
          row(`PostgreSQL after ${commands} commands, all processes`, after.postgres),
        ],
      },
    ],
    aims: [],
    notes: [],
  };
}
