import { dirname, resolve } from 'node:path';
import { record } from '../../access/audit.store.ts';
import { listTeams, putPerson, putTeam } from '../../access/people.store.ts';
import type { ArtifactStore } from '../../build/artifact-store.ts';
import { parseRepositoryUrl } from '../../build/git-input.ts';
import { inspectJar } from '../../build/jar.ts';
import { checkMavenArgs, checkModule } from '../../build/maven-args.ts';
import { type ConfigProblem, problemsError } from '../../config/problems.ts';
import { AppError } from '../../core/errors.ts';
import { nearest } from '../../core/text.ts';
import { now } from '../../db/clock.ts';
import type { Database, Tx } from '../../db/db.ts';
import { listClusters, putCluster, putDistribution } from '../../deploy/clusters.store.ts';
import { addVersion, createJob, findJob, type JobDefinition, updateJob } from '../../jobs/jobs.store.ts';
import { assignParameter, diffDefinitions, ParameterProblem } from '../../jobs/parameters.ts';
import { recordArtifact } from '../../projects/builds.store.ts';
import { type CredentialRef, listProjects, putProject } from '../../projects/projects.store.ts';
import { type ReadFile, readFolder } from './read.ts';
import type { Parsed } from './schema.ts';

export interface ApplyResult {
  created: string[];
  changed: string[];
  unchanged: number;
}
const actor = { teamId: 'apply', userId: 'apply', name: 'apply' };

/**
 * Applies a folder of YAML files: what is there is registered or changed, nothing is deleted. All or nothing.
 * @throws ConfigError with every problem, by file, line and key.
 */
export async function applyFolder(
  database: Database,
  artifacts: ArtifactStore,
  folder: string,
  plainHttpHosts: readonly string[],
): Promise<ApplyResult> {
  const read = await readFolder(folder);
  const problems: ConfigProblem[] = [];
  const jars = new Map<string, string>();
  for (const job of read.job) if (job.value.jar) await keepJar(database, artifacts, job, jars, problems);
  const result: ApplyResult = { created: [], changed: [], unchanged: 0 };
  await database.transaction(async (tx) => {
    const teams = new Set([...(await listTeams(tx)).map((t) => t.name), ...read.team.map((t) => t.value.name)]);
    const clusters = new Set([...(await listClusters(tx)).map((c) => c.name), ...read.cluster.map((c) => c.value.name)]);
    const projects = new Set([...(await listProjects(tx)).map((p) => p.name), ...read.project.map((p) => p.value.name)]);
    const must = (f: ReadFile, key: string, value: string | undefined, known: ReadonlySet<string>, what: string) => {
      if (value === undefined || known.has(value)) return;
      problems.push({
        where: f.at(key.split('.')),
        key,
        problem: `there is no ${what} ${value}`,
        expected: `one of ${[...known].join(', ') || 'none yet'}`,
        nearest: nearest(value, [...known], 1)[0],
      });
    };
    for (const f of read.project) {
      must(f, 'team', f.value.team, teams, 'team');
      check(f, 'url', problems, () => parseRepositoryUrl(f.value.url, { allowPlainHttpHosts: plainHttpHosts }));
      check(f, 'buildArgs', problems, () => checkMavenArgs(f.value.buildArgs));
      if (f.value.module !== undefined) check(f, 'module', problems, () => checkModule(f.value.module as string));
    }
    for (const f of read.person) for (const [i, r] of f.value.roles.entries()) must(f, `roles.${i}.team`, r.team, teams, 'team');
    const definitions = new Map<string, JobDefinition>();
    for (const f of read.job) {
      must(f, 'team', f.value.team, teams, 'team');
      must(f, 'cluster', f.value.cluster, clusters, 'cluster');
      must(f, 'project', f.value.project, projects, 'project');
      definitions.set(f.value.name, definitionOf(f, jars.get(f.value.name), problems));
    }
    if (problems.length > 0) throw problemsError(problems, 'The folder');

    for (const { value: t } of read.team)
      await putTeam(tx, {
        name: t.name,
        channel: t.channel ?? null,
        alertChannel: t.alertChannel ?? null,
        onCallGroup: t.onCallGroup ?? null,
      });
    for (const { value: p } of read.person)
      await putPerson(tx, {
        teamId: p.slackTeamId,
        userId: p.slackUserId,
        name: p.name,
        memberships: p.roles,
        ...(p.admin === undefined ? {} : { admin: p.admin }),
        ...(p.active === undefined ? {} : { active: p.active }),
      });
    for (const { value: d } of read.distribution)
      await putDistribution(tx, { name: d.name, version: d.version, home: d.home, isDefault: d.default ?? false });
    for (const { value: c } of read.cluster)
      await putCluster(tx, {
        name: c.name,
        kind: c.type,
        url: c.url,
        webUrl: c.webUrl ?? null,
        distribution: c.distribution ?? null,
        team: c.team ?? null,
        alertChannel: c.alertChannel ?? null,
        pathsReadable: c.pathsReadable ?? false,
        options: c.checkpointDir ? { checkpointDir: c.checkpointDir } : {},
      });
    for (const { value: p } of read.project)
      await putProject(tx, {
        name: p.name,
        team: p.team,
        url: p.url,
        branch: p.branch ?? null,
        module: p.module ?? null,
        buildArgs: p.buildArgs,
        artifact: p.artifact ?? null,
        credential: credentialOf(p),
      });
    for (const { value: j } of read.job) await applyJob(tx, j, definitions.get(j.name) as JobDefinition, result);
    await record(tx, {
      actor: { origin: 'apply' },
      action: 'folder.applied',
      subject: 'installation',
      details: { files: Object.values(read).flat().length, ...result },
    });
  });
  return result;
}

