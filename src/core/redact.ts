const patterns: [RegExp, string][] = [
  // Also one that is cut off: what is there of it is still secret.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '-----PRIVATE KEY ***-----'],
  [/\bxox[a-z][.-][\w.-]+/g, 'xox*-***'],
  [/\bxapp-[\w-]+/g, 'xapp-***'],
  [/\b(gh[pousr]_|github_pat_|glpat-)[\w-]+/g, '$1***'],
  [/\b(hooks\.slack\.com\/[a-z]{1,20}\/)[^\s"'<>]+/gi, '$1***'],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}/g, '$1***'],
  [/:\/\/(?:[^\s/@:]{0,200}:[^\s/]{0,500}|[\w.-]{16,500})@/g, '://***@'],
  [
    /((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|authorization|credential)[\w.-]{0,40}["']?\s{0,3}[=:]\s{0,3})(?:bearer\s+|basic\s+)?("(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|'[^']*(?:'|$)|[^\s,;&"']+)/gi,
    '$1***',
  ],
  [/([?&](?:X-(?:Amz|Goog)-(?:Signature|Credential|Security-Token)|sig|signature)=)[^&\s]+/gi, '$1***'],
];

/** Removes what looks like a secret (tokens, passwords in URLs and key=value pairs, signed URLs, private keys). The one choke point before logs and messages. */
export function redact(value: string): string {
  let out = value;
  for (const [pattern, replacement] of patterns) out = out.replace(pattern, replacement);
  return out;
}

/** A value of a parameter without what its name or its look gives away as a secret. */
export function shownValue(key: string, value: string): string {
  const head = `${key}=`;
  const clean = redact(head + value);
  return clean.startsWith(head) ? clean.slice(head.length) : redact(value);
}

/** An address as people may see and open it: without name and password. What is no address stays as it is. */
export function withoutLogin(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  if (!parsed.username && !parsed.password) return url;
  parsed.username = '';
  parsed.password = '';
  return parsed.href.replace(/\/$/, '');
}
