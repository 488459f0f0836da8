import { clean } from '../core/clean.ts';
import { oneLine, truncate } from '../core/text.ts';

/** More than this of one value is shown nowhere; redacting all of a huge one is slow. */
const longest = 20_000;

/** Data as it may leave, of a length that anybody reads. Not yet escaped. */
export function cleanText(value: string): string {
  return clean(value.slice(0, longest));
}
/** The same in one line of at most `limit` characters. */
export function cleanLine(value: string, limit: number): string {
  return truncate(oneLine(cleanText(value)), limit);
}

/** An http(s) address as it may be linked to; undefined for anything else. */
export function safeUrl(url: string): string | undefined {
  if (url.length > 2_000) return undefined;
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return undefined;
  const safe = cleanText(parsed.href).replace(
    /[<>"'`()[\]|\s\\]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return URL.canParse(safe) && safe.length <= 2_000 ? safe : undefined;
}

/** What the other side said, for people: without the secrets that it was sent, without what looks like one, in one short line. */
export function scrub(said: string, secrets: readonly string[]): string {
  let out = said.slice(0, longest);
  // The longest first: a part of a secret must not uncover the rest of it.
  for (const secret of secrets.flatMap(spellings).sort((a, b) => b.length - a.length)) out = out.replaceAll(secret, '***');
  return cleanLine(out, 300);
}
function spellings(secret: string): string[] {
  if (secret.length < 4) return [];
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64')];
}

/** The secrets that an address holds: the whole of it, values of its query, long parts of its path. */
export function secretsOfUrl(url: string): string[] {
  const parsed = URL.parse(url);
  if (parsed === null) return [url];
  const path = parsed.pathname.split('/').filter((part) => part.length >= 16);
  const user = [parsed.username, parsed.password].map((part) => decodeURIComponent(part));
  return [url, parsed.href, `${parsed.pathname}${parsed.search}`, ...parsed.searchParams.values(), ...path, ...user].filter(
    (s) => s.length >= 6,
  );
}

/** As many whole lines as fit, the cut marked; the first one is shortened if it must be. `sizeOf` measures the joined text. */
export function fitLines(lines: readonly string[], limit: number, sizeOf: (text: string) => number): string {
  const whole = lines.join('\n');
  if (sizeOf(whole) <= limit) return whole;
  const mark = '… shortened here, see the page.';
  let low = 0;
  let high = lines.length;
  const upTo = (n: number) => [...lines.slice(0, n), mark].join('\n');
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sizeOf(upTo(middle)) <= limit) low = middle;
    else high = middle - 1;
  }
  if (low > 0) return upTo(low);
  let first = lines[0] ?? '';
  while (first.length > 1 && sizeOf(`${first}\n${mark}`) > limit) first = truncate(first, Math.floor(first.length / 2));
  return `${first}\n${mark}`;
}
/** Bytes in UTF-8. */
export function bytes(text: string): number {
  return Buffer.byteLength(text);
}
