import { createWriteStream } from 'node:fs';
import { formatBytes } from '../core/time.ts';

export interface BuildLog {
  write(line: string): void;
  /** The last lines written, the newest last. */
  tail(): string[];
  /** Closes the file; if lines were left out, it says how many and adds the last ones. */
  close(): Promise<void>;
}

/**
 * A log file that cannot fill the disk: beyond `maxBytes` lines are counted, not written, and the last 200 are added at the end.
 * Lines longer than 4,000 characters are cut. An existing file is appended to.
 */
export async function openBuildLog(file: string, maxBytes: number): Promise<BuildLog> {
  const stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  let broken: Error | undefined;
  // A full disk must end the build's log, not Sluice; close tells of it.
  stream.on('error', (error) => {
    broken = error;
  });
  await new Promise<void>((resolve, reject) => stream.once('open', () => resolve()).once('error', reject));
  const last: string[] = [];
  let bytes = 0;
  let leftOut = 0;
  return {
    write(line) {
      const text = line.length > 4000 ? `${line.slice(0, 4000)}…` : line;
      last.push(text);
      if (last.length > 200) last.shift();
      if (bytes >= maxBytes) leftOut++;
      else if (!broken) stream.write(`${text}\n`);
      bytes += Buffer.byteLength(text) + 1;
    },
    tail: () => [...last],
    async close() {
      const kept = last.slice(-leftOut || last.length);
      if (leftOut > 0) {
        stream.write(`… ${leftOut} lines (of ${formatBytes(bytes)} in all) are beyond the limit of this log; the last ${kept.length}:\n`);
        stream.write(`${kept.join('\n')}\n`);
      }
      if (!broken) await new Promise<void>((resolve) => stream.end(() => resolve()));
    },
  };
}
