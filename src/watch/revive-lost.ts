import { actions, type Message, text } from '../core/message.ts';
import type { OpenCluster } from '../deploy/deployers.ts';
import { jobChannels } from '../jobs/channels.ts';
import { findJob } from '../jobs/jobs.store.ts';
import { lostAmong } from '../jobs/run-crowd.store.ts';
import { latestRun, type Run, reviveRun } from '../jobs/runs.store.ts';
import { desire } from '../outbox/outbox.store.ts';
import { endedStates } from './cluster-poll.rule.ts';
import type { PollDeps } from './poll-deps.ts';

/**
 * Runs that were taken for lost and are listed all the same: high availability brought them back later than they were waited for. And those whose
 * submission got no answer, was not seen for long and was given up: it reached Flink after that, which is told.
 */
export async function reviveLost(
  deps: PollDeps,
  open: OpenCluster,
  runs: readonly Run[],
  states: ReadonlyMap<string, string>,
): Promise<void> {
  const cluster = open.cluster.name;
  const known = new Set(runs.map((run) => run.flinkJobId));
  const strangers = [...states].flatMap(([id, state]) => (known.has(id) || endedStates.includes(state) ? [] : [id]));
  const lost = await lostAmong(deps.database.db, cluster, strangers);
  if (lost.length === 0) return;
  await deps.database.transaction(async (tx) => {
    for (const run of lost) {
      const latest = await latestRun(tx, run.job);
      const revived = await reviveRun(tx, cluster, run.flinkJobId, states.get(run.flinkJobId) ?? 'RUNNING', run.application);
      const job = revived && run.endReason === 'never-started' ? await findJob(tx, run.job) : undefined;
      if (!job) continue;
      const twice = latest !== undefined && latest.id !== run.id && !latest.ended;
      const { channel, alertChannel } = await jobChannels(tx, job, deps.defaults);
      await desire(tx, {
        dedupeKey: `late:${run.id}`,
        channel: (twice ? (alertChannel ?? channel) : channel) ?? '',
        message: lateMessage(run, twice, open.deployer.runUrl(run.flinkJobId)),
        priority: 1,
      });
    }
  });
  deps.onNews();
}

function lateMessage(run: Run, twice: boolean, url: string): Message {
  const asked = 'It was asked for by an operation that is over, because it got no answer and could not be seen for long.';
  if (twice)
    return {
      tone: 'bad',
      title: `${run.job} runs twice on ${run.cluster}: an old submission reached it late`,
      parts: [
        text(`${asked} A later run of the job is up as well. Cancel the old one there: `, { link: 'its page at Flink', url }, '.'),
        actions({ label: 'Status', command: `status ${run.job}` }),
      ],
    };
  return {
    tone: 'warn',
    title: `${run.job} runs after all: its submission reached ${run.cluster} late`,
    parts: [text(asked), actions({ label: 'Status', command: `status ${run.job}` }, { label: 'Stop', command: `stop ${run.job}` })],
  };
}
