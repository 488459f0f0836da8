import { parseDuration } from '../core/time.ts';
import { type Parameter, plain, problem } from './parameter.ts';
import { parseTags, tagsOf } from './tags.ts';

/** How many savepoints are kept. */
export const keepSavepoints: Parameter = {
  key: 'keep-savepoints',
  label: 'Keep savepoints',
  meaning:
    "How many of the newest savepoints are kept; older ones that nothing needs are deleted, a day after the hand-over told of it. all: every one. Empty: the installation's default.",
  example: '5',
  show: (d) => d.keepSavepoints?.toString(),
  assign(d, v) {
    const { keepSavepoints: _, ...rest } = d;
    if (v === '') return rest;
    if (v.toLowerCase() === 'all') return { ...rest, keepSavepoints: 'all' };
    const n = Number(v);
    if (!/^\d+$/.test(v) || n < 1 || n > 10_000)
      return problem(`keep-savepoints is a whole number from 1 to 10000, or all, not ${v}: the newest one is always kept.`);
    return { ...rest, keepSavepoints: n };
  },
};
/** For how long they are kept. */
export const keepSavepointsFor: Parameter = {
  key: 'keep-savepoints-for',
  label: 'Keep savepoints for',
  meaning:
    "How long savepoints are kept, at least a day. With keep-savepoints too, one goes when both let it go. Empty: the installation's default.",
  example: '30d',
  ...plain('keepSavepointsFor', (v) => {
    const ms = parseDuration(v);
    if (ms === undefined) return problem(`${v} is no duration: expected for example 30d.`);
    return ms >= 86_400_000 ? v : problem('keep-savepoints-for is at least 1 d.');
  }),
};
/** Words to find and to silence jobs by. */
export const tags: Parameter = {
  key: 'tags',
  label: 'Tags',
  meaning: 'Words to find jobs by and to silence them by, separated by commas.',
  example: 'nightly, billing',
  show: (d) => (tagsOf(d).length === 0 ? undefined : tagsOf(d).join(', ')),
  assign(d, v) {
    const { tags: _, ...rest } = d;
    const parsed = parseTags(v);
    if ('problem' in parsed) return problem(parsed.problem);
    return parsed.tags.length === 0 ? rest : { ...rest, tags: parsed.tags };
  },
};
