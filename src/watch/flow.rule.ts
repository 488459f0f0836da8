import type { FlowVertex, VertexFlow } from '../deploy/deployer.ts';

/** How something that should move has moved: a count of records, a watermark. Times are milliseconds since 1970. */
export interface Signal {
  value: number;
  /** When it was looked at last. */
  seenAt: number;
  /** When it last moved, or was seen first. */
  movedAt: number;
  /** Since when it has moved without a pause. */
  since: number;
  /** Looks in a row at which it had not moved. */
  quiet: number;
  /** It moved without a pause for as long as it may stand still: only then is standing still a loss. */
  steady: boolean;
  /** When it moved last before it was lost; until it moves at two looks in a row. */
  lost: number | null;
}
/** What is remembered of a vertex between two looks. */
export interface VertexMemory {
  in?: Signal;
  out?: Signal;
  watermark?: Signal;
  /** Since when it has been held back at every look. */
  pressedSince?: number;
  /** The last look at which it was. */
  pressedAt?: number;
}
/** What is remembered of a run's flow, by vertex id. */
export type FlowMemory = Record<string, VertexMemory>;

/** How long each may last before it is told; Infinity: never. */
export interface FlowLimits {
  noDataMs: number;
  watermarkMs: number;
  backpressureMs: number;
}
/** Held back for more than this share of the time is what Flink's own page calls high. */
export const pressedShare = 0.5;

export type FlowFact =
  | { is: 'lost'; vertex: string; since: Date; words: string }
  /** Seen to be well. */
  | { is: 'well' }
  /** Not to be judged now: what was told before stays. */
  | { is: 'unknown' };
export type FlowCause = 'no-data' | 'watermark' | 'backpressure';
export interface FlowLook {
  memory: FlowMemory;
  facts: Record<FlowCause, FlowFact>;
}

/**
 * What a look at the vertices of a run says of its data. Nothing is lost that never was: a job without data from its start on, or whose data come in bursts,
 * is well. What Flink does not tell is not zero. Pure.
 * @param seen each vertex after those it reads from, with what went through it.
 * @param everyMs between two looks, when all goes as it should.
 */
export function followFlow(
  before: FlowMemory,
  seen: readonly { vertex: FlowVertex; flow: VertexFlow }[],
  at: Date,
  limits: FlowLimits,
  everyMs: number,
): FlowLook {
  const now = at.getTime();
  const running = seen.filter(({ vertex }) => vertex.running);
  const restarted = running.some(({ vertex, flow }) => isBack(before[vertex.id]?.in, flow.in) || isBack(before[vertex.id]?.out, flow.out));
  const memory: FlowMemory = {};
  for (const { vertex, flow } of running) {
    const known = before[vertex.id] ?? {};
    const signals = {
      in: follow(known.in, flow.in, now, limits.noDataMs, everyMs),
      out: follow(known.out, flow.out, now, limits.noDataMs, everyMs),
      watermark: follow(known.watermark, flow.watermark, now, limits.watermarkMs, everyMs),
    };
    const pressed = press(known, flow.backPressured, restarted, now, limits.backpressureMs, everyMs);
    memory[vertex.id] = {
      ...(signals.in ? { in: signals.in } : {}),
      ...(signals.out ? { out: signals.out } : {}),
      ...(signals.watermark ? { watermark: signals.watermark } : {}),
      ...pressed,
    };
  }
  const watermark = watermarkFact(running, memory, now, limits.watermarkMs);
  const noData = noDataFact(running, memory);
  // What stands still is held back as well: one problem, one message.
  const pressed: FlowFact = noData.is === 'lost' ? { is: 'unknown' } : backpressureFact(running, memory, now, limits.backpressureMs);
  return { memory, facts: { 'no-data': noData, watermark, backpressure: pressed } };
}

