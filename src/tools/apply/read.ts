import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { type ConfigProblem, problemsError } from '../../config/problems.ts';
import { parseYaml } from '../../config/yaml.ts';
import { ConfigError } from '../../core/errors.ts';
import { nearest } from '../../core/text.ts';
import { type FileKind, files, type Parsed } from './schema.ts';

export interface ReadFile<K extends FileKind = FileKind> {
  file: string;
  path: string;
  value: Parsed[K];
  /** `file:line:column` of a key. */
  at(path: readonly string[]): string;
}
export type ReadFolder = { [K in FileKind]: ReadFile<K>[] };

/** Reads a folder of YAML files, one object each. @throws ConfigError naming file, line, key and what was expected, everything at once. */
export async function readFolder(folder: string): Promise<ReadFolder> {
  const names = await readdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new ConfigError(`There is no folder ${folder}.`, { cause, hint: 'Give the folder of YAML files: npm run apply -- <folder>' });
  });
  const out: ReadFolder = { team: [], person: [], cluster: [], distribution: [], project: [], job: [] };
  const problems: ConfigProblem[] = [];
  const seen = new Map<string, string>();
  for (const name of names.filter((n) => /\.ya?ml$/.test(n)).sort()) {
    const path = join(folder, name);
    const file = relative(process.cwd(), path) || name;
    const source = await readFile(path, 'utf8');
    const kind = kindOf(source, file, problems);
    if (!kind) continue;
    const parsed = parseYaml(files[kind] as z.ZodType, source, file);
    problems.push(...parsed.problems);
    if (parsed.value === undefined) continue;
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
  if (problems.length > 0) throw problemsError(problems, 'The folder');
  return out;
}

function kindOf(source: string, file: string, problems: ConfigProblem[]): FileKind | undefined {
  const probe = parseYaml(z.looseObject({ kind: z.string() }), source, file);
  const kinds = Object.keys(files);
  const kind = probe.value?.kind;
  if (kind !== undefined && kinds.includes(kind)) return kind as FileKind;
  if (probe.problems.length > 0 && kind === undefined)
    problems.push(...probe.problems.map((p) => ({ ...p, expected: `kind: one of ${kinds.join(', ')}` })));
  else
    problems.push({
      where: probe.locate(['kind'], 'value'),
      key: 'kind',
      problem: `${kind} is no kind`,
      expected: `one of ${kinds.join(', ')}`,
      nearest: nearest(kind ?? '', kinds, 1)[0],
    });
  return undefined;
}
