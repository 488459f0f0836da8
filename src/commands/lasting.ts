import { UserError } from '../core/errors.ts';
import { formatDuration, parseDuration } from '../core/time.ts';

const minute = 60_000;
const longestMs = 7 * 24 * 60 * minute;

/**
 * How long something is to last that people ask for, in milliseconds.
 * @param what `A silence`. @param nothing what is said to be as before: `Nothing was silenced.` @throws UserError when it is no time, under a minute or over 7 days.
 */
export function lastingMs(typed: string, what: string, nothing: string): number {
  const ms = parseDuration(typed);
  if (ms === undefined) throw new UserError(`${typed} is not a time.`, { hint: `For example 30min, 2h or 1d. ${nothing}` });
  if (ms < minute || ms > longestMs)
    throw new UserError(`${what} lasts between 1 min and 7 days, not ${formatDuration(ms)}.`, { hint: nothing });
  return ms;
}