function check(f: ReadFile, key: string, problems: ConfigProblem[], test: () => unknown): void {
  try {
    test();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problems.push({ where: f.at([key]), key, problem: error.message, expected: error.hint });
  }
}

function definitionOf(f: ReadFile<'job'>, artifact: string | undefined, problems: ConfigProblem[]): JobDefinition {
  let definition: JobDefinition = {
    cluster: f.value.cluster,
    environment: f.value.environment,
    args: [],
    flink: {},
    links: [],
    ...(artifact ? { artifact } : {}),
  };
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

async function applyJob(tx: Tx, j: Parsed['job'], wanted: JobDefinition, result: ApplyResult): Promise<void> {
  const known = await findJob(tx, j.name);
  if (!known) {
    await createJob(tx, {
      name: j.name,
      team: j.team,
      kind: j.type,
      mode: j.mode,
      project: j.project ?? null,
      definition: wanted,
      origin: 'apply',
      createdBy: actor,
    });
    result.created.push(j.name);
    return;
  }
  await updateJob(tx, j.name, { team: j.team, mode: j.mode, project: j.project ?? null });
  // A folder says nothing of built artifacts: the current one is kept.
  const artifact = wanted.artifact ?? known.current.definition.artifact;
  const next: JobDefinition = { ...wanted, ...(artifact ? { artifact } : {}) };
  if (diffDefinitions(known.current.definition, next).length === 0) {
    result.unchanged++;
    return;
  }
  await addVersion(tx, j.name, { definition: next, origin: 'apply', createdBy: actor });
  result.changed.push(j.name);
}

async function keepJar(
  database: Database,
  artifacts: ArtifactStore,
  f: ReadFile<'job'>,
  jars: Map<string, string>,
  problems: ConfigProblem[],
): Promise<void> {
  const path = resolve(dirname(f.path), f.value.jar as string);
  try {
    const jar = await inspectJar(path);
    const { sha256, size } = await artifacts.put(path);
    await database.transaction((tx) =>
      recordArtifact(tx, {
        sha256,
        size,
        name: path.split('/').pop() as string,
        mainClass: jar.mainClass ?? null,
        source: 'path',
        createdBy: actor,
        createdAt: now,
      }),
    );
    jars.set(f.value.name, sha256);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problems.push({ where: f.at(['jar']), key: 'jar', problem: error.message, expected: 'a jar file' });
  }
}
function credentialOf(p: Parsed['project']): CredentialRef {
  const c = p.credential;
  if (c.type === 'none') return { kind: 'none' };
  if (c.type === 'password') return { kind: 'password', username: c.username, secret: c.secret };
  if (c.type === 'token') return { kind: 'token', secret: c.secret };
  return { kind: 'ssh-key', keyFile: c.keyFile, ...(c.knownHostsFile ? { knownHostsFile: c.knownHostsFile } : {}) };
}
