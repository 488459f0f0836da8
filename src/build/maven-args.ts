import { UserError } from '../core/errors.ts';
import { oneLine, truncate } from '../core/text.ts';

/** Options that stand alone, with what they are for. */
const plain = new Set([
  '-o',
  '--offline',
  '-U',
  '--update-snapshots',
  '-am',
  '--also-make',
  '-e',
  '--errors',
  '-N',
  '--non-recursive',
  '-ff',
  '-fae',
  '-nsu',
  '-C',
]);
/** Options that take the next word. */
const withValue = new Set(['-pl', '--projects', '-P', '--activate-profiles', '-T', '--threads']);
const value = /^[\w!?+:][\w!?+:.,/@-]*$/;
const allowed = 'Allowed are -Dname=value, -P profile, -pl module, -am, -T threads, -o and -U.';

/**
 * Checks the build arguments of a project, a word each; nothing reaches a shell. Goals, files and settings are chosen by Sluice.
 * @throws UserError for any other option, and for a secret written out (it would show in the process list and the log).
 */
export function checkMavenArgs(args: readonly string[]): string[] {
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (plain.has(arg)) continue;
    if (withValue.has(arg)) {
      const next = args[++i];
      if (next === undefined || !value.test(next)) throw refused(next === undefined ? `${arg} needs a value` : `${arg} ${next}`);
    } else if (arg.startsWith('-D')) {
      checkProperty(arg);
    } else if (!(arg.startsWith('-P') && value.test(arg.slice(2))) && !/^-T\d+(\.\d+)?C?$/.test(arg)) {
      throw refused(arg);
    }
  }
  return [...args];
}

function checkProperty(arg: string): void {
  const [, name, given] = /^-D([A-Za-z_][\w.-]*)(?:=(.*))?$/s.exec(arg) ?? [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a property on two lines is never meant
  if (name === undefined || /[\u0000-\u001f\u007f]/.test(arg) || arg.length > 2000) throw refused(arg);
  if (given && /passw(or)?d|secret|token|passphrase|api-?key/i.test(name)) {
    throw new UserError(`The build argument -D${truncate(name, 60)} holds a secret.`, {
      hint: 'Arguments are shown in the log. Put the secret into the Maven settings file, as an env. property, and leave the argument out.',
    });
  }
}

function refused(arg: string): UserError {
  return new UserError(`The build argument “${truncate(oneLine(arg), 60)}” is not allowed.`, { hint: allowed });
}

/**
 * Checks the path of a module inside the project, such as `jobs/orders`.
 * @throws UserError
 */
export function checkModule(module: string): string {
  const parts = module.split('/');
  if (module.length <= 500 && parts.every((part) => /^[\w][\w.-]*$/.test(part))) return module;
  throw new UserError(`“${truncate(oneLine(module), 60)}” is not the path of a module.`, {
    hint: 'Give the folder of the module inside the repository, for example jobs/orders.',
  });
}
