import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectJar, requireMainClass } from '../../build/jar.ts';
import { NotFoundError, UserError } from '../../core/errors.ts';
import { findJob, findVersion } from '../../jobs/jobs.store.ts';
import { lastRunThatRan } from '../../jobs/runs.store.ts';
import { restorePathProblem } from '../restore-path-problem.ts';
import { gatherStartFacts, type StartWish } from '../start-facts.ts';
import { decideStart, type StartPlan, slotsProblem } from '../start-plan.ts';
import type { Json, Step, StepContext } from '../types.ts';

/** What the operation's input wants to start. */
function wishOf(c: StepContext): StartWish {
  const { input } = c.op;
  const bound = c.results['build-bind'] as { version: number } | undefined;
  return {
    version: bound?.version ?? (input['version'] as number | 'current' | undefined),
    fresh: input['fresh'] === true,
    from: input['from'] as string | undefined,
    pointId: input['pointId'] as string | undefined,
    breakGlass: c.op.breakGlass !== null,
    // A copy that others run was beside the run that this operation has stopped: there are no more of them than before.
    replaces: typeof c.results['target']?.['runId'] === 'string',
  };
}

/** The plan of an operation, once its `plan` step is done. */
export const planOf = (c: StepContext) => c.results['plan'] as unknown as StartPlan;

/** Decides again, now that the job is held: what was true when it was asked for may have changed. */
export const plan: Step = {
  name: 'plan',
  title: 'Plan',
  cancel: 'at-once',
  deadlineMs: 30_000,
  holds: true,
  async act(c) {
    const job = await findJob(c.services.database.db, c.op.job);
    if (!job) throw new NotFoundError(`The job ${c.op.job} is gone.`);
    const wish = wishOf(c);
    // The version that stopped a moment ago in this operation is the one that "ran last"; an asked for one wins.
    const decision = decideStart(await gatherStartFacts(c.services, job, wish), wish, new Date());
    if (decision.is === 'refused') throw decision.error;
    const p = decision.plan;
    c.note(`v${p.version}, ${beginningWords(p)}`);
    return p as unknown as Json;
  },
};

/** `from its final savepoint`, `from checkpoint chk-9`, `from nothing`. */
export function beginningWords(p: StartPlan): string {
  if (p.beginning === 'fresh') return 'from nothing';
  const name = p.restorePath?.split('/').pop() ?? '';
  if (p.restoreKind === 'savepoint') return p.restoreFinal ? `from its final savepoint ${name}` : `from savepoint ${name}`;
  return p.beginning === 'restore' ? `from checkpoint ${name}` : `from its last completed checkpoint ${name}`;
}

/** What would make the start fail for sure is found before anything is stopped: version, artifact, main class, cluster, restore point. */
export const preflight: Step = {
  name: 'preflight',
  title: 'Check what would be started',
  cancel: 'at-once',
  deadlineMs: 60_000,
  holds: true,
  async act(c) {
    const { db } = c.services.database;
    const job = await findJob(db, c.op.job);
    if (!job) throw new NotFoundError(`The job ${c.op.job} is gone.`);
    const wish = wishOf(c);
    const number =
      wish.version === 'current'
        ? job.currentVersion
        : (wish.version ?? (await lastRunThatRan(db, job.name))?.version ?? job.currentVersion);
    const version = await findVersion(db, job.name, number);
    if (!version) throw new NotFoundError(`${job.name} has no version v${number}.`, { hint: `All of them: /flink versions ${job.name}` });
    if (!version.definition.artifact)
      throw new UserError(`${job.name} v${number} has no build, so it could not be started.`, {
        hint: `Build it: /flink build ${job.name}`,
      });
    const path = await localArtifact(c, version.definition.artifact);
    requireMainClass(await inspectJar(path), version.definition.mainClass);
    const open = await c.services.deployers.of(version.definition.cluster);
    // It was there when it was chosen; an approval may have taken an hour, and Flink subsumes checkpoints.
    const goneBy = wish.from === undefined ? undefined : await restorePathProblem(wish.from, job.name, open.cluster);
    if (goneBy) throw goneBy;
    const facts = await open.deployer.facts({ signal: c.signal });
    const tooWide = slotsProblem(
      `${job.name} v${number}`,
      job.name,
      open.cluster.name,
      version.definition.parallelism ?? 1,
      facts.slotsTotal,
    );
    if (tooWide) throw tooWide;
    return { version: number };
  },
};

/** A verified local copy of an artifact. @throws NotFoundError */
export async function localArtifact(c: StepContext, sha256: string): Promise<string> {
  const dir = join(c.services.workDir, 'artifacts');
  await mkdir(dir, { recursive: true });
  return c.services.artifacts.openPath(sha256, dir);
}
