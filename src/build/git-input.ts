import { UserError } from '../core/errors.ts';
import { oneLine, truncate } from '../core/text.ts';

export interface RepositoryUrl {
  /** What git is given; never holds a password. */
  url: string;
  transport: 'https' | 'http' | 'ssh' | 'local';
  /** Host with its port if one is named; empty for local repositories. */
  host: string;
}
export interface UrlRules {
  /** Exact `host` or `host:port` entries for which plain `http://` is let through. */
  allowPlainHttpHosts?: readonly string[] | undefined;
  /** Lets `file://` and absolute paths through; for tests only. */
  allowLocal?: boolean | undefined;
}

const expected = 'Expected https://host/path, ssh://user@host/path or git@host:path.';

/**
 * Checks a repository address that a person typed.
 * @throws UserError for another protocol, a password inside the address, plain http to a host that no admin listed, or
 *   anything that git could take for an option.
 */
export function parseRepositoryUrl(typed: string, rules: UrlRules = {}): RepositoryUrl {
  const url = typed.trim();
  if (url === '') throw new UserError('The repository address is empty.', { hint: expected });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose
  if (url.length > 2000 || /[\s\u0000-\u001f\u007f\\]/.test(url) || url.startsWith('-')) throw notAnAddress(url);
  const scp = /^([A-Za-z0-9_][\w.-]*)@([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\]):(?!\/\/)([^-:].*)$/.exec(url);
  if (scp) return { url, transport: 'ssh', host: scp[2] as string };
  if (rules.allowLocal && (url.startsWith('/') || url.startsWith('file:///'))) return { url, transport: 'local', host: '' };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^[a-z+.-]+:\/\//i.test(url)) throw notAnAddress(url);
  return checkedUrl(parsed, rules);
}

function checkedUrl(parsed: URL, rules: UrlRules): RepositoryUrl {
  const transport = parsed.protocol.slice(0, -1);
  if (transport !== 'https' && transport !== 'http' && transport !== 'ssh') {
    throw new UserError(`Repositories over ${truncate(transport, 20)}:// cannot be used.`, { hint: expected });
  }
  if (parsed.password !== '' || (transport !== 'ssh' && parsed.username !== '')) {
    throw new UserError('The repository address holds a user name or password.', {
      hint: 'Take it out of the address and name it as the credential of the project: the address is shown to everybody.',
    });
  }
  if (parsed.search !== '' || parsed.hash !== '') throw new UserError('The repository address holds a ? or #.', { hint: expected });
  if (transport === 'ssh' && !/^[A-Za-z0-9_][\w.-]*$/.test(parsed.username)) {
    throw new UserError('The ssh address names no user.', {
      hint: 'Write ssh://git@host/path, with the user that the git server expects.',
    });
  }
  if (!/^([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\])$/.test(parsed.hostname)) throw notAnAddress(parsed.host);
  if (parsed.pathname.length < 2 || parsed.pathname.startsWith('/-')) {
    throw new UserError('The repository address names a host but no repository.', { hint: expected });
  }
  if (transport === 'http' && !(rules.allowPlainHttpHosts ?? []).some((host) => host.toLowerCase() === parsed.host)) {
    throw new UserError(`Plain http:// to ${parsed.host} is not allowed: passwords would travel unprotected.`, {
      hint: `Use https://, or ask an admin to list ${parsed.host} among the hosts that may be reached over plain http.`,
    });
  }
  return { url: parsed.href, transport, host: parsed.host };
}

function notAnAddress(url: string): UserError {
  // A mistyped address may still hold a password: what stands before an @ is not repeated.
  const shown = truncate(oneLine(url.replace(/^.*@/s, '…@')), 80);
  return new UserError(`“${shown}” is not an address of a git repository.`, { hint: expected });
}

/**
 * Checks the name of a branch or tag by the rules of git check-ref-format, and that git cannot take it for an option.
 * @throws UserError
 */
export function checkRefName(name: string, what: 'branch' | 'tag' = 'branch'): string {
  if (!isRefName(name)) {
    throw new UserError(`“${truncate(oneLine(name), 80)}” cannot be the name of a ${what}.`, {
      hint: 'Names hold letters, digits and . / _ -, do not begin with - or . and hold no spaces.',
    });
  }
  return name;
}
function isRefName(name: string): boolean {
  if (name === '' || name.length > 240 || name === '@' || name === 'HEAD' || name.startsWith('-') || name.endsWith('.')) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids them
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{/.test(name) || !name.isWellFormed()) return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}

/**
 * Checks a full commit id: 40 hexadecimal digits, returned in lower case.
 * @throws UserError
 */
export function checkCommit(commit: string): string {
  if (/^[0-9a-f]{40}$/i.test(commit)) return commit.toLowerCase();
  throw new UserError(`“${truncate(oneLine(commit), 60)}” is not a full commit id.`, {
    hint: 'Give all 40 hexadecimal digits, or a branch or tag.',
  });
}
