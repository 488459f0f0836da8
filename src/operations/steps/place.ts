import { inspectJar, requireMainClass } from '../../build/jar.ts';
import { ConflictError, NotFoundError } from '../../core/errors.ts';
import type { OpenCluster } from '../../deploy/deployers.ts';
import { FlinkError } from '../../flink/errors.ts';
import { endedJobStates } from '../../flink/schema.ts';
import { findVersion, type JobVersion } from '../../jobs/jobs.store.ts';
import { listRuns } from '../../jobs/runs.store.ts';
import { type Artifact, findArtifact } from '../../projects/builds.store.ts';
import type { Step, StepContext } from '../types.ts';
import { localArtifact, planOf } from './plan.ts';

/** The version that a start brings up, its artifact and its cluster. @throws NotFoundError without an artifact */
export async function versionOf(c: StepContext): Promise<{ version: JobVersion; artifact: Artifact; open: OpenCluster }> {
  const { db } = c.services.database;
  const version = await findVersion(db, c.op.job, planOf(c).version);
  const artifact = version?.definition.artifact ? await findArtifact(db, version.definition.artifact) : undefined;
  if (!version || !artifact)
    throw new NotFoundError(`The artifact of ${c.op.job} v${planOf(c).version} is not known.`, {
      hint: `Build it again: /flink build ${c.op.job}`,
    });
  return { version, artifact, open: await c.services.deployers.of(planOf(c).cluster) };
}

/** Uploads the artifact unless the cluster has it; named by content, so doing it twice is harmless. */
export const place: Step = {
  name: 'place',
  title: 'Upload the artifact',
  cancel: 'at-once',
  deadlineMs: 10 * 60_000,
  holds: true,
  async act(c) {
    await nothingElseRuns(c);
    const { open } = await versionOf(c);
    // Asked before anything is sent: only the same process can later say that the run never reached it.
    const jobManager =
      (await open.deployer.jobManager({ signal: c.signal }).catch((error: unknown) => {
        // A cluster that does not say it is one thing; one that does not answer now is asked again.
        if (error instanceof FlinkError && error.kind !== 'leader-election') return undefined;
        throw error;
      })) ?? null;
    return { handle: await placeArtifact(c, true), jobManager };
  },
};
/** Belt and braces: whatever the records say, no other run of this job may be alive on the cluster it goes to. */
async function nothingElseRuns(c: StepContext): Promise<void> {
  const { open } = await versionOf(c);
  const states = await open.deployer.listRuns({ signal: c.signal });
  for (const run of await listRuns(c.services.database.db, c.op.job, 50)) {
    const state = run.cluster === open.cluster.name ? states.get(run.flinkJobId) : undefined;
    if (state !== undefined && !endedJobStates.includes(state))
      throw new ConflictError(`${c.op.job} runs already on ${open.cluster.name}, as Flink job ${run.flinkJobId} (${state}).`, {
        hint: `Nothing was started. Stop that one first: ${open.deployer.runUrl(run.flinkJobId)}`,
      });
  }
}
/** @param mayReuse what the cluster has already. @returns the cluster's own name for it. */
export async function placeArtifact(c: StepContext, mayReuse: boolean): Promise<string> {
  const { version, artifact, open } = await versionOf(c);
  const there = mayReuse ? await open.deployer.findArtifact(artifact, { signal: c.signal }) : undefined;
  if (there) {
    c.note('already there');
    return there;
  }
  const path = await localArtifact(c, artifact.sha256);
  // A main class that is not there is said before anything is sent, with the near ones.
  requireMainClass(await inspectJar(path), version.definition.mainClass);
  return open.deployer.placeArtifact({ ...artifact, path }, { signal: c.signal, beforeSend: c.fence });
}
