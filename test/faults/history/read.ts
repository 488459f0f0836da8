import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listPeople } from '../../../src/access/people.store.ts';
import { buildMark, buildOfMark } from '../../../src/build/leftovers.ts';
import { dbNow } from '../../../src/db/clock.ts';
import type { Db } from '../../../src/db/db.ts';
import { and, asc, eq } from '../../../src/db/query.ts';
import {
  approvals,
  artifacts,
  audit,
  clusters,
  incidents,
  jobs,
  jobVersions,
  operationSteps,
  operations,
  outboxMessages,
  restorePoints,
  runs,
} from '../../../src/db/schema/index.ts';
import { operationKinds } from '../../../src/operations/kinds/index.ts';
import { buildIdOf } from '../../../src/operations/steps/build-sources.ts';
import type { PracticeClient } from '../../../src/practice/client.ts';
import { isObject, type StoredMessage } from '../../../src/practice/types.ts';
import type { TruthEvent } from '../truth.ts';
import type { History, PersonAt, PostFact } from './history.ts';

export interface HistorySources {
  db: Db;
  /** What truly happened, by the name of the cluster. */
  truth: Record<string, readonly TruthEvent[]>;
  /** The practice workspace; left out where nobody looks at Slack. */
  practice?: Pick<PracticeClient, 'export'>;
  /** Data directories of the replicas. */
  homes?: readonly string[];
  /** Who was allowed to what since when (`peopleAt` after each change), oldest first; as they are now when left out. */
  people?: readonly PersonAt[];
  /** Flink jobs that the test itself started or ended, outside Sluice. */
  outside?: readonly string[];
  /** Posts and uploads whose answer was lost on purpose. */
  ambiguousPosts?: number;
  ambiguousUploads?: number;
  /** What began less than this ago may still be under way; 0: the run is over and everything is settled. */
  graceMs?: number;
}

/**
 * Everything that the checker looks at, after a run. Read when nothing moves any more, or with a `graceMs` that covers what does.
 * @throws UnreachableError if the database does not answer.
 */
