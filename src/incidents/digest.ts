import { context, type Message, text } from '../core/message.ts';
import { plural, truncate } from '../core/text.ts';
import { formatAge } from '../core/time.ts';
import type { Db, Tx } from '../db/db.ts';
import { jobChannels } from '../jobs/channels.ts';
import { listJobs } from '../jobs/jobs.store.ts';
import { latestRuns, type Run } from '../jobs/runs.store.ts';
import { desire } from '../outbox/outbox.store.ts';
import { failuresSince } from '../restore-points/checkpoints.store.ts';
import { findDigest, putDigest } from './digests.store.ts';
import { openIncidents } from './incidents.store.ts';

export interface Digest {
  message: Message;
  /** Jobs worth reading, by name. */
  listed: string[];
}
interface Defaults {
  defaultChannel: string | undefined;
  alertChannel: string | undefined;
}
/** Without a checkpoint for this long (or three intervals, if that is more) a running job is worth reading. */
const staleMs = 10 * 60_000;
/** Failures count since the digest of the day before. */
const dayMs = 24 * 3_600_000;

/** The checkpoint digest of the jobs that speak in a channel: only what is worth reading. */
export async function buildDigest(db: Db | Tx, channel: string, now: Date, defaults: Defaults): Promise<Digest> {
  const [jobs, runs, incidents] = [await listJobs(db), await latestRuns(db), await openIncidents(db)];
  const failures = await failuresSince(db, new Date(now.getTime() - dayMs));
  const worth: { name: string; why: string }[] = [];
  let count = 0;
  for (const job of jobs) {
    if ((await jobChannels(db, job, defaults)).channel !== channel) continue;
    const run = runs.get(job.name);
    if (!run) continue;
    const incident = incidents.find((i) => i.job === job.name);
    if (run.ended && run.endReason === 'stopped' && !incident) continue;
    count++;
    const why = incident
      ? `${incident.title.replace(`${job.name} `, '')}, since ${formatAge(incident.firstSeen, now)}`
      : (worthReading(run, now) ?? failureWords(failures.get(job.name)));
    if (why) worth.push({ name: job.name, why });
  }
  const healthy = count - worth.length;
  const first = worth[0];
  const title =
    count === 0
      ? 'No job runs in this channel'
      : first
        ? `${healthy} of ${count} healthy; ${first.name}: ${first.why}`
        : `${count === 1 ? 'The one job is' : `All ${count} jobs are`} healthy`;
  const parts = worth.slice(1, 20).map((w) => text({ bold: w.name }, `: ${w.why}`));
  if (worth.length > 20) parts.push(context(`and ${plural(worth.length - 20, 'more job')}`));
  parts.push(context('Checkpoint digest, as of ', { time: now }));
  return { message: { tone: worth.length > 0 ? 'warn' : 'good', title, parts }, listed: worth.map((w) => w.name) };
}

function worthReading(run: Run, now: Date): string | undefined {
  if (run.ended) return run.endReason === 'finished' ? undefined : `${run.endReason} ${run.endedAt ? formatAge(run.endedAt, now) : ''}`;
  if (run.checkpointIntervalMs === 0) return 'checkpointing is off';
  const last = run.lastCheckpoint ? new Date(run.lastCheckpoint.at) : undefined;
  const limit = Math.max(staleMs, 3 * (run.checkpointIntervalMs ?? 0));
  const since = last ?? run.runningAt ?? run.startedAt;
  if (now.getTime() - since.getTime() <= limit) return undefined;
  return last ? `last checkpoint ${formatAge(last, now)}` : `no checkpoint since it started ${formatAge(since, now)}`;
}
/** Checkpoints that failed are no incident; that they do is worth reading once a day. */
function failureWords(failures: { failed: number; last: string } | undefined): string | undefined {
  if (!failures) return undefined;
  const last = failures.last ? `${failures.failed === 1 ? '' : ', the last'}: ${truncate(failures.last.split('\n')[0] ?? '', 120)}` : '';
  return `${plural(failures.failed, 'checkpoint')} failed since yesterday${last}`;
}

/**
 * Brings the day's digest of a channel up to date: edited in place, a new post only when a job joined or left the list.
 * @param day `2026-11-25` in the digest's time zone.
 */
export async function postDigest(tx: Tx, channel: string, day: string, now: Date, defaults: Defaults): Promise<void> {
  const digest = await buildDigest(tx, channel, now, defaults);
  const known = await findDigest(tx, channel, day);
  const same = known && known.listed.join() === digest.listed.join();
  const edition = known ? (same ? known.edition : known.edition + 1) : 1;
  const messageId = await desire(tx, { dedupeKey: `digest:${channel}:${day}:${edition}`, channel, message: digest.message, priority: 3 });
  await putDigest(tx, { channel, day, edition, messageId, listed: digest.listed });
}
/** Channels in which jobs speak. */
export async function digestChannels(db: Db, defaults: Defaults): Promise<string[]> {
  const channels = new Set<string>();
  for (const job of await listJobs(db)) {
    const { channel } = await jobChannels(db, job, defaults);
    if (channel) channels.add(channel);
  }
  return [...channels];
}
