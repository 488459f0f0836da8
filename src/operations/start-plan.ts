import { type AppError, ConflictError, NotFoundError, UnreachableError, UserError } from '../core/errors.ts';
import { formatAge } from '../core/time.ts';
import { twinWords } from '../jobs/twin.ts';
import type { StartFacts, StartWish } from './start-facts.ts';

/** What a start would do. Only ids, paths and numbers: it is stored, and what is approved is its hash. */
export interface StartPlan {
  job: string;
  cluster: string;
  version: number;
  /** Release of the cluster. */
  flinkVersion: string;
  beginning: 'fresh' | 'resume' | 'upgrade' | 'restore';
  restorePath?: string;
  restoreKind?: 'savepoint' | 'checkpoint';
  /** ISO time of the restore point. */
  restoreTakenAt?: string;
  restoreFinal?: boolean;
  /** Run that the state comes from. */
  previousRun?: string;
  previousVersion?: number;
  /** A run whose end nobody can prove and which a person, by break-glass, says is gone. */
  assumedGone?: string;
  /** The current version, when it is newer and has never run. */
  newerNeverRan?: number;
  /** Things a person should know, one sentence each. */
  notes: string[];
}
export type StartDecision = { is: 'plan'; plan: StartPlan } | { is: 'refused'; error: AppError };

const refused = (error: AppError): StartDecision => ({ is: 'refused', error });

/** Whether a parallelism can never fit a cluster, however idle it is. */
export function slotsProblem(what: string, job: string, cluster: string, wanted: number, slotsTotal: number): AppError | undefined {
  if (wanted <= slotsTotal) return undefined;
  if (slotsTotal === 0)
    return new ConflictError(`${cluster} has no TaskManager at the moment, so nothing can run there.`, {
      hint: 'Wait until its TaskManagers are back, or ask who looks after it; then try again.',
    });
  return new UserError(`${what} wants parallelism ${wanted}, but ${cluster} has ${slotsTotal} slots in all.`, {
    hint: `Lower it: /flink set ${job} parallelism=${slotsTotal}, or add TaskManagers.`,
  });
}

/** The pure decision: nothing stateful silently becomes stateless, nothing starts while the former run may still be there. */
export function decideStart(facts: StartFacts, wish: StartWish, now: Date): StartDecision {
  const { job, run, version, sight } = facts;
  const name = job.name;
  const assumedGone = run !== undefined && !run.ended && sight?.is === 'unknown' && wish.breakGlass;
  if (run && !run.ended && !assumedGone) {
    if (sight?.is === 'seen')
      return refused(
        new ConflictError(`${name} is already running: v${run.version} on ${run.cluster}, started ${formatAge(run.startedAt, now)}.`, {
          hint: `To start it anew: /flink restart ${name}`,
          details: { runId: run.id },
        }),
      );
    return refused(
      new ConflictError(
        `It cannot be told whether ${name} still runs: ${sight?.is === 'unknown' ? sight.why : `${run.cluster} has not confirmed it`}`,
        {
          hint: [
            `Last proven: ${run.state}, ${formatAge(run.stateAt, now)}. Nothing was started, so that it cannot run twice. When ${run.cluster} answers again, start it.`,
            // On the silent cluster itself nothing could be started anyway.
            ...(version && version.definition.cluster !== run.cluster
              ? [
                  `If you know that the run is gone: /flink start ${name} --break-glass "reason" starts it on ${version.definition.cluster}.`,
                ]
              : []),
          ].join(' '),
        },
      ),
    );
  }
  if (run?.twin && !wish.breakGlass && !wish.replaces)
    return refused(
      new ConflictError(`${name} was not started beside another copy. ${twinWords(run.cluster, run.twin)}`, {
        hint: `Two copies would write to one target. Stop that one first (by hand, where it was started), and start again. If it is another job of the same name: /flink start ${name} --break-glass "reason".`,
      }),
    );
  if (!version)
    return refused(
      new NotFoundError(`${name} has no version v${String(wish.version)}.`, {
        hint: `Its current version is v${job.currentVersion}. All of them: /flink versions ${name}`,
      }),
    );
  const definition = version.definition;
  if (!definition.artifact)
    return refused(
      new UserError(`${name} v${version.number} has no build yet, so there is nothing to start.`, {
        hint: job.project
          ? `Build it first: /flink build ${name}, or in one go: /flink start ${name} --build`
          : 'Upload a jar on the page of the job.',
      }),
    );
  if (!facts.cluster)
    return refused(
      new UnreachableError(`The cluster ${definition.cluster} does not answer, so nothing was started.`, {
        hint: `${facts.clusterError ?? ''} An admin can look at it; then start again.`.trim(),
        details: { sent: false },
      }),
    );
  const wanted = definition.parallelism ?? 1;
  const { slotsTotal, slotsAvailable } = facts.cluster;
  const tooWide = slotsProblem(`${name} v${version.number}`, name, definition.cluster, wanted, slotsTotal);
  if (tooWide) return refused(tooWide);
  if (wanted > slotsAvailable)
    return refused(
      new ConflictError(
        `${name} v${version.number} needs ${wanted} free slots, but ${definition.cluster} has ${slotsAvailable} of ${slotsTotal} free.`,
        {
          hint: 'Stop something else there, lower the parallelism, or add TaskManagers.',
        },
      ),
    );

  const notes: string[] = [];
  const base = {
    job: name,
    cluster: definition.cluster,
    version: version.number,
    flinkVersion: facts.cluster.flinkVersion,
    notes,
    ...(run ? { previousRun: run.id, previousVersion: run.version } : {}),
    ...(assumedGone ? { assumedGone: run.id } : {}),
    ...(job.currentVersion !== version.number && wish.version === undefined && !facts.ranBefore.has(job.currentVersion)
      ? { newerNeverRan: job.currentVersion }
      : {}),
  };
  if (wish.from !== undefined)
    return {
      is: 'plan',
      plan: {
        ...base,
        beginning: 'restore',
        restorePath: wish.from,
        restoreKind: /\/chk-\d+\/?$/.test(wish.from) ? 'checkpoint' : 'savepoint',
      },
    };
  if (wish.fresh || !run || (job.mode === 'batch' && run.endReason === 'finished'))
    return { is: 'plan', plan: { ...base, beginning: 'fresh' } };

  const state = facts.lastState;
  if (state?.is === 'broken')
    return refused(
      new ConflictError(`The newest restore point of ${name} is not usable: ${state.why} (${state.path}).`, {
        hint: `Nothing was started, since an older one would rewind it. Choose one: /flink restore ${name}`,
      }),
    );
  if (state?.is !== 'found') {
    // A job that never got going kept nothing and loses nothing.
    if (run.endReason === 'never-started' && run.restoredFrom === null && !facts.ranLast)
      return { is: 'plan', plan: { ...base, beginning: 'fresh' } };
    return refused(
      new ConflictError(`${name} has no restore point: ${state?.why ?? 'none was recorded'}.`, {
        hint: `Starting it would begin from nothing, so that has to be said: /flink start ${name} --fresh. Or choose a path: /flink restore ${name} --from <path>`,
      }),
    );
  }
  if (state.note) notes.push(state.note);
  const { point } = state;
  return {
    is: 'plan',
    plan: {
      ...base,
      beginning: version.number === (facts.ranLast ?? run).version ? 'resume' : 'upgrade',
      restorePath: point.path,
      restoreKind: point.kind,
      restoreTakenAt: point.takenAt.toISOString(),
      restoreFinal: point.final,
    },
  };
}
