import { ConfigError, NotFoundError, UnreachableError, UpstreamError } from '../../core/errors.ts';
import { withoutLogin } from '../../core/redact.ts';
import { endedJobStates } from '../../flink/schema.ts';
import { observedOnly } from '../../flink/transport.ts';
import {
  type ClusterKind,
  type Deployer,
  type DeployTarget,
  type KnownRun,
  type RootCause,
  type RunOverview,
  type RunSight,
  unknownState,
} from '../deployer.ts';
import { amLogTail, causeInLog } from '../yarn/am-log.ts';
import { diagnosticsLine, endOf, type YarnApplication } from '../yarn/application.ts';
import { createFleet, type Member } from '../yarn/fleet.ts';
import { addFacts } from '../yarn/fleet-facts.ts';
import type { JobManager } from '../yarn/job-manager.ts';
import { yarnOptions } from '../yarn/options.ts';
import { flinkIdIn } from '../yarn/own-ids.ts';
import { createResourceManager } from '../yarn/resource-manager.ts';
import { createStandings, standingIn } from '../yarn/standing.ts';

/** All Flink applications of a YARN, whoever starts them: read from the ResourceManager and, through its web proxy, from each JobManager. */
export const yarn: ClusterKind = {
  kind: 'yarn',
  summary: 'All Flink applications of a YARN, only observed.',
  open(target) {
    if (!target.observed)
      throw new ConfigError(`The cluster ${target.name} is a YARN, and a YARN can only be observed.`, {
        hint: 'An admin registers it with observe: true.',
      });
    return yarnObserver(target);
  },
};

/** Applications about which one round asks the RM by themselves. */
const detailsPerRound = 10;
const logBytes = 256 * 1024;
const homesKept = 20_000;

