import { access, chmod, constants, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, UserError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import type { RepositoryUrl } from './git-input.ts';

/** How Sluice proves to a git server who it is. `secret` is the plain secret; it only ever reaches git by environment. */
export type GitCredential =
  | { kind: 'none' }
  | { kind: 'password'; username: string; secret: string }
  /** `username` only where the server insists on one; GitHub, GitLab and Bitbucket are known. */
  | { kind: 'token'; secret: string; username?: string | undefined }
  /** `keyFile` is a private key without passphrase. With `knownHostsFile` only the hosts in it are trusted, else a new host is learnt once. */
  | { kind: 'ssh-key'; keyFile: string; knownHostsFile?: string | undefined };

export interface CredentialAccess {
  /** An empty private directory (0700): git's HOME, so that no configuration or .netrc of the machine is read. */
  home: string;
  env: Record<string, string>;
  /** Removes the secret, and whatever looks like one, from a text. */
  hide(text: string): string;
  dispose(): Promise<void>;
}

// The secret is not in this file: git starts the script with the question as its argument, and the answer is in the environment.
const askpass = `#!/bin/sh
case "$1" in
Username*) printf '%s\\n' "$SLUICE_GIT_USERNAME" ;;
*) printf '%s\\n' "$SLUICE_GIT_SECRET" ;;
esac
`;

/**
 * Makes a credential usable for one conversation with a git server; call `dispose` afterwards.
 * @throws UserError if the credential does not fit the address; ConfigError if the key file cannot be read.
 */
export async function openCredential(credential: GitCredential, repository: RepositoryUrl): Promise<CredentialAccess> {
  checkFits(credential, repository);
  const secretEnv = await environmentOf(credential, repository.host);
  const home = await mkdtemp(join(tmpdir(), 'sluice-git-'));
  const env: Record<string, string> = { HOME: home, XDG_CONFIG_HOME: home, ...secretEnv };
  if (credential.kind === 'password' || credential.kind === 'token') {
    const script = join(home, 'askpass.sh');
    await writeFile(script, askpass, { mode: 0o700 });
    await chmod(script, 0o700);
    env['GIT_ASKPASS'] = script;
  }
  return {
    home,
    env,
    hide: (text) => redact(hideSecret(text, 'secret' in credential ? credential.secret : '')),
    dispose: () => rm(home, { recursive: true, force: true }),
  };
}

function checkFits(credential: GitCredential, repository: RepositoryUrl): void {
  if (repository.transport === 'local') return;
  if (repository.transport === 'ssh' && credential.kind !== 'ssh-key') {
    throw new UserError('An ssh address needs an ssh key as its credential.', {
      hint: 'Give the project an ssh key, or use its https:// address.',
    });
  }
  if (repository.transport !== 'ssh' && credential.kind === 'ssh-key') {
    throw new UserError('An ssh key does not fit an https address.', {
      hint: 'Use the address git@host:path, or give a password or token.',
    });
  }
  // git's askpass protocol is line by line: a line break would cut the secret and tell a misleading "wrong password".
  if ('secret' in credential && (credential.secret === '' || /[\r\n\0]/.test(credential.secret))) {
    throw new ConfigError('The secret of the git credential is empty or holds a line break.', {
      hint: 'Set it to the password or token alone.',
    });
  }
}

async function environmentOf(credential: GitCredential, host: string): Promise<Record<string, string>> {
  if (credential.kind === 'none') return {};
  if (credential.kind === 'password') return { SLUICE_GIT_USERNAME: credential.username, SLUICE_GIT_SECRET: credential.secret };
  if (credential.kind === 'token') {
    return { SLUICE_GIT_USERNAME: credential.username ?? tokenUser(host), SLUICE_GIT_SECRET: credential.secret };
  }
  for (const file of [credential.keyFile, credential.knownHostsFile]) {
    if (file === undefined) continue;
    await access(file, constants.R_OK).catch((cause: unknown) => {
      throw new ConfigError(`The file ${file} of the ssh credential cannot be read.`, {
        cause,
        hint: 'Check the path and its permissions.',
      });
    });
  }
  return { GIT_SSH_COMMAND: sshCommand(credential.keyFile, credential.knownHostsFile) };
}

/** The user name that goes with an access token: each server has its own, most take any. */
function tokenUser(host: string): string {
  if (/(^|\.)github\./.test(host)) return 'x-access-token';
  if (/(^|\.)bitbucket\./.test(host)) return 'x-token-auth';
  return 'oauth2';
}

function sshCommand(keyFile: string, knownHostsFile: string | undefined): string {
  const options = ['IdentitiesOnly=yes', 'BatchMode=yes', 'ConnectTimeout=15', 'ServerAliveInterval=15', 'ServerAliveCountMax=2'];
  options.push(`StrictHostKeyChecking=${knownHostsFile === undefined ? 'accept-new' : 'yes'}`);
  if (knownHostsFile !== undefined) options.push(`UserKnownHostsFile=${knownHostsFile}`);
  return ['ssh', '-F', '/dev/null', '-i', keyFile, ...options.flatMap((option) => ['-o', option])].map(shellWord).join(' ');
}
/** git hands GIT_SSH_COMMAND to a shell. */
function shellWord(word: string): string {
  return /^[\w/.=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function hideSecret(text: string, secret: string): string {
  if (secret === '') return text;
  let out = text;
  for (const form of [secret, encodeURIComponent(secret)]) out = out.replaceAll(form, '***');
  return out;
}
