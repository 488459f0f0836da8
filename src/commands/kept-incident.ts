import { NotFoundError } from '../core/errors.ts';
import { findIncident, type Incident } from '../incidents/incidents.store.ts';
import type { CommandContext } from './spec.ts';

/** The next step of whoever meant an incident that is over. */
export const wrongNow = 'What is wrong now: /flink list failed';

/**
 * The incident of that id.
 * @throws NotFoundError also for one that was over so long ago that it is not kept any more: the buttons of its message stay where they are.
 */
export async function keptIncident(ctx: CommandContext, id: string): Promise<Incident> {
  const incident = await findIncident(ctx.services.database.db, id);
  if (incident) return incident;
  if (ctx.request.origin.kind === 'button')
    throw new NotFoundError('That is too old: the incident was over long ago, and Sluice does not keep it any more.', {
      hint: `Nothing was done. ${wrongNow}`,
    });
  throw new NotFoundError(`There is no incident ${id}, or it was over so long ago that it is not kept any more.`, { hint: wrongNow });
}
