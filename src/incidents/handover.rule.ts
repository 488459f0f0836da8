import { context, type Message, type Part, type Span, text } from '../core/message.ts';
import { plural, truncate } from '../core/text.ts';
import { formatAge } from '../core/time.ts';
import type { Operation } from '../operations/types.ts';
import type { RestorePoint } from '../restore-points/restore-points.store.ts';
import { ruleOf } from './causes.ts';
import type { Incident } from './incidents.store.ts';
import type { IncidentFacts } from './message.ts';
import type { Silence } from './silences.store.ts';

/** What a team has to know in the morning. */
export interface HandoverFacts {
  team: string;
  now: Date;
  since: Date;
  /** Oldest first: of a job, a cluster or the installation. */
  changes: readonly { subject: string; at: Date; what: string }[];
  /** Open incidents that are not silenced. */
  broken: readonly Incident[];
  silences: readonly { silence: Silence; incidents: number }[];
  unrecoverable: readonly { job: string; why: string }[];
  /** Plans that wait for a lead, and operations that are parked for a person. */
  waiting: readonly Operation[];
  /** Savepoints that are deleted, not before `goesAt`. */
  going: readonly { point: RestorePoint; why: string; passing?: boolean | undefined; goesAt: Date }[];
  /** Those that Flink was asked to delete and that may be half gone. */
  stuck: readonly RestorePoint[];
}

const shownAtMost = 10;

/** The hand-over as a message: only the parts in which there is something, one line when there is nothing. */
export function handoverMessage(f: HandoverFacts): Message {
  const counts = [
    f.broken.length > 0 ? `${f.broken.length} broken` : undefined,
    f.unrecoverable.length > 0 ? `${f.unrecoverable.length} not restorable` : undefined,
    f.waiting.length > 0 ? `${f.waiting.length} ${f.waiting.length === 1 ? 'waits' : 'wait'} for a person` : undefined,
    f.silences.length > 0 ? `${f.silences.length} muted` : undefined,
    f.going.length + f.stuck.length > 0 ? `${plural(f.going.length + f.stuck.length, 'savepoint')} to go` : undefined,
    f.changes.length > 0 ? plural(f.changes.length, 'change') : undefined,
  ].filter(Boolean);
  const head = `Hand-over of team ${f.team}`;
  if (counts.length === 0)
    return { tone: 'good', title: `${head}: all is well, and nothing was changed since ${formatAge(f.since, f.now)}`, parts: [] };
  const bad = f.broken.length + f.unrecoverable.length + f.waiting.length + f.stuck.length > 0;
  return {
    tone: bad ? 'warn' : 'neutral',
    title: `${head}: ${counts.join(', ')}`,
    parts: [
      ...list('Broken now', [...Map.groupBy(f.broken, (one) => one.leaderId ?? one.id).values()], (group) => brokenLine(group, f.now)),
      ...list('Could not be restored today', f.unrecoverable, (one) => [{ bold: one.job }, `: ${one.why}`]),
      ...list('Waits for a person', f.waiting, (op) => [
        { bold: op.job },
        op.state === 'waiting' ? `: a ${op.kind} waits for a lead, asked for by ` : `: a ${op.kind} is parked, asked for by `,
        { person: op.actor },
        `, ${formatAge(op.createdAt, f.now)}`,
      ]),
      ...list('Muted', f.silences, ({ silence, incidents }) => [
        { bold: `${silence.scope} ${silence.name}` },
        ' by ',
        { person: silence.by },
        ' until ',
        { time: silence.until },
        `: ${silence.reason}${incidents > 0 ? ` (${plural(incidents, 'open incident')} under it)` : ''}`,
      ]),
      ...list('Savepoints that are deleted', goingGroups(f.going), (going) => goingLine(going, f.now)),
      ...(f.going.length > 0 ? [context('To keep one: ', { code: `/flink pin ${f.going[0]?.point.job} ${f.going[0]?.point.id}` })] : []),
      ...list('Savepoints that could not be deleted, and may be half gone', f.stuck, (point) => [
        { bold: point.job },
        `: ${point.path}: ${point.disposal?.error ?? 'no answer'}`,
      ]),
      ...(f.stuck.length > 0
        ? [
            context(
              'They are never restored from, and asked for again within a day. If one stays here, look why its cluster does not delete it, or delete its folder by hand: Sluice sees then that it is gone.',
            ),
          ]
        : []),
      ...list(`Changed since ${formatAge(f.since, f.now)}`, f.changes, (one) => [
        { bold: one.subject },
        `: ${one.what}, `,
        { time: one.at, style: 'time' },
      ]),
    ],
  };
}

