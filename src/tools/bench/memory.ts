import { formatBytes, sleep } from '../../core/time.ts';
import type { Conversation } from './conversation.ts';
import { family, type Memory, memoryOf } from './processes.ts';
import type { Figure } from './report.ts';
import { jobName } from './sluice.ts';

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
  postgresPid: number,
  talk: Conversation,
  say: (line: string) => void,
): Promise<Omit<Figure, 'facts'>> {
  const look = async () => ({ sluice: await memoryOf([sluicePid]), postgres: await memoryOf(await family(postgresPid)) });
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