/** Of what happened between two looks that are further apart, nothing is known: at least so many looks make a limit. */
const looksOfLimit = 3;
/** A slow round or two is none. */
const roundsMissed = 3;
/** Whether too much time has passed since the last look to say what was in between. */
const isGap = (seenAt: number, now: number, limitMs: number, everyMs: number) => now - seenAt > longestGapMs(limitMs, everyMs);
/** How far apart two looks may be at most for what a limit is about to be told. Pure. */
export const longestGapMs = (limitMs: number, everyMs: number): number => Math.max(roundsMissed * everyMs, limitMs / looksOfLimit);

/** Since when a vertex has been held back at every look. */
function press(
  known: VertexMemory,
  share: number | undefined,
  restarted: boolean,
  now: number,
  limitMs: number,
  everyMs: number,
): Pick<VertexMemory, 'pressedSince' | 'pressedAt'> {
  if (limitMs === Number.POSITIVE_INFINITY || (share !== undefined && share <= pressedShare)) return {};
  const { pressedSince, pressedAt } = known;
  const lasts = pressedSince !== undefined && pressedAt !== undefined && !isGap(pressedAt, now, limitMs, everyMs);
  if (share === undefined) return lasts ? { pressedSince: restarted ? now : pressedSince, pressedAt } : {};
  // After a restart it works off what has gathered; that it is held back counts anew.
  return { pressedSince: lasts && !restarted ? pressedSince : now, pressedAt: now };
}

const isBack = (before: Signal | undefined, value: number | undefined) =>
  before !== undefined && value !== undefined && value < before.value;

/** One look at one signal; what is not told leaves it as it was. */
function follow(before: Signal | undefined, value: number | undefined, now: number, limitMs: number, everyMs: number): Signal | undefined {
  // What nobody wants to be told of is not remembered either: asked for again later, it begins anew.
  if (limitMs === Number.POSITIVE_INFINITY) return undefined;
  if (value === undefined) return before;
  if (!before) return { value, seenAt: now, movedAt: now, since: now, quiet: 0, steady: false, lost: null };
  if (value < before.value && value === 0) {
    // Flink has restarted it and nothing came since: it has the whole time once more, unless it was lost already.
    const isLost = before.lost !== null;
    return { ...before, value, seenAt: now, quiet: isLost ? before.quiet : 0, movedAt: isLost ? before.movedAt : now };
  }
  if (value === before.value) {
    const quiet = before.quiet + 1;
    const lost =
      lastingLoss(before, now, limitMs) ?? (before.steady && quiet >= 2 && now - before.movedAt >= limitMs ? before.movedAt : null);
    return { ...before, seenAt: now, quiet, lost };
  }
  const seen = { value, seenAt: now, movedAt: now, quiet: 0 };
  if (before.lost !== null && before.quiet > 0) return { ...seen, since: now, steady: false, lost: before.lost };
  // One look without movement is no pause: metrics are up to 10 s old. That it moved at some time in a long gap tells no habit.
  const goesOn = before.quiet <= 1 && !isGap(before.seenAt, now, limitMs, everyMs);
  const since = goesOn ? before.since : now;
  return { ...seen, since, steady: (goesOn && before.steady) || now - since >= limitMs, lost: null };
}
/** What was lost by a shorter limit is no loss by a longer one. */
function lastingLoss(before: Signal, now: number, limitMs: number): number | null {
  return before.lost !== null && now - before.lost >= limitMs ? before.lost : null;
}

type Seen = readonly { vertex: FlowVertex; flow: VertexFlow }[];

const isPressed = (flow: VertexFlow) => (flow.backPressured ?? 0) > pressedShare;
/** What does not keep up behind a vertex: the first that is not held back itself. */
function slowBehind(seen: Seen, id: string): FlowVertex | undefined {
  const behind = new Set([id]);
  for (const { vertex, flow } of seen) {
    if (!vertex.inputs.some((input) => behind.has(input))) continue;
    if (!isPressed(flow)) return vertex;
    behind.add(vertex.id);
  }
  return undefined;
}

