import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError } from '../core/errors.ts';
import type { Environment } from './environment.ts';

/** Where a secret is kept: only the name is stored, the value is read when it is needed. */
export const SecretRef = z.union([
  z.strictObject({ env: z.string().regex(/^[A-Za-z_]\w*$/) }),
  z.strictObject({ file: z.string().min(1) }),
]);
export type SecretRef = z.output<typeof SecretRef>;

/** Secrets are short; a larger file is a mistake. */
const maxBytes = 64 * 1024;

/**
 * The secret that a reference names, without its last line break; read anew each time, so that a rotated secret is used at once.
 * @throws ConfigError that names the variable or the file (never the value) when there is none.
 */
export function readSecret(ref: SecretRef, env: Environment = process.env): string {
  if ('env' in ref) {
    const value = env[ref.env];
    if (value) return value;
    throw new ConfigError(`The secret in the variable ${ref.env} is not set.`, {
      hint: `Start Sluice with ${ref.env} in its environment.`,
    });
  }
  const value = readSecretFile(ref.file);
  if (value) return value;
  throw new ConfigError(`The secret file ${ref.file} is empty.`, { hint: 'Write the secret into it.' });
}

function readSecretFile(file: string): string {
  try {
    if (statSync(file).size > maxBytes)
      throw new ConfigError(`The secret file ${file} is larger than 64 KB.`, { hint: 'Name the right file.' });
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConfigError(`The secret file ${file} cannot be read (${code}).`, {
      cause,
      hint: code === 'ENOENT' ? 'Create it, or name another one.' : 'Let the user that Sluice runs as read it.',
    });
  }
}
