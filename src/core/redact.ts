const patterns: [RegExp, string][] = [
  [/\bxox[abprs]-[\w-]+/g, 'xox*-***'],
  [/\bxapp-[\w-]+/g, 'xapp-***'],
  [/\b(gh[pousr]_|glpat-)[\w-]+/g, '$1***'],
  [/\b(AKIA|ASIA)[A-Z0-9]{12,}/g, '$1***'],
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@:]{0,200}:[^\s/@]{0,500}@/gi, '$1***@'],
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[\w.-]{16,500}@/gi, '$1***@'],
  [
    /((?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|authorization|credential)[\w.-]{0,40}["']?\s{0,3}[=:]\s{0,3})(?:bearer\s+|basic\s+)?("[^"]*"|'[^']*'|[^\s,;&"']+)/gi,
    '$1***',
  ],
  [/([?&](?:X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|sig|signature)=)[^&\s]+/gi, '$1***'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, '-----PRIVATE KEY ***-----'],
];

/** Removes what looks like a secret (tokens, passwords in URLs and key=value pairs, signed URLs, private keys). The one choke point before logs and messages. */
export function redact(value: string): string {
  let out = value;
  for (const [pattern, replacement] of patterns) out = out.replace(pattern, replacement);
  return out;
}
