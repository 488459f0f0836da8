/** A path of this site, `/` for anything else: where a sign-in or a form leads can never be another site. */
export function sameSitePath(value: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: browsers drop them, which would change what the path means
  if (typeof value !== 'string' || value.length > 1000 || !/^\/(?![/\\])/.test(value) || /[\u0000-\u001f\u007f\\]/.test(value)) return '/';
  const base = 'http://site.invalid';
  if (!URL.canParse(value, base)) return '/';
  const url = new URL(value, base);
  if (url.origin !== base || url.pathname.startsWith('//') || /^\/(sign-in|sign-out|command)\b/.test(url.pathname)) return '/';
  return url.pathname + url.search;
}