function yarnObserver(target: DeployTarget): Deployer {
  const options = yarnOptions(target);
  const rm = createResourceManager(options.urls, options.filter.users.length === 1 ? options.filter.users[0] : undefined);
  const fleet = createFleet(rm, options);
  const standings = createStandings(rm);
  /** Flink job id -> application. */
  const homes = new Map<string, string>();

  async function look(flinkJobId: string, o: Parameters<Deployer['look']>[1]): Promise<RunSight> {
    try {
      const home = await homeOf(flinkJobId);
      if (home === undefined) return { is: 'unknown', why: `No application of ${target.name} that answers lists this job.` };
      const member = fleet.members().get(home);
      if (!member) return sightOf(await standings.of(home, undefined, o));
      const jobManager = await answering(home);
      if (!jobManager) return sightOf(standingIn(undefined, home));
      const sight = await jobManager.deployer.look(flinkJobId, o);
      return sight.is === 'gone' ? sightOf(standingIn(jobManager, home)) : sight;
    } catch (error) {
      if (error instanceof UpstreamError || error instanceof UnreachableError) return { is: 'unknown', why: error.message };
      throw error;
    }
  }
  /** Kept for a while after its end, when its last words are read. */
  function settle(flinkJobId: string, application: string): void {
    homes.delete(flinkJobId);
    homes.set(flinkJobId, application);
    if (homes.size > homesKept) homes.delete(homes.keys().next().value as string);
  }
  /** Another process may have found the job: then it is looked for here. */
  async function homeOf(flinkJobId: string): Promise<string | undefined> {
    if (!homes.has(flinkJobId)) await listRuns();
    return homes.get(flinkJobId);
  }
  /** The JobManager of an application, if it answers now: one that hangs is waited for once, not by every question. */
  async function answering(home: string): Promise<JobManager | undefined> {
    const jobManager = fleet.members().get(home)?.jobManager;
    if (jobManager && !jobManager.answer()) await jobManager.ask();
    return jobManager?.answer() ? jobManager : undefined;
  }
  /** @throws UpstreamError when that JobManager gives no answer: the others, and the RM, may be well */
  async function on<T>(flinkJobId: string, ask: (deployer: Deployer) => Promise<T>): Promise<T> {
    const home = await homeOf(flinkJobId);
    const jobManager = home === undefined ? undefined : await answering(home);
    if (!jobManager) throw new UpstreamError(`${home ?? 'The job'} has no JobManager that answers.`);
    try {
      return await ask(jobManager.deployer);
    } catch (error) {
      if (error instanceof UnreachableError) throw new UpstreamError(`The JobManager of ${home} does not answer.`, { cause: error });
      throw error;
    }
  }

  /**
   * Each job that is listed, and where. One that went on elsewhere under its id is still listed as ended where it was; of two that live under one id only
   * that counts which is known.
   */
  function whereJobsAre(
    members: ReadonlyMap<string, Member>,
    known: readonly KnownRun[],
  ): Map<string, { application: string; state: string }> {
    const before = new Map(known.map((run) => [run.flinkJobId, run.application]));
    const found = new Map<string, { application: string; state: string }>();
    for (const [application, { jobManager }] of members)
      for (const [flinkJobId, state] of jobManager?.answer()?.states ?? []) {
        const other = found.get(flinkJobId);
        const isKnownHere = (before.get(flinkJobId) ?? homes.get(flinkJobId)) === application;
        if (!other || (!endedJobStates.includes(state) && (endedJobStates.includes(other.state) || isKnownHere)))
          found.set(flinkJobId, { application, state });
      }
    return found;
  }

  async function listRuns(o: Parameters<Deployer['listRuns']>[0] = {}, known: readonly KnownRun[] = []): Promise<Map<string, string>> {
    const applications = new Set(known.flatMap((run) => run.application ?? []));
    const members = await fleet.round(o, applications);
    // A call without the known runs says nothing of those that no JobManager lists.
    standings.keep(members, known.length > 0 ? applications : undefined);
    const states = new Map<string, string>();
    for (const [flinkJobId, { application, state }] of whereJobsAre(members, known)) {
      states.set(flinkJobId, state);
      settle(flinkJobId, application);
    }
    const unlisted = known.filter(({ flinkJobId }) => !states.has(flinkJobId));
    const asked = new Set(unlisted.flatMap(({ application }) => (application === null || members.has(application) ? [] : application)));
    const waiting = standings.beyond(detailsPerRound, asked);
    for (const { flinkJobId, application } of unlisted) {
      if (application === null || waiting.has(application)) {
        states.set(flinkJobId, unknownState);
        continue;
      }
      settle(flinkJobId, application);
      const standing = await standings.of(application, members.get(application), o);
      if (standing.is === 'ended') states.set(flinkJobId, standing.end.state);
      else if (standing.is === 'unknown') states.set(flinkJobId, unknownState);
    }
    return states;
  }

  async function rootCause(flinkJobId: string, o: Parameters<Deployer['rootCause']>[1]): Promise<RootCause | undefined> {
    let refusal: UpstreamError | undefined;
    try {
      const told = await on(flinkJobId, (deployer) => deployer.rootCause(flinkJobId, o));
      if (told) return told;
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      refusal = error;
    }
    // A JobManager may answer from before the failure and go: its log has it.
    const home = homes.get(flinkJobId);
    const app = home === undefined ? undefined : await rm.application(home, o);
    if (app) return causeOfEnd(app, flinkJobId, o?.timeoutMs ?? 4000);
    if (refusal) throw refusal;
    return undefined;
  }

  const refuse = (what: string) => async (): Promise<never> => {
    throw observedOnly(what);
  };
  return {
    look,
    listRuns,
    rootCause,
    async facts() {
      await fleet.askMore((jobManager) => jobManager.askFacts());
      return addFacts([...fleet.members().values()].map(({ jobManager }) => jobManager?.facts()));
    },
    async overview() {
      await fleet.askMore((jobManager) => Promise.all([jobManager.askTasks(), jobManager.askFacts()]));
      const all = new Map<string, RunOverview>();
      for (const [application, { jobManager }] of fleet.members()) {
        const facts = jobManager?.facts();
        for (const [id, job] of jobManager?.overview() ?? [])
          if (homes.get(id) === application) all.set(id, { ...job, application, ...(facts ? { flinkVersion: facts.flinkVersion } : {}) });
      }
      return all;
    },
    jobManager: async () => undefined,
    keepsJobs: async () => true,
    async state(flinkJobId, o) {
      const sight = await look(flinkJobId, o);
      return sight.is === 'seen' ? sight.state : undefined;
    },
    savepoint: (flinkJobId, triggerId, o) => on(flinkJobId, (deployer) => deployer.savepoint(flinkJobId, triggerId, o)),
    checkpoints: (flinkJobId, o) => on(flinkJobId, (deployer) => deployer.checkpoints(flinkJobId, o)),
    checkpointConfig: (flinkJobId, o) => on(flinkJobId, (deployer) => deployer.checkpointConfig(flinkJobId, o)),
    vertices: (flinkJobId, o) => on(flinkJobId, (deployer) => deployer.vertices(flinkJobId, o)),
    flow: (flinkJobId, vertex, o) => on(flinkJobId, (deployer) => deployer.flow(flinkJobId, vertex, o)),
    async logTails(bytes, o, run) {
      if (!run) throw new NotFoundError('Nothing has run here whose logs could be shown.');
      const home = run.application ?? (await homeOf(run.flinkJobId));
      if (home !== undefined && !fleet.members().has(home)) await listRuns(o);
      const jobManager = home === undefined ? undefined : await answering(home);
      if (jobManager) return jobManager.deployer.logTails(bytes, o);
      const app = home === undefined ? undefined : await rm.application(home, o);
      const text = app && (await amLogTail(app, bytes, o?.timeoutMs ?? 4000));
      if (text === undefined)
        throw new UnreachableError(`The logs of ${home ?? 'this job'} cannot be read from here (any more).`, {
          hint: 'Its NodeManager has moved them, or Sluice cannot reach it: yarn logs -applicationId shows them.',
        });
      return [{ from: `JobManager of ${home}`, text }];
    },
    runUrl(flinkJobId, application) {
      const home = application ?? homes.get(flinkJobId);
      const web = withoutLogin(target.webUrl ?? rm.address()).replace(/\/+$/, '');
      const proxy = target.webUrl === null && options.proxyUrl !== undefined ? withoutLogin(options.proxyUrl) : `${web}/proxy`;
      return home === undefined ? `${web}/cluster/apps` : `${proxy}/${home}/#/job/running/${flinkIdIn(home, flinkJobId)}/overview`;
    },
    findArtifact: async () => undefined,
    placeArtifact: refuse('upload'),
    submit: refuse('submit'),
    cancel: refuse('cancel'),
    triggerSavepoint: refuse('savepoint'),
    triggerStop: refuse('stop'),
    close: () => fleet.close(),
  };
}

