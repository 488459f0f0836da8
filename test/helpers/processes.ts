import { readdir, readFile } from 'node:fs/promises';

/** The command lines of live processes other than this one that name `text` (a folder of the test), by pid. */
export async function processesNaming(text: string): Promise<Map<number, string>> {
  const out = new Map<number, string>();
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
    if (line.includes(text)) out.set(pid, line);
  }
  return out;
}
