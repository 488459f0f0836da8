import { ConflictError, NotFoundError } from '../core/errors.ts';
import { findIncident, type Incident, openIncidents } from '../incidents/incidents.store.ts';
import { findJob } from '../jobs/jobs.store.ts';
import type { CommandContext } from './spec.ts';

/** The next step of whoever meant an incident that is over. */
export const wrongNow = 'What is wrong now: /flink list failed';

/**
 * The incident of that id, or the newest one that is told and not over of that job, or of `cluster:name`; one that nobody looks after before the others.
 * @throws NotFoundError also for one that was over so long ago that it is not kept any more: the buttons of its message stay where they are.
 */
export async function keptIncident(ctx: CommandContext, id: string): Promise<Incident> {
  const { db } = ctx.services.database;
  const incident = (await findIncident(db, id)) ?? (await newestOf(ctx, id));
  if (incident) return incident;
  if (ctx.request.origin.kind === 'button')
    throw new NotFoundError('That is too old: the incident was over long ago, and Sluice does not keep it any more.', {
      hint: `Nothing was done. ${wrongNow}`,
    });
  throw new NotFoundError(`There is no incident ${id}, or it was over so long ago that it is not kept any more.`, {
    hint: `A job or cluster:name is taken as well, while something is wrong with it. ${wrongNow}`,
  });
}

async function newestOf(ctx: CommandContext, typed: string): Promise<Incident | undefined> {
  const { db } = ctx.services.database;
  const name = typed.toLowerCase();
  if (name.startsWith('cluster:')) return (await openIncidents(db)).find((one) => one.job === null && `cluster:${one.cluster}` === name);
  const job = await findJob(db, name);
  if (!job) return undefined;
  // Whoever may not see the job does not learn how it is.
  await ctx.job(job.name);
  const open = await openIncidents(db, job.name);
  const newest = open.find((one) => !one.ackedBy) ?? open[0];
  if (newest) return newest;
  throw new ConflictError(`Nothing is wrong with ${job.name}, as far as anybody was told.`, { hint: `Nothing was done. ${wrongNow}` });
}