/** What is proven of a job that no JobManager lists. */
function sightOf(standing: Awaited<ReturnType<ReturnType<typeof createStandings>['of']>>): RunSight {
  if (standing.is !== 'ended') return standing;
  const { app, end } = standing;
  return {
    is: 'seen',
    state: end.state,
    ended: true,
    allRunning: false,
    tasksRunning: 0,
    tasksTotal: 0,
    runningAt: undefined,
    acceptedAt: app.startedTime,
    name: app.name,
  };
}

/**
 * Why a job ended whose JobManager cannot say it: the JobManager's log knows more than YARN, which often says nothing. A JobManager goes before its
 * application is over for YARN; until then only its log counts.
 */
async function causeOfEnd(app: YarnApplication, flinkJobId: string, timeoutMs: number): Promise<RootCause | undefined> {
  const end = endOf(app, false);
  if (end?.state === 'FINISHED') return undefined;
  const log = end?.state === 'CANCELED' ? undefined : await amLogTail(app, logBytes, timeoutMs);
  const otherErrorsCount = end !== undefined && !/exitCode: (137|143)\b|Killed by external signal/.test(end.diagnostics);
  const logged = log === undefined ? undefined : causeInLog(log, flinkIdIn(app.id, flinkJobId), otherErrorsCount);
  const at = app.finishedTime || Date.now();
  if (logged) return { ...logged, task: null, at };
  if (!end || (end.state === 'CANCELED' && !end.diagnostics)) return undefined;
  const message = diagnosticsLine(end.diagnostics) || `${app.id} is ${app.state}, ${app.finalStatus}, and YARN does not say why.`;
  return { name: 'YARN', message, task: null, at, stack: end.diagnostics };
}
