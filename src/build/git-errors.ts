import { type AppError, ConfigError, ConflictError, UnreachableError, UpstreamError } from '../core/errors.ts';
import type { GitCredential } from './git-credential.ts';
import type { RepositoryUrl } from './git-input.ts';

export interface GitFailure {
  repository: RepositoryUrl;
  credential: GitCredential;
  /** What git printed, secrets already removed. */
  output: string;
  /** The commit that was being fetched. */
  commit?: string | undefined;
}

/** What went wrong in git, in words for the person who asked for the build; git is spoken to in the C locale. */
export function explainGitFailure(failure: GitFailure): AppError {
  const { repository, output } = failure;
  const at = repository.host === '' ? 'The repository' : repository.host;
  const options = { details: { repository: repository.url, git: lastLines(output) } };
  const is = (pattern: RegExp) => pattern.test(output);

  if (is(/spawn git ENOENT|spawn git EACCES/)) {
    return new ConfigError('The program git cannot be started here.', {
      hint: 'Install git, or put it on the PATH of Sluice.',
      ...options,
    });
  }
  if (is(/No space left on device|Disk quota exceeded/)) {
    return new UpstreamError('The disk of Sluice is full: the repository could not be fetched.', {
      hint: 'Free some space, then build again.',
      ...options,
    });
  }
  if (is(/Could not resolve host|Name or service not known|Temporary failure in name resolution/)) {
    return new UnreachableError(`The host ${at} is not known.`, {
      hint: 'Check the address of the repository for a typing mistake.',
      ...options,
    });
  }
  if (is(/SSL certificate problem|certificate verif|server certificate|SSL_ERROR|gnutls_handshake/i)) {
    return new UpstreamError(`The certificate of ${at} is not trusted here.`, {
      hint: 'Ask an admin to add the certificate authority of the git server to this machine.',
      ...options,
    });
  }
  if (is(/Operation too slow|less than \d+ bytes\/sec/)) {
    return new UnreachableError(`${at} stopped sending.`, { hint: 'The git server is slow or stuck: try again later.', ...options });
  }
  return explainRefusal(failure, at, options, is);
}

function explainRefusal(
  failure: GitFailure,
  at: string,
  options: { details: Record<string, unknown> },
  is: (pattern: RegExp) => boolean,
): AppError {
  const { credential, repository, commit } = failure;
  if (is(/UNPROTECTED PRIVATE KEY|Load key .*(invalid format|error in libcrypto|incorrect passphrase)/)) {
    return new ConfigError('The ssh key of the credential cannot be used.', {
      hint: 'It must be a private key without passphrase that only the user of Sluice can read (mode 600).',
      ...options,
    });
  }
  if (is(/Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED/)) {
    return new UpstreamError(`The ssh host key of ${at} is not the one that is known here.`, {
      hint: 'If the server really has a new key, an admin replaces it in the known hosts file. Otherwise somebody may be listening in.',
      ...options,
    });
  }
  if (is(/not our ref|unadvertised object|Server does not allow request|couldn't find remote ref [0-9a-f]{40}/)) {
    return new ConflictError(`Commit ${commit?.slice(0, 7) ?? ''} is no longer there: the branch was rewritten.`, {
      hint: 'Somebody pushed with force in the meantime. Build again to take the newest commit.',
      ...options,
    });
  }
  if (is(/could not read (Username|Password)|terminal prompts disabled/)) {
    return new UpstreamError(`The repository ${repository.url} needs a password.`, {
      hint: 'Give the project a credential (user and password, or a token). Some servers answer the same when there is no such repository.',
      ...options,
    });
  }
  if (is(/Authentication failed|HTTP Basic: Access denied|error: 401|Permission denied \(publickey/))
    return wrongCredential(credential, at, options);
  if (is(/error: 403|access denied|not allowed to (download|view)/i)) {
    return new UpstreamError(`${at} knows this credential but does not let it read the repository.`, {
      hint: 'Ask the owner of the repository for read access, or use another credential.',
      ...options,
    });
  }
  if (
    is(
      /repository '.*' not found|Repository not found|error: 404|does not appear to be a git repository|not valid: is this a git repository/i,
    )
  ) {
    return new UpstreamError(`There is no repository ${repository.url}, or it may not be seen with this credential.`, {
      hint: 'Check the address for a typing mistake; private repositories need a credential that may read them.',
      ...options,
    });
  }
  if (is(/error: 30\d|redirect/i)) {
    return new UpstreamError(`${at} sends on to another address.`, {
      hint: 'Use the new address of the repository, ending in .git.',
      ...options,
    });
  }
  if (
    is(
      /Failed to connect|Couldn't connect|Connection (refused|timed out|reset|closed)|No route to host|Empty reply|Network is unreachable|error: 5\d\d/,
    )
  ) {
    return new UnreachableError(`${at} cannot be reached, or does not answer as a git server.`, {
      hint: 'Check the address, then try again.',
      ...options,
    });
  }
  if (is(/fsck error|disallowed submodule/)) {
    return new UpstreamError('The commit holds objects that git refuses as malformed or dangerous.', {
      hint: 'The log tells which. Correct them in the repository, then build again.',
      ...options,
    });
  }
  const reason = /^(?:fatal|error): (.*)$/m.exec(failure.output)?.[1];
  return new UpstreamError(`git could not read the repository${reason ? `: ${reason.slice(0, 200)}` : '.'}`, {
    hint: `Check the address ${repository.url} and its credential.`,
    ...options,
  });
}

function wrongCredential(credential: GitCredential, at: string, options: { details: Record<string, unknown> }): AppError {
  const wrong = {
    none: 'nothing: it needs a credential',
    password: `the user name or password (user ${credential.kind === 'password' ? credential.username : ''})`,
    token: 'the token',
    'ssh-key': 'the ssh key',
  }[credential.kind];
  const hint =
    credential.kind === 'ssh-key'
      ? 'Add its public key to the repository or the account there.'
      : 'It may be mistyped, expired or withdrawn: correct the credential of the project, then try again.';
  return new UpstreamError(`${at} refused ${wrong}.`, { hint, ...options });
}

function lastLines(output: string): string {
  // A progress line holds all its states, separated by carriage returns.
  const lines = output.split('\n').map((line) => line.trimEnd().split('\r').pop() ?? '');
  return lines.filter(Boolean).slice(-10).join('\n').slice(-2000);
}
