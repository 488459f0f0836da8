import { newId } from '../core/ids.ts';
import { chunks } from '../core/lists.ts';
import type { Tx } from '../db/db.ts';
import { findJobs } from '../jobs/jobs.store.ts';
import { tagsOf } from '../jobs/tags.ts';
import { desire, nowhere } from '../outbox/outbox.store.ts';
import { ruleOf } from './causes.ts';
import { fingerprint } from './fingerprint.ts';
import { type FiringInput, growIncident, insertEvents, insertIncidents, keysInUse, leaderFor } from './incidents.store.ts';
import type { IncidentFacts } from './message.ts';
import { comebackMs, type IncidentInput, openIncident } from './open.ts';
import { repaint } from './paint.ts';
import { listSilences, silenceOver } from './silences.store.ts';

/** So many at once are stored and told together. */
const crowd = 20;
/** Rows in one statement: PostgreSQL takes 65,535 values at most. */
const rowsAtOnce = 1000;

/**
 * Opens many incidents at once, each as `openIncident` would: a cluster that fails takes thousands of jobs with it in one second. What is no plain new
 * problem (it is open already, came back, has to last first, may be silenced) goes that way one by one.
 * @returns how many of them people are told of now.
 */
export async function openIncidents(tx: Tx, inputs: readonly IncidentInput[]): Promise<number> {
  const few = inputs.length <= crowd;
  const used = few
    ? new Set<string>()
    : await keysInUse(
        tx,
        inputs.map((input) => input.key),
        comebackMs,
      );
  const silenced = few ? new Set<string>() : await silencedAmong(tx, inputs);
  const newest = new Map(inputs.map((input) => [input.key, input]));
  const isPlain = (input: IncidentInput) =>
    !few && !used.has(input.key) && !silenced.has(input.key) && !((input.settleMs ?? 0) > 0) && newest.get(input.key) === input;
  const [plain, rest] = split(inputs, isPlain);
  const rows = plain.map(rowOf);
  // Those whose cause is known lead; the others join them.
  const groups = groupsOf(rows);
  const led: Led[] = [];
  for (const group of groups) led.push(await lead(tx, group));
  // The first of each group is there before those that it leads.
  for (const piece of chunks(groups.flat(), rowsAtOnce)) await insertIncidents(tx, piece);
  for (const one of led) await tellTogether(tx, one);
  for (const piece of chunks(rows, rowsAtOnce))
    await insertEvents(
      tx,
      piece.map((row) => ({ incidentId: row.id, text: row.title })),
    );
  // Last, since what came twice counts as one more of what was just opened.
  let told = rows.length;
  for (const input of rest) if (await openIncident(tx, input)) told++;
  return told;
}
/** Keys of those that a silence covers. */
async function silencedAmong(tx: Tx, inputs: readonly IncidentInput[]): Promise<Set<string>> {
  if ((await listSilences(tx)).length === 0) return new Set();
  const jobs = await findJobs(
    tx,
    inputs.flatMap((input) => input.job ?? []),
  );
  const found = new Set<string>();
  for (const { key, job: name, cluster } of inputs) {
    const job = jobs.get(name ?? '');
    const covered = { job: name, team: job?.team, cluster, tags: job ? tagsOf(job.current.definition) : [] };
    if (await silenceOver(tx, covered)) found.add(key);
  }
  return found;
}

function rowOf(input: IncidentInput): FiringInput {
  return {
    id: newId('inc'),
    key: input.key,
    job: input.job ?? null,
    cluster: input.cluster,
    cause: input.cause,
    title: input.title,
    facts: { ...input.facts },
    fingerprint: input.facts.exception ? fingerprint(input.facts.exception, input.job) : null,
    runId: input.runId ?? null,
    channel: input.channel ?? null,
    fallbackChannels: [...input.fallbackChannels],
    leaderId: null,
    messageId: null,
  };
}

/** What is told in one message: one cause, place and root exception (or cluster); what nobody has read the exception of yet joins the largest of its cluster. */
function groupsOf(rows: readonly FiringInput[]): FiringInput[][] {
  const known = Map.groupBy(
    rows.filter((row) => !isUnread(row)),
    (row) => groupKey(row) ?? row.id,
  );
  const groups = [...known.values()].sort((a, b) => b.length - a.length);
  for (const [key, unread] of Map.groupBy(rows.filter(isUnread), placeKey)) {
    const group = groups.find((one) => one[0] && placeKey(one[0]) === key && groupKey(one[0]) !== undefined);
    if (group) group.push(...unread);
    else groups.push(unread);
  }
  return groups;
}
/** Of a crowd those whose cause nobody knows (yet): they ended in the same moment as the others. */
const isUnread = (row: FiringInput) =>
  ruleOf(row.cause).together === 'exception' && row.fingerprint === null && !(row.facts as IncidentFacts).byOperation;
const placeKey = (row: FiringInput) => JSON.stringify([row.cause, row.channel, row.cluster]);
function groupKey(row: FiringInput): string | undefined {
  const { together } = ruleOf(row.cause);
  const same = together === 'exception' ? row.fingerprint : together === 'cluster' ? row.cluster : null;
  return same === null || (row.facts as IncidentFacts).byOperation ? undefined : JSON.stringify([row.cause, row.channel, same]);
}

/** One that others have joined. */
interface Led {
  id: string;
  messageId: string;
  /** How many. */
  by: number;
}
/** Puts a group that is not stored yet under one message: that of its first, or of an incident that is told already. */
async function lead(tx: Tx, group: readonly FiringInput[]): Promise<Led> {
  const first = group[0] as FiringInput;
  const { together } = ruleOf(first.cause);
  const same = together === 'exception' ? first.fingerprint : first.cluster;
  const alone = together === undefined || same === null || groupKey(first) === undefined;
  // Those that are unread join what their cluster has been told of already, whatever its exception.
  const like = isUnread(first) ? { cluster: first.cluster ?? '' } : { [together as string]: same };
  const there = alone && !isUnread(first) ? undefined : await leaderFor(tx, { cause: first.cause, channel: first.channel, ...like });
  const messageId =
    there?.messageId ??
    (await desire(tx, {
      dedupeKey: `incident:${first.id}`,
      channel: first.channel ?? nowhere,
      fallbackChannels: first.fallbackChannels,
      message: { tone: 'bad', title: first.title, parts: [] },
      priority: 1,
    }));
  const { id } = there ?? first;
  const others = there ? group : group.slice(1);
  first.messageId = messageId;
  for (const row of others) Object.assign(row, { leaderId: id, messageId });
  return { id, messageId, by: others.length };
}
async function tellTogether(tx: Tx, { id, messageId, by }: Led): Promise<void> {
  const grown = await growIncident(tx, id, messageId, by);
  if (grown) await repaint(tx, grown);
}

function split<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const [yes, no]: [T[], T[]] = [[], []];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
