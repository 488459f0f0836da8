import { basename } from 'node:path';
import { record } from '../../access/audit.store.ts';
import { putPerson, putTeam } from '../../access/people.store.ts';
import type { ArtifactStore, StoredArtifact } from '../../build/artifact-store.ts';
import { type ConfigProblem, problemsError } from '../../config/problems.ts';
import { now } from '../../db/clock.ts';
import type { Database, Tx } from '../../db/db.ts';
import { findCluster, putCluster, putDistribution } from '../../deploy/clusters.store.ts';
import { addVersion, createJob, findJob, type JobDefinition, updateJob } from '../../jobs/jobs.store.ts';
import { diffDefinitions } from '../../jobs/parameters.ts';
import { recordArtifact } from '../../projects/builds.store.ts';
import { type CredentialRef, putProject } from '../../projects/projects.store.ts';
import { type CheckedFolder, checkFolder } from './check.ts';
import { changedFields } from './cluster-changes.ts';
import { readFolder } from './read.ts';
import type { Parsed } from './schema.ts';

type JarFile = CheckedFolder['jars'] extends Map<string, infer Jar> ? Jar : never;
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
  const folderRead = await readFolder(folder);
  const checked = await checkFolder(database.db, folderRead, plainHttpHosts);
  const problems = [...folderRead.problems, ...checked.problems];
  if (problems.length > 0) throw problemsError(inOrder(problems), 'The folder');
  const read = folderRead.files;
  const jars = new Map<string, StoredArtifact>();
  for (const [job, { path }] of checked.jars) jars.set(job, await artifacts.put(path));
  let result: ApplyResult = { created: [], changed: [], unchanged: 0 };
  await database.transaction(async (tx) => {
    result = { created: [], changed: [], unchanged: 0 };
    for (const { value: t } of read.team)
      await putTeam(tx, {
        name: t.name,
        channel: t.channel ?? null,
        alertChannel: t.alertChannel ?? null,
        onCall: t.onCall ?? null,
        escalateTo: t.escalateTo ?? null,
        thresholds: t.thresholds ?? null,
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
    for (const { value: c } of read.cluster) {
      const before = await findCluster(tx, c.name);
      const after = {
        name: c.name,
        kind: c.type,
        url: c.url,
        webUrl: c.webUrl ?? null,
        distribution: c.distribution ?? null,
        team: c.team ?? null,
        alertChannel: c.alertChannel ?? null,
        pathsReadable: c.pathsReadable ?? false,
        observed: c.observe ?? false,
        options: { ...(c.checkpointDir ? { checkpointDir: c.checkpointDir } : {}), ...yarnTexts(c.yarn) },
      };
      await putCluster(tx, after);
      const fields = before ? changedFields(before, after) : [];
      if (fields.length > 0)
        await record(tx, { actor: { origin: 'apply' }, action: 'cluster.changed', subject: `cluster:${c.name}`, details: { fields } });
    }
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
    for (const { value: j } of read.job) {
      const jar = jars.get(j.name);
      if (jar) await keepArtifact(tx, jar, checked.jars.get(j.name) as JarFile);
      const definition = checked.definitions.get(j.name) as JobDefinition;
      await applyJob(tx, j, jar ? { ...definition, artifact: jar.sha256 } : definition, result);
    }
    await record(tx, {
      actor: { origin: 'apply' },
      action: 'folder.applied',
      subject: 'installation',
      details: { files: Object.values(read).flat().length, ...result },
    });
  });
  return result;
}

/** Options of a cluster are texts: a list is one, a line each. */
function yarnTexts(yarn: Parsed['cluster']['yarn']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(yarn ?? {}).flatMap(([key, value]) => {
      const text = typeof value === 'string' ? value : (value ?? []).join('\n');
      return text === '' ? [] : [[key, text]];
    }),
  );
}

/** By file and line. */
function inOrder(problems: readonly ConfigProblem[]): ConfigProblem[] {
  return [...problems].sort((a, b) => a.where.localeCompare(b.where, 'en', { numeric: true }));
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
  const beside = { team: j.team, mode: j.mode, project: j.project ?? null };
  await updateJob(tx, j.name, beside);
  // A folder says nothing of built artifacts: the current one is kept.
  const artifact = wanted.artifact ?? known.current.definition.artifact;
  const next: JobDefinition = { ...wanted, ...(artifact ? { artifact } : {}) };
  if (diffDefinitions(known.current.definition, next).length === 0) {
    // Team, mode and project are no part of a version.
    if (known.team === beside.team && known.mode === beside.mode && known.project === beside.project) result.unchanged++;
    else result.changed.push(j.name);
    return;
  }
  const version = await addVersion(tx, j.name, { definition: next, origin: 'apply', createdBy: actor });
  await record(tx, {
    actor: { origin: 'apply' },
    action: 'version.created',
    subject: `job:${j.name}`,
    details: { version, changes: diffDefinitions(known.current.definition, next) },
  });
  result.changed.push(j.name);
}

async function keepArtifact(tx: Tx, stored: StoredArtifact, jar: JarFile): Promise<void> {
  await recordArtifact(tx, {
    ...stored,
    name: basename(jar.path),
    mainClass: jar.mainClass ?? null,
    source: 'path',
    createdBy: actor,
    createdAt: now,
  });
}
function credentialOf(p: Parsed['project']): CredentialRef {
  const c = p.credential;
  if (c.type === 'none') return { kind: 'none' };
  if (c.type === 'password') return { kind: 'password', username: c.username, secret: c.secret };
  if (c.type === 'token') return { kind: 'token', secret: c.secret };
  return { kind: 'ssh-key', keyFile: c.keyFile, ...(c.knownHostsFile ? { knownHostsFile: c.knownHostsFile } : {}) };
}