export async function readHistory(sources: HistorySources): Promise<History> {
  const { db } = sources;
  const now = await dbNow(db);
  const clockAheadMs = now.getTime() - Date.now();
  // Columns by name: others may come and go.
  const o = operations;
  const operationRows = await db
    .select({
      id: o.id,
      kind: o.kind,
      job: o.job,
      state: o.state,
      holds: o.holds,
      input: o.input,
      planHash: o.planHash,
      idemKey: o.idemKey,
      actor: o.actor,
      messageId: o.messageId,
      breakGlass: o.breakGlass,
      owner: o.owner,
      leaseUntil: o.leaseUntil,
      outcome: o.outcome,
      createdAt: o.createdAt,
      startedAt: o.startedAt,
      finishedAt: o.finishedAt,
    })
    .from(o)
    .orderBy(asc(o.createdAt));
  const s = operationSteps;
  const stepRows = await db
    .select({
      operationId: s.operationId,
      name: s.name,
      state: s.state,
      intent: s.intent,
      result: s.result,
      startedAt: s.startedAt,
      doneAt: s.doneAt,
    })
    .from(s)
    .orderBy(asc(s.operationId), asc(s.seq));
  const a = approvals;
  const r = runs;
  const p = restorePoints;
  const i = incidents;
  const m = outboxMessages;
  const holding = new Set(
    operationKinds.flatMap((kind) => kind.steps.filter((step) => step.holds).map((step) => `${kind.kind}/${step.name}`)),
  );
  const kindOf = new Map(operationRows.map((op) => [op.id, op.kind]));
  const clusterRows = await db.select({ name: clusters.name, pathsReadable: clusters.pathsReadable }).from(clusters);
  const readable = new Map(clusterRows.map((row) => [row.name, row.pathsReadable]));
  return {
    now,
    clockAheadMs,
    graceMs: sources.graceMs ?? 0,
    operations: operationRows,
    steps: stepRows.map((step) => ({ ...step, holds: holding.has(`${kindOf.get(step.operationId)}/${step.name}`) })),
    approvals: await db
      .select({
        operationId: a.operationId,
        planHash: a.planHash,
        state: a.state,
        requestedBy: a.requestedBy,
        expiresAt: a.expiresAt,
        decidedBy: a.decidedBy,
        decidedAt: a.decidedAt,
      })
      .from(a),
    jobs: (
      await db
        .select({ name: jobs.name, team: jobs.team, mode: jobs.mode, definition: jobVersions.definition })
        .from(jobs)
        .innerJoin(jobVersions, and(eq(jobVersions.job, jobs.name), eq(jobVersions.number, jobs.currentVersion)))
    ).map(({ definition, ...job }) => ({ ...job, environment: definition.environment })),
    runs: await db
      .select({
        id: r.id,
        job: r.job,
        cluster: r.cluster,
        flinkJobId: r.flinkJobId,
        operationId: r.operationId,
        state: r.state,
        ended: r.ended,
        endedAt: r.endedAt,
        endReason: r.endReason,
        startedAt: r.startedAt,
        runningAt: r.runningAt,
      })
      .from(r)
      .orderBy(asc(r.startedAt)),
    restorePoints: await db
      .select({ id: p.id, job: p.job, runId: p.runId, kind: p.kind, path: p.path, state: p.state, operationId: p.operationId })
      .from(p),
    incidents: await db
      .select({
        id: i.id,
        key: i.key,
        job: i.job,
        cluster: i.cluster,
        cause: i.cause,
        state: i.state,
        title: i.title,
        runId: i.runId,
        messageId: i.messageId,
        firstSeen: i.firstSeen,
        lastSeen: i.lastSeen,
        silenced: i.silenced,
        resolvedAt: i.resolvedAt,
      })
      .from(i),
    outbox: await db
      .select({
        id: m.id,
        dedupeKey: m.dedupeKey,
        channel: m.channel,
        state: m.state,
        sentChannel: m.sentChannel,
        sentTs: m.sentTs,
        movedFrom: m.movedFrom,
        lastError: m.lastError,
        updatedAt: m.updatedAt,
      })
      .from(m),
    audit: await db.select().from(audit).orderBy(asc(audit.id)),
    artifacts: await db.select({ sha256: artifacts.sha256, name: artifacts.name }).from(artifacts),
    people: [...(sources.people ?? (await peopleAt(db, new Date(0))))],
    clusters: Object.entries(sources.truth).map(([name, truth]) => ({ name, pathsReadable: readable.get(name) ?? false, truth })),
    posts: sources.practice ? postsOf(await sources.practice.export()) : [],
    processes: await buildProcesses(new Set(operationRows.map((op) => buildIdOf(op.id)))),
    workspaces: (await Promise.all((sources.homes ?? []).map((home) => readdir(join(home, 'workspaces')).catch(() => [])))).flat(),
    outside: [...(sources.outside ?? [])],
    ambiguousPosts: sources.ambiguousPosts ?? 0,
    ambiguousUploads: sources.ambiguousUploads ?? 0,
  };
}

/** Everybody's roles as they are, as of a moment (now, by the database's clock, when left out): to be kept after each change of roles. */
export async function peopleAt(db: Db, at?: Date): Promise<PersonAt[]> {
  const since = at ?? (await dbNow(db));
  return (await listPeople(db)).map((person) => ({ at: since, person }));
}

/** The messages that stand in an exported practice workspace. */
export function postsOf(exported: Record<string, unknown>): PostFact[] {
  const workspace = exported['workspace'];
  const byChannel = isObject(workspace) ? (workspace['messages'] as Record<string, StoredMessage[]>) : {};
  return Object.values(byChannel)
    .flat()
    .filter((message) => !message.tombstone)
    .map((message) => {
      const payload = message.metadata?.['event_payload'];
      const outboxId = isObject(payload) ? payload['outbox_id'] : undefined;
      return {
        channel: message.channel,
        ts: message.ts,
        text: message.texts.at(-1) ?? message.text,
        outboxId: typeof outboxId === 'string' ? outboxId : undefined,
        ephemeral: message.to !== undefined,
      };
    });
}

/** Processes that carry the mark of one of these builds; Linux only, as the mark's use is. */
async function buildProcesses(builds: ReadonlySet<string>): Promise<History['processes']> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environ = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const build = buildOfMark(`\0${environ}`.split(`\0${buildMark}=`)[1]?.split('\0')[0] ?? '').buildId;
      return builds.has(build) ? [{ pid: Number(pid), build }] : [];
    }),
  );
  return found.flat();
}
