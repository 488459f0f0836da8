import { isLive, type Job, type Request } from './cluster.ts';
import type { Fault } from './schedule.ts';
import type { End } from './simulate.ts';

/** What is wrong with how it ended, in sentences; empty when nothing is. */
export function violations(end: End): string[] {
  const { world, quiet } = end;
  const { store, cluster } = world;
  if (!quiet) return [`after ${end.atMs} ms the operation is ${store.op.state}, neither over nor parked`];
  return [
    ...cluster.breaches,
    ...writes(end),
    ...effects(end),
    ...repeats(end),
    ...cancels(end),
    ...started(end),
    ...stopped(end),
    ...savepoints(end),
  ];
}
/** Nobody decided but the rules: a person's decision about a parked operation leaves things as they are. */
const inOrder = ({ world: { store } }: End) => store.op.state !== 'parked' && !store.givenUp;
const done = (end: End, step: string) => end.world.store.steps.get(step)?.state === 'done';

/** No write with a stale epoch is accepted, nothing forward begins after the turn, the third death parks. */
function writes(end: End): string[] {
  const found: string[] = [];
  const { store, kind } = end.world;
  let crashes = 0;
  for (const w of store.log) {
    if (w.epoch !== w.rowEpoch) found.push(`a stale write (${w.what}, epoch ${w.epoch}) was accepted at epoch ${w.rowEpoch}`);
    if (w.what === 'intent' && w.turned && kind.steps.some((step) => step.name === w.step)) found.push(`"${w.step}" began after the turn`);
    // A late commit after the release is as good as one before it: nobody has taken the operation over yet.
    if (w.owner !== w.rowOwner && !(w.rowOwner === undefined && w.state === 'running'))
      found.push(`a write of ${w.owner} (${w.what}) was accepted while ${w.rowOwner} owned it`);
    if (crashes >= 3 && ['intent', 'result', 'skip'].includes(w.what)) found.push(`${w.what} after ${crashes} deaths in one step`);
    if (w.what === 'crash') crashes++;
    if (['result', 'skip', 'turn', 'finish'].includes(w.what)) crashes = 0;
  }
  return found;
}
const idOf = (request: Request) => (request.is === 'submit' ? request.id : request.is === 'trigger' ? request.triggerId : undefined);
/** A request without an answer is followed by an answered look before it is sent again. */
function repeats(end: End): string[] {
  const { sent, answeredAtMs } = end.world;
  const found: string[] = [];
  const last = new Map<string, number>();
  for (const { request, atMs, nothingSent } of sent) {
    if (nothingSent) continue;
    const id = idOf(request);
    if (id === undefined) continue;
    const before = last.get(id);
    if (before !== undefined && !answeredAtMs.get(id)?.some((at) => at >= before && at <= atMs)) found.push(`${id} was sent again blindly`);
    last.set(id, atMs);
  }
  return found;
}
/** Only the owner sends, under one id per step, and only forward before the turn. */
function effects(end: End): string[] {
  const found: string[] = [];
  const ids = { submit: new Set<string>(), trigger: new Set<string>() };
  for (const { request, owner, rowOwner, turned } of end.world.sent) {
    if (owner !== rowOwner) found.push(`${request.is} was sent by ${owner} while ${rowOwner ?? 'nobody'} owned it`);
    if (turned && request.is !== 'cancel') found.push(`${request.is} was sent after the turn`);
    if (request.is === 'submit') ids.submit.add(request.id);
    if (request.is === 'trigger') ids.trigger.add(request.triggerId);
  }
  for (const [what, used] of Object.entries(ids)) if (used.size > 1) found.push(`${what} under ${used.size} ids: ${[...used].join(', ')}`);
  return found;
}
/** A cancel is seen before the next step begins, but for what proves a stop; it ends in canceled, or it came too late. */
function cancels(end: End): string[] {
  const { store } = end.world;
  const found: string[] = [];
  if (store.op.state === 'canceled' && store.cancels === 0 && !store.givenUp) found.push('canceled, though nobody asked for it');
  if (store.cancelAtMs === undefined) return found;
  const slackMs = 1000 + end.schedule.faults.reduce((sum, fault) => sum + slackOf(fault), 0);
  for (const w of store.log)
    if (w.what === 'intent' && !w.turned && w.step !== 'stop-ended' && w.atMs > store.cancelAtMs + slackMs)
      found.push(`"${w.step}" began ${w.atMs - store.cancelAtMs} ms after the cancel`);
  return found;
}
const slackOf = (fault: Fault) =>
  fault.is === 'freeze' ? fault.ms : fault.is === 'store' && 'ms' in fault.fault ? fault.fault.ms : fault.is === 'store' ? 2000 : 0;

/** At most one run of this operation, none after a failure or a cancel unless it is told, one after a success. */
function started(end: End): string[] {
  const { store, cluster } = end.world;
  const { state } = store.op;
  const own = [...cluster.jobs.values()].filter((job) => job.id !== 'old');
  const live = own.filter(isLive);
  const found: string[] = [];
  if (live.length > 1) found.push(`${live.length} runs of this operation are alive`);
  if (!inOrder(end)) return found;
  const told = done(end, 'running') || store.steps.get('undo-start')?.result?.['said'] !== undefined;
  for (const job of live) {
    if (state !== 'succeeded' && !told) found.push(`${state}, but ${job.id} runs`);
    if (store.runs.get(job.id)?.ended !== false && !told) found.push(`${job.id} runs, but is recorded as ended`);
  }
  const starts = end.world.kind.steps.some((step) => step.name === 'submit');
  if (state === 'succeeded' && starts && live.length === 0 && !own.some(endedByItself)) found.push('succeeded, but nothing runs');
  return found;
}
const endedByItself = (job: Job) => job.endedBy === 'itself' || job.endedBy === 'the cluster';

/** What ran before is ended by a stop that succeeded, and by no other end unless it is told. */
function stopped(end: End): string[] {
  const { store, cluster, kind } = end.world;
  const old = cluster.jobs.get('old');
  if (!old || !inOrder(end)) return [];
  const { state, turned } = store.op;
  if (kind.kind === 'stop' && state === 'succeeded' && isLive(old)) return ['the stop succeeded, but the job runs'];
  if (kind.kind === 'savepoint' && !isLive(old) && !endedByItself(old)) return ['a savepoint ended the job'];
  if (state === 'succeeded' || isLive(old) || endedByItself(old)) return [];
  const told = done(end, 'stop-ended') || turned?.kind === 'ended-while-stopping';
  return told ? [] : [`${state}, but the job is down, which nobody is told (${turned?.kind})`];
}
/** The newest savepoint that was made is a recorded restore point. */
function savepoints(end: End): string[] {
  const { store, cluster, pathsReadable } = end.world;
  const newest = cluster.savepoints.at(-1);
  if (!newest || !inOrder(end) || store.points.has(newest.path)) return [];
  // A restarted JobManager has forgotten it: then only the files tell, and they are looked at once the job is down.
  const forgotten = (cluster.restartedAtMs ?? -1) >= newest.atMs;
  const old = cluster.jobs.get('old');
  if (forgotten && (!pathsReadable || (old && isLive(old)))) return [];
  return [`${store.op.state}, but the savepoint ${newest.path} is not recorded`];
}
