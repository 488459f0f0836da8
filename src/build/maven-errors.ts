import { relative } from 'node:path';
import { plural, truncate } from '../core/text.ts';

export interface MavenFailure {
  kind:
    | 'compile'
    | 'pom'
    | 'no-pom'
    | 'no-module'
    | 'dependency'
    | 'corrupt-cache'
    | 'java-version'
    | 'out-of-memory'
    | 'killed'
    | 'disk-full'
    | 'tests'
    | 'no-java'
    | 'other';
  /** One sentence for the person. */
  message: string;
  hint: string;
}

/**
 * What made Maven fail, from the lines it printed.
 * @param lines output with the [ERROR] and [FATAL] lines in order
 * @param dir the checkout, taken off the front of paths
 * @param code exit code, null if a signal ended it
 */
export function explainMavenFailure(lines: readonly string[], dir: string, code: number | null): MavenFailure {
  const errors = lines.flatMap((line) => {
    const match = /^\[(?:ERROR|FATAL)\] ?(.*)$/.exec(line);
    return match ? [(match[1] as string).replace(/^\[(?:ERROR|FATAL)\] ?/, '').replaceAll(`${dir}/`, '')] : [];
  });
  const find = (pattern: RegExp) => [...errors, ...lines].map((line) => pattern.exec(line)).find((match) => match !== null);
  return machineFailure(find, code) ?? compileFailure(errors, dir) ?? projectFailure(find) ?? otherFailure(errors, code);
}

type Find = (pattern: RegExp) => RegExpExecArray | undefined;

function machineFailure(find: Find, code: number | null): MavenFailure | undefined {
  if (find(/OutOfMemoryError|GC overhead limit|insufficient memory for the Java Runtime/)) {
    return {
      kind: 'out-of-memory',
      message: 'Maven ran out of memory.',
      hint: 'Give the build more heap (MAVEN_OPTS=-Xmx2g), or build a single module.',
    };
  }
  if (code === 137 || code === null) {
    return {
      kind: 'killed',
      message: 'Maven was killed from outside, most often because the machine ran out of memory.',
      hint: 'Run fewer builds at once or give the machine more memory, then build again.',
    };
  }
  if (find(/No space left on device|Disk quota exceeded/)) {
    return {
      kind: 'disk-full',
      message: 'The disk of Sluice is full: the build could not finish.',
      hint: 'Free some space, then build again.',
    };
  }
  if (find(/JAVA_HOME (environment )?variable is not|JAVA_HOME is not|No compiler is provided|java: (command )?not found/)) {
    return {
      kind: 'no-java',
      message: 'Maven finds no Java compiler here.',
      hint: 'Install a JDK (17 or newer) for Sluice, or set JAVA_HOME.',
    };
  }
  return undefined;
}

function compileFailure(errors: readonly string[], dir: string): MavenFailure | undefined {
  const found = new Map<string, string>();
  let symbol = '';
  for (const line of errors) {
    const match = /^(\S.*\.(?:java|scala|kt|groovy)):(?:\[(\d+)(?:,\d+)?\]|(\d+):| \((\d+), \d+\)) ?(?:error: )?(.+)$/.exec(line);
    if (match) {
      const file = (match[1] as string).startsWith('/') ? relative(dir, match[1] as string) : match[1];
      found.set(`${file}:${match[2] ?? match[3] ?? match[4]}`, match[5] as string);
    } else if (found.size > 0 && symbol === '') symbol = /^\s+symbol:\s+(.+)$/.exec(line)?.[1] ?? '';
  }
  const [first] = found;
  if (!first) return undefined;
  const detail = first[1].startsWith('cannot find symbol') && symbol ? `${first[1]} ${symbol}` : first[1];
  const more = found.size > 1 ? ` (and ${plural(found.size - 1, 'more error')})` : '';
  return {
    kind: 'compile',
    message: `The project does not compile: ${first[0]}: ${truncate(detail.trim(), 200)}${more}.`,
    hint: 'Correct it and push, then build again. The log has all errors.',
  };
}

