import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from './environment.ts';

/** Where fetched Flink releases are kept for all Sluices of this user: `$SLUICE_FLINK_CACHE`, else under `$XDG_CACHE_HOME` or `~/.cache`. */
export function flinkCacheFolder(env: Environment = process.env): string {
  return env['SLUICE_FLINK_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'sluice', 'flink');
}
/** The demo's data directory when none is given: `sluice-demo` in `$XDG_DATA_HOME` or `~/.local/share`. */
export function demoHome(env: Environment = process.env): string {
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'sluice-demo');
}

/** The mode this program runs in, as it is named by habit of Node programs. */
export function nodeEnv(env: Environment = process.env): string | undefined {
  return env['NODE_ENV'];
}

/** What pip needs of the environment to reach its index: its own variables, proxies and certificates. */
export function downloadEnvironment(env: Environment = process.env): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => /^(pip_|https?_proxy$|no_proxy$|ssl_cert_|requests_ca_bundle$)/i.test(name)),
  );
}
