import { distance } from 'fastest-levenshtein';

/** The candidates nearest to what was typed, best first; only near ones, never a guess far away. */
export function nearest(typed: string, candidates: readonly string[], limit = 3): string[] {
  const wanted = typed.toLowerCase();
  const scored: { candidate: string; score: number }[] = [];
  for (const candidate of candidates) {
    const c = candidate.toLowerCase();
    const d = distance(wanted, c);
    if (d <= (wanted.length < 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3)))) scored.push({ candidate, score: d });
    else if (wanted.length >= 3 && (c.includes(wanted) || isSubsequence(wanted, c))) scored.push({ candidate, score: 50 + c.length });
  }
  scored.sort((a, b) => a.score - b.score || a.candidate.localeCompare(b.candidate));
  return scored.slice(0, limit).map((s) => s.candidate);
}
function isSubsequence(short: string, long: string): boolean {
  let i = 0;
  for (const ch of long) if (ch === short[i]) i++;
  return i === short.length;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** At most `limit` UTF-16 units, cut on a grapheme border, the cut marked with an ellipsis. */
export function truncate(value: string, limit: number): string {
  if (value.length <= limit) return value;
  let out = '';
  for (const { segment } of segmenter.segment(value.slice(0, limit + 32))) {
    if (out.length + segment.length > limit - 1) break;
    out += segment;
  }
  return `${out}…`;
}

/** One line: line breaks and runs of white space become single spaces. */
export function oneLine(value: string): string {
  return value.replace(/\s+/g, ' ').trim();
}

/** Without control characters (but tabs and line breaks), bidi overrides and zero-width characters. */
export function stripControls(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the purpose
  return value.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '');
}

/** A word quoted for a command line when it needs to be. */
export function quoteWord(word: string): string {
  return /^[\w@%+=:,./{}-]+$/.test(word) ? word : `"${word.replace(/"/g, "'")}"`;
}

/** `1 job`, `3 jobs`. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
