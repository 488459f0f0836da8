import { record } from '../../access/audit.store.ts';
import { AppError, UpstreamError } from '../../core/errors.ts';
import { newFlinkId, newId } from '../../core/ids.ts';
import { sleep } from '../../core/time.ts';
import { now } from '../../db/clock.ts';
import { samePathKey } from '../../deploy/restore-path.ts';
import { flinkOptions } from '../../jobs/flink-options.ts';
import { endRun, insertRun } from '../../jobs/runs.store.ts';
import { mayBringBack } from '../proven-sight.ts';
import type { Step } from '../types.ts';
import { jobManagerNow } from './job-manager-now.ts';
import { place, placeArtifact, versionOf } from './place.ts';
import { plan, planOf } from './plan.ts';
import { running, type Submitted } from './running.ts';

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
    if (manager !== 'the same' && (await mayBringBack(c.services.database.db, open, { signal: c.signal })))
      return { is: 'unknown', why: `${open.cluster.name} has a new JobManager, which may still bring its jobs back.` };
    if (manager === 'unknown')
      throw new UpstreamError(
        `${open.cluster.name} gave no answer while ${c.op.job} was being submitted, and does not tell whether its JobManager is still the same: whether it ran for a moment is not known. It does not run now.`,
        { hint: `Start it again, from what it left: /flink start ${c.op.job}` },
      );
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
    const send = (handle: string) =>
      open.deployer.submit(
        {
          flinkJobId: intent['flinkJobId'] as string,
          artifact: handle,
          mainClass: d.mainClass ?? artifact.mainClass ?? undefined,
          args: d.args,
          parallelism: d.parallelism,
          restorePath: planOf(c).restorePath,
          flink: flinkOptions(c.op.job, d),
        },
        { signal: c.signal, beforeSend: c.fence },
      );
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
