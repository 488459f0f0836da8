import { UserError } from '../core/errors.ts';
import { quoteWord } from '../core/text.ts';
import type { Args } from './spec.ts';

/** `v6`, `6` or `current`. @throws UserError */
export function parseVersion(value: string): number | 'current' {
  if (value === 'current') return 'current';
  const match = /^v?(\d{1,6})$/i.exec(value);
  if (!match)
    throw new UserError(`${value} is no version.`, { hint: 'Expected for example v6, or current. All of them: /flink versions <job>' });
  return Number(match[1]);
}
/** The number of a version that must exist. */
export function versionNumber(value: string): number {
  const version = parseVersion(value);
  if (version === 'current')
    throw new UserError('A version number was expected, for example v6.', { hint: 'Which there are: /flink versions <job>' });
  return version;
}
/** The options that say what is started, as they would be typed: ` --version v6`, ` --build --branch fix`. */
export function sourceWords(options: Args['options']): string {
  const { version, build, branch } = options;
  return [
    version === undefined ? '' : ` --version ${quoteWord(String(version))}`,
    build === true ? ' --build' : '',
    branch === undefined ? '' : ` --branch ${quoteWord(String(branch))}`,
  ].join('');
}