const jobsAtMost = 3;
/** What is told in one message is one line: what happened to how many, of one cause where it is that of all, since when, and who looks after it. */
function brokenLine(group: readonly Incident[], now: Date): Span[] {
  const [first] = group;
  if (!first) return [];
  const since = new Date(Math.min(...group.map((one) => one.firstSeen.getTime())));
  const { ackedBy } = group.every((one) => one.ackedBy) ? first : { ackedBy: null };
  const after: Span[] = [
    `, since ${formatAge(since, now)}`,
    ...(ackedBy ? [', looked after by ', { person: ackedBy }] : [`, nobody looks after ${group.length === 1 ? 'it' : 'them'}`]),
  ];
  if (group.length === 1) return [first.title, ...after];
  const names = group.flatMap((one) => one.job ?? []).sort();
  const more = names.length - jobsAtMost;
  const named = `${names.slice(0, jobsAtMost).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const [exception, ...others] = new Set(group.map((one) => (one.facts as IncidentFacts).exception));
  const why = exception !== undefined && others.length === 0 ? `: ${truncate(exception, 120)}` : '';
  return [`${plural(group.length, 'job')} ${ruleOf(first.cause).many ?? 'have one problem'} (${named})${why}`, ...after];
}

type Going = HandoverFacts['going'];
/** A job's savepoints in one line: those that nobody was told of yet come first, apart from those that were told before. */
function goingGroups(going: Going): Going[] {
  const [fresh, told] = [true, false].map((isFresh) => going.filter((one) => (one.point.goesAt === null) === isFresh));
  return [fresh, told].flatMap((some) => [...Map.groupBy(some ?? [], (one) => one.point.job).values()]);
}
/** The ids of the savepoints of which this message tells first; what did not fit into it comes another day. */
export function toldFirst(f: HandoverFacts): string[] {
  const shown = goingGroups(f.going).slice(0, shownAtMost).flat();
  return shown.flatMap(({ point }) => (point.goesAt === null ? [point.id] : []));
}

const namesAtMost = 5;
/** `etl-orders: savepoint-a (12 d ago), savepoint-b (13 d ago), not one of the newest 5; not before 09:00`; of many the time in which the others were taken. */
function goingLine(going: Going, now: Date): Span[] {
  const job = going[0]?.point.job ?? '';
  const named = going.slice(0, namesAtMost);
  const names = named.map(({ point }) => `${point.path.split('/').pop()} (${formatAge(point.takenAt, now)})`);
  const others = going.slice(namesAtMost).map(({ point }) => point.takenAt.getTime());
  const first = new Date(Math.min(...going.map((one) => one.goesAt.getTime())));
  return [
    { bold: job },
    `: ${names.join(', ')}`,
    ...(others.length > 0
      ? [
          ` and ${others.length} more, taken from `,
          { time: new Date(Math.min(...others)) },
          ' to ',
          { time: new Date(Math.max(...others)) },
        ]
      : []),
    `, ${going[0]?.why}; `,
    ...(first > now ? ['not before ', { time: first }] : [going[0]?.passing ? 'once that is over' : 'within the hour']),
    ...(others.length > 0 ? ['. All: ', { code: `/flink savepoint ${job} --list` }] : []),
  ];
}
/** A part with a head and a line for each, so many at most. */
function list<T>(head: string, items: readonly T[], line: (item: T) => Span[]): Part[] {
  if (items.length === 0) return [];
  const more = items.length - shownAtMost;
  return [
    text(
      { bold: `${head}:` },
      ...items.slice(0, shownAtMost).flatMap((item): Span[] => ['\n• ', ...line(item)]),
      ...(more > 0 ? [`\nand ${more} more on the page`] : []),
    ),
  ];
}
