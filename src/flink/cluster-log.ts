import { readFile } from 'node:fs/promises';
import { oneLine, truncate } from '../core/text.ts';
import { rootCauseOf } from './causes.ts';

/** What a Flink process last complained of, from its log or its output file; undefined if it did not. */
export async function lastErrorLine(logFile: string): Promise<string | undefined> {
  for (const file of [logFile, logFile.replace(/log$/, 'out')]) {
    const text = (await readFile(file, 'utf8').catch(() => '')).slice(-200_000);
    const lines = text.split('\n');
    const at = lines.findLastIndex((line) => / (ERROR|FATAL) |^Exception in thread|^Error: /.test(line));
    if (at < 0) continue;
    const following = lines.slice(at + 1, at + 200);
    const end = following.findIndex((line) => /^\d{4}-\d\d-\d\d /.test(line));
    const cause = rootCauseOf(following.slice(0, end < 0 ? undefined : end).join('\n'));
    const told = cause ? `${cause.name}: ${cause.message}` : (lines[at] ?? '').replace(/^.*? - /, '');
    return truncate(oneLine(told), 300);
  }
  return undefined;
}