function noDataFact(seen: Seen, memory: FlowMemory): FlowFact {
  const watermarkStands = seen.some(({ vertex }) => memory[vertex.id]?.watermark?.lost != null);
  let known = false;
  for (const { vertex, flow } of seen) {
    known ||= flow.in !== undefined || flow.out !== undefined;
    const { in: taken, out } = memory[vertex.id] ?? {};
    const lost = taken?.lost ?? out?.lost;
    if (lost == null) continue;
    // What waits for a watermark hands nothing on: the watermark is the problem.
    if (watermarkStands && taken?.lost == null && vertex.inputs.length > 0) return { is: 'unknown' };
    // Held back for so long that it stands as well: as long as what does not keep up takes some, that is the problem.
    const slow = isPressed(flow) ? slowBehind(seen, vertex.id) : undefined;
    const goesOn = slow && memory[slow.id]?.in;
    if (goesOn && goesOn.lost === null) return { is: 'unknown' };
    const heldBy = slow ? `, held back by ${slow.name}, which takes none` : '';
    const isSource = vertex.inputs.length === 0;
    const words = taken?.lost != null ? (isSource ? 'reads no records' : 'gets no records') : 'hands on no records';
    return {
      is: 'lost',
      vertex: vertex.name,
      since: new Date(lost),
      words: `${isSource && taken === undefined ? 'gives no records' : words}${heldBy}`,
    };
  }
  return { is: known ? 'well' : 'unknown' };
}

function watermarkFact(seen: Seen, memory: FlowMemory, now: number, limitMs: number): FlowFact {
  const dry = new Set<string>();
  let known = false;
  for (const { vertex, flow } of seen) {
    known ||= flow.watermark !== undefined;
    const { in: taken, out, watermark } = memory[vertex.id] ?? {};
    const isDry = vertex.inputs.length === 0 ? (taken ?? out)?.lost != null : vertex.inputs.some((id) => dry.has(id));
    if (isDry) dry.add(vertex.id);
    if (watermark?.lost == null) continue;
    // Without records no watermark moves: then there are no data, which is told as such, also of one source of several.
    if (!taken || taken.quiet > 1 || isDry) return { is: 'unknown' };
    // While no records came it could not move: once they come again it has the whole time.
    if (now - Math.max(watermark.movedAt, taken.since) < limitMs) return { is: 'unknown' };
    return {
      is: 'lost',
      vertex: vertex.name,
      since: new Date(watermark.lost),
      words: `gets records, but its watermark stands at ${new Date(watermark.value).toISOString().slice(0, 19).replace('T', ' ')} UTC`,
    };
  }
  return { is: known ? 'well' : 'unknown' };
}

function backpressureFact(seen: Seen, memory: FlowMemory, now: number, limitMs: number): FlowFact {
  const pressed = seen.filter(({ vertex }) => memory[vertex.id]?.pressedSince !== undefined);
  const lasting = pressed.filter(({ vertex }) => now - (memory[vertex.id]?.pressedSince ?? now) >= limitMs);
  const first = lasting[0];
  if (!first) {
    const all = seen.length > 0 && seen.every(({ flow }) => flow.backPressured !== undefined);
    return { is: pressed.length === 0 && all ? 'well' : 'unknown' };
  }
  // The slow one reads from what is held back, and is not held back itself.
  const ids = new Set(pressed.map(({ vertex }) => vertex.id));
  const slow = seen.find(({ vertex }) => !ids.has(vertex.id) && vertex.inputs.some((id) => ids.has(id)));
  const share = Math.round((first.flow.backPressured ?? 1) * 100);
  return {
    is: 'lost',
    vertex: first.vertex.name,
    since: new Date(memory[first.vertex.id]?.pressedSince ?? now),
    words: `is held back ${share} % of the time${slow ? `: ${slow.vertex.name} does not keep up` : ''}`,
  };
}
