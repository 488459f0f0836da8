import { readdir, readFile } from 'node:fs/promises';

export interface Memory {
  /** Bytes. */
  resident: number;
  /** Bytes, what is shared with other processes counted by its share; undefined where the system does not say. */
  proportional: number | undefined;
}

/** Linux counts the time of processes in hundredths of a second, whatever its kernel was built with. */
const tickMs = 10;

/** Resident memory of a process from the texts of `/proc/PID/status` and `/proc/PID/smaps_rollup`. */
export function parseMemory(status: string, rollup: string | undefined): Memory {
  const bytes = (text: string, key: string) => {
    const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
    return found === undefined ? undefined : Number(found) * 1024;
  };
  return { resident: bytes(status, 'VmRSS') ?? 0, proportional: rollup === undefined ? undefined : bytes(rollup, 'Pss') };
}

/** Parent and used processor time, also of children that are over, from the text of `/proc/PID/stat`, whose second field may hold anything. */
export function parseStat(stat: string): { parent: number; cpuMs: number } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(fields[1]), cpuMs: sum(fields.slice(11, 15).map(Number)) * tickMs };
}

/** What these processes keep in memory together. */
export async function memoryOf(pids: readonly number[]): Promise<Memory> {
  const all: Memory[] = [];
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    all.push(parseMemory(status, await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => undefined)));
  }
  const known = all.flatMap((m) => m.proportional ?? []);
  return { resident: sum(all.map((m) => m.resident)), proportional: known.length === all.length ? sum(known) : undefined };
}

/** The processor time that these processes have used so far, with that of children that are over, in milliseconds. */
export async function cpuMsOf(pids: readonly number[]): Promise<number> {
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)));
  return sum(stats.map((stat) => (stat === undefined ? 0 : parseStat(stat).cpuMs)));
}

/** A process and all that descend from it. */
export async function family(pid: number): Promise<number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
    if (stat !== undefined) parents.set(Number(name), parseStat(stat).parent);
  }
  const members = [pid];
  for (const member of members) for (const [child, parent] of parents) if (parent === member) members.push(child);
  return members;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
