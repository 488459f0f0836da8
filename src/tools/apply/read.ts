import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import type { ConfigProblem } from '../../config/problems.ts';
import { parseYaml } from '../../config/yaml.ts';
import { ConfigError } from '../../core/errors.ts';
import { nearest } from '../../core/text.ts';
import { type FileKind, files, type Parsed } from './schema.ts';

export interface ReadFile<K extends FileKind = FileKind> {
  file: string;
  path: string;
  value: Parsed[K];
  /** `file:line:column` of a key. */
  at(path: readonly (string | number)[]): string;
}
export interface FolderRead {
  files: { [K in FileKind]: ReadFile<K>[] };
  /** Names of objects whose files have problems: what refers to them is right. */
  broken: Record<FileKind, string[]>;
  problems: ConfigProblem[];
}

/** Reads a folder of YAML files, one object each. @throws ConfigError if there is no such folder; what is wrong in the files is in `problems`. */
export async function readFolder(folder: string): Promise<FolderRead> {
  const names = await readdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new ConfigError(`There is no folder ${folder}.`, { cause, hint: 'Give the folder of YAML files: npm run apply -- <folder>' });
  });
  const out: FolderRead['files'] = { team: [], person: [], cluster: [], distribution: [], project: [], job: [] };
  const broken: FolderRead['broken'] = { team: [], person: [], cluster: [], distribution: [], project: [], job: [] };
  const problems: ConfigProblem[] = [];
  const seen = new Map<string, string>();
  for (const name of names.filter((n) => /\.ya?ml$/.test(n)).sort()) {
    const path = join(folder, name);
    const file = relative(process.cwd(), path) || name;
    const source = await readFile(path, 'utf8');
    const { kind, meant, name: typedName } = kindOf(source, file, problems);
    if (!kind) {
      if (meant && typedName !== undefined) broken[meant].push(typedName);
      continue;
    }
    const parsed = parseYaml(files[kind] as z.ZodType, source, file);
    problems.push(...parsed.problems);
    if (parsed.value === undefined) {
      if (typedName !== undefined) broken[kind].push(typedName);
      continue;
    }
    const value = parsed.value as Parsed[typeof kind];
    const key = `${kind} ${'slackUserId' in value ? `${value.slackTeamId}/${value.slackUserId}` : value.name}`;
    const other = seen.get(key);
    if (other)
      problems.push({
        where: parsed.locate(['name'], 'value'),
        key: 'name',
        problem: `${key} is also in ${other}`,
        expected: 'one file per object',
      });
    seen.set(key, file);
    (out[kind] as ReadFile[]).push({ file, path, value, at: (p) => parsed.locate(p, 'value') } as ReadFile);
  }
  return { files: out, broken, problems };
}

interface Kind {
  kind?: FileKind;
  /** When the kind is mistyped. */
  meant?: FileKind | undefined;
  name: string | undefined;
}
function kindOf(source: string, file: string, problems: ConfigProblem[]): Kind {
  const probe = parseYaml(z.looseObject({ kind: z.string() }), source, file);
  const kinds = Object.keys(files) as FileKind[];
  const kind = probe.value?.kind;
  const typed = (probe.typed as { name?: unknown } | undefined)?.name;
  const name = typeof typed === 'string' ? typed : undefined;
  if (kind === undefined) {
    problems.push(...probe.problems.map((p) => (p.key === '(syntax)' ? p : { ...p, expected: `kind: one of ${kinds.join(', ')}` })));
    return { name };
  }
  if (kinds.includes(kind as FileKind)) return { kind: kind as FileKind, name };
  const meant = nearest(kind, kinds, 1)[0] as FileKind | undefined;
  problems.push({
    where: probe.locate(['kind'], 'value'),
    key: 'kind',
    problem: `${kind} is no kind`,
    expected: `one of ${kinds.join(', ')}`,
    nearest: meant,
  });
  return { meant, name };
}