function projectFailure(find: Find): MavenFailure | undefined {
  const push = 'Correct it and push, then build again.';
  if (find(/no POM in this directory|POM file .* does not exist/)) {
    return {
      kind: 'no-pom',
      message: 'There is no pom.xml at the top of the repository.',
      hint: 'Sluice builds Maven projects: is it the right repository and branch?',
    };
  }
  const module = find(/Could not find the selected project in the reactor: (\S+)/);
  if (module) {
    return {
      kind: 'no-module',
      message: `The project has no module ${module[1]}.`,
      hint: 'Name a folder that the modules of the top pom.xml list.',
    };
  }
  if (find(/Checksum validation failed|zip END header not found|invalid LOC header|error in opening zip file|ZipException/)) {
    return {
      kind: 'corrupt-cache',
      message: 'A file in the Maven repository of Sluice is damaged.',
      hint: 'Delete the file that the log names from the local repository (.m2/repository), then build again.',
    };
  }
  const missing =
    find(/Could not (?:find|transfer) artifact (\S+)/) ??
    find(/Failure to (?:find|transfer) (\S+)/) ??
    find(/(\S+) was not found in \S+ during a previous attempt/) ??
    find(/the artifact (\S+) has not been downloaded/);
  if (missing || find(/Could not resolve dependencies|could not be resolved|Non-resolvable parent POM/)) {
    // Maven remembers for a day that something was missing, also after it has been published.
    const remembered = find(/was cached in the local repository/) ? ' If it was published just now, add the build argument -U.' : '';
    return {
      kind: 'dependency',
      message: `A dependency cannot be found: ${missing?.[1]?.replace(/[,;.]$/, '') ?? 'see the log'}.`,
      hint: `Check its version in pom.xml, and that Sluice can reach the Maven repository that has it (settings.xml).${remembered}`,
    };
  }
  const pom =
    find(/Non-parseable POM (?:.*?pom\.xml): (.*)$/) ??
    find(/^('[\w.[\]]+' .* is missing\..*)$/) ??
    find(/^(Malformed POM .*)$/) ??
    find(/^('[\w.[\]]+' .*@ line \d+.*)$/);
  if (pom || find(/problems were encountered while processing the POMs|could not read \d+ project/)) {
    const file = /([\w./-]*pom\.xml)/.exec(pom?.[0] ?? '')?.[1] ?? 'pom.xml';
    const line = /@ line (\d+)/.exec(pom?.[0] ?? '')?.[1];
    const why = truncate((pom?.[1] ?? 'see the log').replace(/ \(position: .*$/, '').replace(/\s*@ line \d+, column \d+.*$/, ''), 200);
    return { kind: 'pom', message: `${file} is wrong${line ? ` in line ${line}` : ''}: ${why.replace(/\.$/, '')}.`, hint: push };
  }
  const release = find(/release version (\d+) not supported|invalid (?:target|source) release: (\d+)/);
  if (release) {
    const version = release[1] ?? release[2];
    return {
      kind: 'java-version',
      message: `The project asks for Java ${version}, which the JDK of Sluice does not know.`,
      hint: `Install JDK ${version} for Sluice, or lower maven.compiler.release.`,
    };
  }
  if (find(/There are test failures|Failures: [1-9]\d*, Errors|surefire.*(?:failed|failure)/i)) {
    return {
      kind: 'tests',
      message: 'Tests of the project failed.',
      hint: 'Builds skip tests by default (-DskipTests): this project runs them all the same. The log names them.',
    };
  }
  return undefined;
}

function otherFailure(errors: readonly string[], code: number | null): MavenFailure {
  const first = errors.find((line) => line.startsWith('Failed to execute goal')) ?? errors.find((line) => line.trim() !== '');
  const why = first?.replace(/ -> \[Help \d+\].*$/, '').replace(/[.:]\s*$/, '');
  return {
    kind: 'other',
    message: why ? `Maven failed: ${truncate(why, 250)}.` : `Maven failed with exit code ${code}.`,
    hint: 'The end of the log tells more.',
  };
}
