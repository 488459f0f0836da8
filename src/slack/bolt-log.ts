import { type Logger, LogLevel } from '@slack/bolt';
import type { Log } from '../core/log.ts';
import { redact } from '../core/redact.ts';

/** Bolt's and its clients' logger on ours. Debug is dropped: it holds raw frames with what people typed. */
export function boltLog(log: Log): Logger {
  const say = (level: 'info' | 'warn' | 'error', parts: unknown[]) =>
    log[level](
      { slack: redact(parts.map((p) => (p instanceof Error ? `${p.name}: ${p.message}` : String(p))).join(' ')) },
      'slack library',
    );
  return {
    debug() {},
    // Info of the libraries ("now connected") is said by our own lines.
    info() {},
    warn: (...parts) => say('warn', parts),
    error: (...parts) => say('error', parts),
    setLevel() {},
    getLevel: () => LogLevel.INFO,
    setName() {},
  };
}
