import { dirname, resolve } from 'node:path';
import { listTeams } from '../../access/people.store.ts';
import { parseRepositoryUrl } from '../../build/git-input.ts';
import { inspectJar } from '../../build/jar.ts';
import { checkMavenArgs, checkModule } from '../../build/maven-args.ts';
import type { ConfigProblem } from '../../config/problems.ts';
import { AppError } from '../../core/errors.ts';
import { nearest } from '../../core/text.ts';
import type { Db } from '../../db/db.ts';
import { listClusters, listDistributions } from '../../deploy/clusters.store.ts';
import type { JobDefinition } from '../../jobs/jobs.store.ts';
import { assignParameter, ParameterProblem } from '../../jobs/parameters.ts';
import { listProjects } from '../../projects/projects.store.ts';
import type { FolderRead, ReadFile } from './read.ts';
import type { FileKind } from './schema.ts';

export interface CheckedFolder {
  problems: ConfigProblem[];
  /** By job; without the artifact. */
  definitions: Map<string, JobDefinition>;
  /** The jars that jobs name, by job. */
  jars: Map<string, { path: string; mainClass: string | undefined }>;
}

/** Holds what was read against the store and the disk: names, addresses, arguments, parameters, jars. Changes nothing. */
export async function checkFolder(db: Db, read: FolderRead, plainHttpHosts: readonly string[]): Promise<CheckedFolder> {
  const out: CheckedFolder = { problems: [], definitions: new Map(), jars: new Map() };
  const { problems } = out;
  const { files } = read;
  const known = async (kind: FileKind, listed: Promise<{ name: string }[]>) =>
    new Set([...(await listed), ...files[kind].map((f) => f.value)].map((one) => one.name).concat(read.broken[kind]));
  const teams = await known('team', listTeams(db));
  const clusters = await known('cluster', listClusters(db));
  const distributions = await known('distribution', listDistributions(db));
  const projects = await known('project', listProjects(db));
  const must = (f: ReadFile, path: readonly (string | number)[], value: string | undefined, names: ReadonlySet<string>, what: string) => {
    if (value === undefined || names.has(value)) return;
    problems.push({
      where: f.at(path),
      key: path.join('.'),
      problem: `there is no ${what} ${value}`,
      expected: `one of ${[...names].join(', ') || 'none yet'}`,
      nearest: nearest(value, [...names], 1)[0],
    });
  };
  for (const f of files.person) for (const [i, r] of f.value.roles.entries()) must(f, ['roles', i, 'team'], r.team, teams, 'team');
  for (const f of files.cluster) {
    must(f, ['team'], f.value.team, teams, 'team');
    must(f, ['distribution'], f.value.distribution, distributions, 'distribution');
    if (f.value.type === 'yarn' && !f.value.observe)
      problems.push({
        where: f.at(['type']),
        key: 'type',
        problem: 'a YARN can only be observed: Sluice does not start jobs there',
        expected: 'observe: true beside it',
      });
    if (f.value.yarn && f.value.type !== 'yarn')
      problems.push({ where: f.at(['yarn']), key: 'yarn', problem: 'is for clusters of type yarn', expected: 'type: yarn' });
    if (f.value.observe && f.value.team === undefined)
      problems.push({
        where: f.at(['observe']),
        key: 'observe',
        problem: 'needs a team, to which the jobs that appear there belong',
        expected: 'team: its name',
      });
  }
  for (const f of files.project) {
    must(f, ['team'], f.value.team, teams, 'team');
    check(f, 'url', problems, () => parseRepositoryUrl(f.value.url, { allowPlainHttpHosts: plainHttpHosts }));
    check(f, 'buildArgs', problems, () => checkMavenArgs(f.value.buildArgs));
    if (f.value.module !== undefined) check(f, 'module', problems, () => checkModule(f.value.module as string));
  }
  for (const f of files.job) {
    must(f, ['team'], f.value.team, teams, 'team');
    must(f, ['cluster'], f.value.cluster, clusters, 'cluster');
    must(f, ['project'], f.value.project, projects, 'project');
    out.definitions.set(f.value.name, definitionOf(f, problems));
    if (f.value.jar !== undefined) await checkJar(f, f.value.jar, out);
  }
  return out;
}

function check(f: ReadFile, key: string, problems: ConfigProblem[], test: () => unknown): void {
  try {
    test();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problems.push({ where: f.at([key]), key, problem: error.message, expected: error.hint });
  }
}

function definitionOf(f: ReadFile<'job'>, problems: ConfigProblem[]): JobDefinition {
  let definition: JobDefinition = { cluster: f.value.cluster, environment: f.value.environment, args: [], flink: {}, links: [] };
  for (const [key, value] of Object.entries(f.value.parameters))
    try {
      if (key === 'cluster' || key === 'environment') throw new ParameterProblem(`${key} stands beside parameters, not in them`);
      definition = assignParameter(definition, key, value);
    } catch (error) {
      if (!(error instanceof ParameterProblem)) throw error;
      problems.push({ where: f.at(['parameters', key]), key: `parameters.${key}`, problem: error.message });
    }
  return definition;
}

async function checkJar(f: ReadFile<'job'>, jar: string, out: CheckedFolder): Promise<void> {
  const path = resolve(dirname(f.path), jar);
  try {
    const { mainClass } = await inspectJar(path);
    out.jars.set(f.value.name, { path, mainClass });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    out.problems.push({ where: f.at(['jar']), key: 'jar', problem: error.message, expected: 'a jar file' });
  }
}
