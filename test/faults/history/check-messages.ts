import { samePathKey } from '../../../src/deploy/restore-path.ts';
import type { History, OperationFact, OutboxFact, PostFact, Violation } from './history.ts';
import { isOver, startsJob, type World } from './world.ts';

/** I4: every incident and operation has a visible message, messages stand twice only where an answer was lost, and what they say in the end is true. */
export function checkMessages(h: History, world: World): Violation[] {
  const rows = new Map(h.outbox.map((row) => [row.id, row]));
  const posts = postsByRow(h);
  const found: [string, ...string[]][] = [];
  for (const incident of h.incidents) {
    // Nobody is told yet, or somebody asked that nobody is.
    if (incident.messageId === null && (incident.state === 'pending' || incident.silenced || incident.resolvedAt)) continue;
    const row = rows.get(incident.messageId ?? '');
    if (!row) found.push([`the incident "${incident.title}" has no message`, incident.id]);
    else if (!visible(row, posts) && !hasNoPlace(row) && !world.recent(incident.firstSeen))
      found.push([`the incident "${incident.title}" is not to be seen`, incident.id, row.id]);
  }
  let twice = 0;
  const double: string[] = [];
  for (const [id, list] of posts) {
    const row = rows.get(id);
    const more = list.filter((post) => post.channel !== row?.movedFrom).length - 1;
    if (more <= 0) continue;
    twice += more;
    double.push(id);
  }
  if (twice > h.ambiguousPosts)
    found.push([`${twice} messages too many are to be seen, and the answer was lost of ${h.ambiguousPosts} posts`, ...double]);
  for (const op of h.operations) {
    const row = rows.get(op.messageId);
    // No message at all is a matter of I1.
    if (row) found.push(...messageProblem(op, row, posts, world));
    found.push(...untruth(h, op, world));
  }
  return found.map(([what, ...ids]) => ({ invariant: 'I4', what, ids }));
}

function postsByRow(h: History): Map<string, PostFact[]> {
  const at = new Map(h.outbox.flatMap((row) => (row.sentTs ? [[`${row.sentChannel}/${row.sentTs}`, row.id]] : [])));
  const byRow = new Map<string, PostFact[]>();
  for (const post of h.posts) {
    const id = post.ephemeral ? undefined : (post.outboxId ?? at.get(`${post.channel}/${post.ts}`));
    if (id !== undefined) byRow.set(id, [...(byRow.get(id) ?? []), post]);
  }
  return byRow;
}
/** The post that Sluice edits; of several the one it knows. */
function visible(row: OutboxFact, posts: Map<string, PostFact[]>): PostFact | undefined {
  const list = posts.get(row.id) ?? [];
  return list.find((post) => post.ts === row.sentTs && post.channel === row.sentChannel) ?? list[0];
}
function hasNoPlace(row: OutboxFact): boolean {
  return row.channel === '';
}

const busyMark = '⏳';
const tonesOf: Record<string, readonly unknown[]> = {
  succeeded: ['good', 'warn'],
  failed: ['bad', 'warn'],
  // Bad where the job is down now.
  canceled: ['neutral', 'warn', 'good', 'bad'],
  parked: ['warn', 'bad'],
};

function messageProblem(op: OperationFact, row: OutboxFact, posts: Map<string, PostFact[]>, world: World): [string, ...string[]][] {
  const name = `the message of the ${op.kind} of ${op.job}`;
  const post = visible(row, posts);
  if (!post)
    return hasNoPlace(row) || world.recent(op.createdAt) || world.recent(row.updatedAt)
      ? []
      : [[`${name} is not to be seen`, op.id, row.id]];
  if (!(isOver(op) || op.state === 'parked')) return [];
  const { title, tone } = op.outcome ?? {};
  const fits = tonesOf[op.state] ?? [];
  if (!fits.includes(tone)) return [[`${name} is ${String(tone)}, and it ${op.state}`, op.id]];
  if (world.recent(row.updatedAt) && row.state === 'pending') return [];
  const said = words(String(title)).slice(0, 200);
  if (words(post.text).includes(said) && !post.text.trimStart().startsWith(busyMark)) return [];
  return [[`${name} says "${(post.text.split('\n')[0] ?? '').slice(0, 120)}", and it ${op.state}: ${String(title)}`, op.id, row.id]];
}
/** Without formatting, emoji and the form of spaces. */
function words(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}

/** What an operation says that it did, held against what was done. */
function untruth(h: History, op: OperationFact, world: World): [string, ...string[]][] {
  if (!h.clusters.some((cluster) => concerns(h, op, cluster.name, world))) return [];
  const own = world.startedBy(op.id);
  if (op.state === 'succeeded') {
    if (startsJob(op) && !own.some((run) => run.cameUp))
      return [[`a ${op.kind} of ${op.job} says that it runs, and no run of it came up`, op.id]];
    const target = world.target(op.id);
    if (op.kind === 'stop' && target && !target.end)
      return [[`a stop of ${op.job} says that it stopped, and it runs`, op.id, target.jobId]];
    const path = op.kind === 'savepoint' ? world.step(op.id, 'savepoint')?.result?.['path'] : undefined;
    if (typeof path === 'string' && !world.points.has(samePathKey(path)))
      return [[`a savepoint of ${op.job} says that it was taken, and it was not: ${path}`, op.id]];
    return [];
  }
  // Where the end of what it had submitted could not be proven, it has to name it.
  const alive = own.find((run) => !run.end && !JSON.stringify(op.outcome).includes(run.jobId));
  if (op.state === 'failed' && startsJob(op) && op.outcome?.['tone'] === 'bad' && alive)
    return [[`a ${op.kind} of ${op.job} says that it failed, and its run is alive`, op.id, alive.jobId]];
  return [];
}
/** Whether an operation had to do with a cluster; one that left no trace of where it was may have been anywhere. */
function concerns(h: History, op: OperationFact, cluster: string, world: World): boolean {
  const target = world.step(op.id, 'target')?.result?.['cluster'];
  const places = [
    ...h.runs.filter((run) => run.operationId === op.id).map((run) => run.cluster),
    ...(target === undefined ? [] : [target]),
  ];
  return places.length === 0 || places.includes(cluster);
}
