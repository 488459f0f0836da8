import { record } from '../../access/audit.store.ts';
import { inspectJar, requireMainClass } from '../../build/jar.ts';
import { AppError, ConflictError, NotFoundError, UnreachableError, UpstreamError } from '../../core/errors.ts';
import { newFlinkId, newId } from '../../core/ids.ts';
import { formatDuration, sleep } from '../../core/time.ts';
import { now } from '../../db/clock.ts';
import type { OpenCluster } from '../../deploy/deployers.ts';
import { samePathKey } from '../../deploy/restore-path.ts';
import { endedJobStates } from '../../flink/schema.ts';
import { flinkOptions } from '../../jobs/flink-options.ts';
import { findVersion, type JobVersion } from '../../jobs/jobs.store.ts';
import { endRun, findRun, insertRun, listRuns, updateRun } from '../../jobs/runs.store.ts';
import { type Artifact, findArtifact } from '../../projects/builds.store.ts';
import { settleRun } from '../settle-run.ts';
import type { Step, StepContext } from '../types.ts';
import { jobManagerNow, mayBringBack } from './job-manager-now.ts';
import { localArtifact, plan, planOf } from './plan.ts';

async function versionOf(c: StepContext): Promise<{ version: JobVersion; artifact: Artifact; open: OpenCluster }> {
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
const place: Step = {
  name: 'place',
  title: 'Upload the artifact',
  cancel: 'at-once',
  deadlineMs: 10 * 60_000,
  holds: true,
  async act(c) {
    await nothingElseRuns(c);
    const { open } = await versionOf(c);
    // Asked before anything is sent: only the same process can later say that the run never reached it.
    const jobManager = (await open.deployer.jobManager({ signal: c.signal }).catch(() => undefined)) ?? null;
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
async function placeArtifact(c: StepContext, mayReuse: boolean): Promise<string> {
  const { version, artifact, open } = await versionOf(c);
  const there = mayReuse ? await open.deployer.findArtifact(artifact, { signal: c.signal }) : undefined;
  if (there) {
    c.note('already there');
    return there;
  }
  const path = await localArtifact(c, artifact.sha256);
  // A main class that is not there is said before anything is sent, with the near ones.
  requireMainClass(await inspectJar(path), version.definition.mainClass);
  return open.deployer.placeArtifact({ ...artifact, path }, { signal: c.signal });
}

const submit: Step = {
  name: 'submit',
  title: 'Submit',
  cancel: 'compensate',
  deadlineMs: 10 * 60_000,
  holds: true,
  async prepare() {
    return { flinkJobId: newFlinkId(), runId: newId('run') };
  },
  async recordIntent(tx, c, intent) {
    const p = planOf(c);
    if (p.assumedGone && (await endRun(tx, p.assumedGone, { state: 'LOST', reason: 'lost' })))
      await record(tx, {
        actor: { person: c.op.actor, origin: c.op.origin.kind },
        action: 'run.assumed-gone',
        subject: `job:${c.op.job}`,
        details: { run: p.assumedGone, reason: c.op.breakGlass },
      });
    await insertRun(tx, {
      id: intent['runId'] as string,
      job: c.op.job,
      version: p.version,
      cluster: p.cluster,
      flinkJobId: intent['flinkJobId'] as string,
      operationId: c.op.id,
      state: 'STARTING',
      stateAt: now,
      startedBy: c.op.actor,
      startedAt: now,
      beginning: p.beginning,
      restoredFrom: p.restorePath ?? null,
    });
  },
  async observe(c, intent) {
    const open = await c.services.deployers.of(planOf(c).cluster);
    const sight = await open.deployer.look(intent['flinkJobId'] as string, { signal: c.signal });
    if (sight.is === 'unknown') return { is: 'unknown', why: sight.why };
    if (sight.is === 'seen') return { is: 'done', result: { ...intent } };
    // A second submission under the same id would run beside what the first one left, and hide it.
    const manager = await jobManagerNow(c, open);
    if (manager !== 'the same' && (await mayBringBack(c, open)))
      return { is: 'unknown', why: `${open.cluster.name} has a new JobManager, which may still bring its jobs back.` };
    if (manager !== 'the same')
      throw new UpstreamError(
        `${open.cluster.name} was restarted while ${c.op.job} was being submitted: whether it ran for a moment before that is not known. It does not run now.`,
        { hint: `Start it again, from what it left: /flink start ${c.op.job}` },
      );
    return { is: 'not-done' };
  },
  async act(c, intent) {
    const { version, artifact, open } = await versionOf(c);
    const d = version.definition;
    const send = (handle: string) => {
      c.fence();
      return open.deployer.submit(
        {
          flinkJobId: intent['flinkJobId'] as string,
          artifact: handle,
          mainClass: d.mainClass ?? artifact.mainClass ?? undefined,
          args: d.args,
          parallelism: d.parallelism,
          restorePath: planOf(c).restorePath,
          flink: flinkOptions(c.op.job, d),
        },
        { signal: c.signal },
      );
    };
    try {
      await send((c.results['place'] as { handle: string }).handle);
    } catch (error) {
      // Uploaded jars are files of the JobManager: gone after its restart. Nothing was submitted, so once more.
      if (!(error instanceof AppError && error.details['kind'] === 'jar-not-found')) throw error;
      await send(await placeArtifact(c, false));
    }
    return { ...intent };
  },
};

interface Submitted {
  flinkJobId: string;
  runId: string;
}
/** Tasks were seen to run 100 to 170 ms after the job's own RUNNING (2 cores, Flink 1.20 and 2.3). */
const tasksFollowMs = 180;

/** Done when every vertex runs; the job state RUNNING alone says nothing. */
const running: Step = {
  name: 'running',
  title: 'See every task run',
  cancel: 'at-once',
  deadlineMs: 30 * 60_000,
  holds: true,
  // Changes nothing, but a job that nobody can see must not count as failed: silence parks the operation.
  async observe(c) {
    const { flinkJobId } = c.results['submit'] as unknown as Submitted;
    const open = await c.services.deployers.of(planOf(c).cluster);
    const sight = await open.deployer.look(flinkJobId, { signal: c.signal });
    return sight.is === 'unknown' ? { is: 'unknown', why: sight.why } : { is: 'not-done' };
  },
  async act(c) {
    const { flinkJobId } = c.results['submit'] as unknown as Submitted;
    const open = await c.services.deployers.of(planOf(c).cluster);
    const started = performance.now();
    const limitMs = c.services.settings.runningWithinMs;
    await untilItBegan(c, open, flinkJobId);
    for (let round = 0; ; round++) {
      const sight = await open.deployer.look(flinkJobId, { signal: c.signal });
      if (sight.is === 'unknown') throw new UnreachableError(sight.why);
      if (sight.is === 'gone' && (await mayBringBack(c, open)) && performance.now() - started < limitMs) {
        c.note('its new JobManager may still bring it back');
        await sleep(1000, c.signal);
        continue;
      }
      if (sight.is === 'gone')
        throw new UpstreamError(`${open.cluster.name} no longer knows the job that was just submitted (it was restarted).`, {
          hint: `Nothing runs. Start it again: /flink start ${c.op.job}`,
        });
      if (sight.ended) {
        const cause = await open.deployer.rootCause(flinkJobId).catch(() => undefined);
        throw new UpstreamError(
          `The job ${sight.state === 'FAILED' ? 'failed' : `ended (${sight.state})`} while it was starting${cause ? `: ${cause.name}: ${cause.message}` : '.'}`,
          {
            hint: `The whole log: /flink logs ${c.op.job}`,
          },
        );
      }
      if (sight.allRunning)
        return { tasks: sight.tasksTotal, runningAt: sight.runningAt ?? Date.now(), acceptedAt: sight.acceptedAt ?? null };
      c.note(`${sight.tasksRunning}/${sight.tasksTotal} tasks`);
      if (performance.now() - started > limitMs) throw await notRunning(c, open, sight);
      await sleep(Math.min(250, 20 * 1.4 ** round), c.signal);
    }
  },
  async record(tx, c, _intent, result) {
    const { runId } = c.results['submit'] as unknown as Submitted;
    await updateRun(tx, runId, {
      state: 'RUNNING',
      stateAt: now,
      runningAt: new Date(result['runningAt'] as number),
      tasksRunning: result['tasks'] as number,
      tasksTotal: result['tasks'] as number,
      flinkVersion: planOf(c).flinkVersion,
      // It lives, whatever was concluded while its submission was under way.
      ended: false,
      endedAt: null,
      endReason: null,
    });
    return undefined;
  },
};
/**
 * Waits, at most 2 s, for the state RUNNING and a moment more: Flink keeps the first details it is asked for up to 3 s, so asking before the tasks run
 * would hide for that long that they do.
 */
async function untilItBegan(c: StepContext, open: OpenCluster, flinkJobId: string): Promise<void> {
  for (let round = 0; round < 40; round++) {
    const state = await open.deployer.state(flinkJobId, { signal: c.signal });
    if (state === undefined || endedJobStates.includes(state)) return;
    if (state === 'RUNNING') return sleep(tasksFollowMs, c.signal);
    await sleep(50, c.signal);
  }
}
async function notRunning(c: StepContext, open: OpenCluster, sight: { tasksRunning: number; tasksTotal: number }): Promise<AppError> {
  const cause = await open.deployer.rootCause((c.results['submit'] as unknown as Submitted).flinkJobId).catch(() => undefined);
  const facts = await open.deployer.facts().catch(() => undefined);
  const slots = facts ? ` ${open.cluster.name} has ${facts.slotsAvailable} of ${facts.slotsTotal} slots free.` : '';
  return new UpstreamError(
    `After ${formatDuration(c.services.settings.runningWithinMs)} only ${sight.tasksRunning} of ${sight.tasksTotal} tasks run.${slots}`,
    {
      hint: cause ? `Flink says: ${cause.name}: ${cause.message}` : `The whole log: /flink logs ${c.op.job}`,
    },
  );
}

/** Flink's own word for what the run was restored from. */
const prove: Step = {
  name: 'prove',
  title: 'Prove what it was restored from',
  cancel: 'finish-first',
  deadlineMs: 60_000,
  holds: true,
  when: (c) => planOf(c).restorePath !== undefined,
  async act(c) {
    const p = planOf(c);
    const { flinkJobId } = c.results['submit'] as unknown as Submitted;
    const open = await c.services.deployers.of(p.cluster);
    for (let round = 0; ; round++) {
      const { restored } = await open.deployer.checkpoints(flinkJobId, { signal: c.signal });
      if (restored?.path) {
        if (samePathKey(restored.path) !== samePathKey(p.restorePath as string))
          throw new UpstreamError(`Flink says that the job was restored from ${restored.path}, not from ${p.restorePath}.`, {
            hint: 'It runs; look at it before you trust its state.',
          });
        c.note(restored.path.split('/').pop() ?? '');
        return { restored: restored.path };
      }
      await sleep(Math.min(1000, 50 * 1.5 ** round), c.signal);
    }
  },
};

/** Start: plan, upload, submit under an id chosen before, see every task run, prove the state it came from. */
export const startSteps: readonly Step[] = [plan, place, submit, running, prove];

/** How long a run must stay unseen after a submission without an answer: a cluster that was frozen carries requests out when it goes on. */
const lateSubmitMs = 10_000;

/**
 * After a failure or a cancel: a run of this operation that may be there is canceled and its end recorded, so that nothing half-started stays. Nothing is
 * lost: restore points are used with NO_CLAIM, and the run never ran as a whole.
 */
export const undoStart: Step = {
  name: 'undo-start',
  title: 'Cancel what was submitted',
  cancel: 'finish-first',
  deadlineMs: 3 * 60_000,
  holds: true,
  // The intent names the run before any request leaves, so it is found also when `submit` has no result.
  when: (c) => c.intents['submit'] !== undefined && !(c.results['running'] && c.op.turned?.into === 'failed'),
  async act(c) {
    if (c.results['running']) return { said: `It had come up before the cancel was seen, so it runs. To stop it: /flink stop ${c.op.job}` };
    const { database, deployers } = c.services;
    const run = await findRun(database.db, c.intents['submit']?.['runId'] as string);
    if (!run || (run.ended && run.state !== 'LOST')) return {};
    const open = await deployers.of(run.cluster);
    const mayComeLate = !c.results['submit'] && c.op.turned?.unanswered !== false;
    let asked = false;
    let wasSeen = c.results['submit'] !== undefined;
    let unseenSince: number | undefined;
    // Until the step's time is over: an end that cannot be proven is a question for a person, never "done".
    for (let round = 0; ; round++) {
      const sight = await open.deployer.look(run.flinkJobId, { signal: c.signal });
      if (sight.is === 'unknown') c.note(`cannot tell yet: ${sight.why}`);
      if (sight.is === 'gone') {
        unseenSince ??= performance.now();
        const manager = mayComeLate || wasSeen ? await jobManagerNow(c, open) : 'the same';
        const waited = performance.now() - unseenSince > lateSubmitMs;
        if (manager !== 'the same' && (await mayBringBack(c, open))) c.note('the new JobManager may still bring it back');
        else if (wasSeen || !mayComeLate || waited) {
          // What was there, or may have been, is lost with the JobManager: it may have kept state that the next start has to look for.
          const lost = wasSeen || manager !== 'the same';
          await endRun(database.db, run.id, lost ? { state: 'LOST', reason: 'lost' } : { state: 'CANCELED', reason: 'never-started' });
          return asked ? { said: 'What had been submitted was canceled again.' } : {};
        }
      } else unseenSince = undefined;
      if (sight.is === 'seen') wasSeen = true;
      if (sight.is === 'seen' && sight.ended) {
        await settleRun(database, open, run, sight, 'never-started');
        return asked ? { said: 'What had been submitted was canceled again.' } : {};
      }
      // Asked until the cluster has taken it: the first look, or the cancel itself, may go unanswered.
      if (sight.is === 'seen' && !asked) {
        c.fence();
        asked = await open.deployer.cancel(run.flinkJobId).then(
          () => true,
          () => false,
        );
      }
      await sleep(Math.min(1000, 50 * 1.4 ** round), c.signal);
    }
  },
};
