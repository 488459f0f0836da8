import { now } from '../db/clock.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, asc, eq, sql } from '../db/query.ts';
import { clusterViews, flows, type JobDefinition, jobs, jobVersions, runs } from '../db/schema/index.ts';
import type { Run } from '../jobs/runs.store.ts';
import type { FlowMemory } from './flow.rule.ts';

export interface Followed {
  run: Run;
  /** Of the current version of its job. */
  definition: JobDefinition;
  team: string;
  memory: FlowMemory;
}
const isFollowed = (cluster: string) =>
  and(
    eq(runs.cluster, cluster),
    eq(runs.ended, false),
    eq(runs.state, 'RUNNING'),
    sql`${runs.runningAt} is not null and ${runs.tasksTotal} > 0 and ${runs.tasksRunning} >= ${runs.tasksTotal}`,
  );
/** Runs of streaming jobs on a cluster on which every task runs, with what is remembered of their flow; those that were not looked at for longest first. */
export async function followedRuns(db: Db, cluster: string, limit: number): Promise<Followed[]> {
  const rows = await db
    .select({ run: runs, definition: jobVersions.definition, team: jobs.team, memory: flows.memory })
    .from(runs)
    .innerJoin(jobs, and(eq(jobs.name, runs.job), eq(jobs.mode, 'streaming')))
    .innerJoin(jobVersions, and(eq(jobVersions.job, jobs.name), eq(jobVersions.number, jobs.currentVersion)))
    .leftJoin(flows, eq(flows.runId, runs.id))
    .where(isFollowed(cluster))
    .orderBy(sql`${flows.readAt} asc nulls first`, asc(runs.id))
    .limit(limit);
  return rows.map((row) => ({ ...row, memory: (row.memory ?? {}) as FlowMemory }));
}
/** Remembers what was seen of runs, in one statement. */
export async function storeFlows(tx: Tx, seen: readonly { runId: string; memory: FlowMemory }[]): Promise<void> {
  if (seen.length === 0) return;
  const gapMs = sql`(extract(epoch from ${now} - ${flows.readAt}) * 1000)::bigint`;
  await tx
    .insert(flows)
    .values(seen.map((one) => ({ ...one, readAt: now })) as unknown as (typeof flows.$inferInsert)[])
    .onConflictDoUpdate({ target: flows.runId, set: { memory: sql`excluded.memory`, gapMs, readAt: now } });
}
/** How many runs are followed on a cluster, and those whose looks are further apart than this, or that were not looked at for as long. */
export async function lateRuns(
  db: Db | Tx,
  cluster: string,
  overMs: number,
): Promise<{ total: number; late: { job: string; gapMs: number; definition: JobDefinition; team: string }[] }> {
  const sinceMs = sql`extract(epoch from ${now} - coalesce(${flows.readAt}, ${runs.runningAt})) * 1000`;
  const gapMs = sql<number>`greatest(${sinceMs}, coalesce(${flows.gapMs}, 0))::float8`;
  const streaming = and(eq(jobs.name, runs.job), eq(jobs.mode, 'streaming'));
  const [counted] = await db.select({ total: sql<number>`count(*)::int` }).from(runs).innerJoin(jobs, streaming).where(isFollowed(cluster));
  const late = await db
    .select({ job: runs.job, gapMs, definition: jobVersions.definition, team: jobs.team })
    .from(runs)
    .innerJoin(jobs, streaming)
    .innerJoin(jobVersions, and(eq(jobVersions.job, jobs.name), eq(jobVersions.number, jobs.currentVersion)))
    .leftJoin(flows, eq(flows.runId, runs.id))
    .where(and(isFollowed(cluster), sql`${gapMs} > ${overMs}`));
  return { total: counted?.total ?? 0, late };
}
/** Notes how many runs of a cluster are followed, and looked at too rarely. */
export async function noteLate(tx: Tx, cluster: string, flowRuns: number, flowLate: number): Promise<void> {
  await tx.update(clusterViews).set({ flowRuns, flowLate }).where(eq(clusterViews.cluster, cluster));
}
/** Counts what a round cost a cluster. */
export async function countFlowCost(tx: Tx, cluster: string, requests: number, tookMs: number): Promise<void> {
  const c = clusterViews;
  await tx
    .update(c)
    .set({ flowRequests: sql`${c.flowRequests} + ${requests}`, flowMs: sql`${c.flowMs} + ${Math.round(tookMs)}`, flowReadAt: now })
    .where(eq(c.cluster, cluster));
}
/** Forgets the flow of runs that are over. */
export async function forgetFlows(db: Db): Promise<void> {
  await db.delete(flows).where(sql`not exists (select 1 from ${runs} where ${runs.id} = ${flows.runId} and not ${runs.ended})`);
}
