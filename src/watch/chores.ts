import { carryIncidentsOn } from '../incidents/lifecycle.ts';
import { expireWaiting } from '../operations/expire.ts';
import { placeHomeless } from './homeless.ts';
import { tellParked } from './parked.ts';
import type { PollDeps } from './poll-deps.ts';
import { tellStranded } from './stranded.ts';

/** What time brings every few seconds, beside the polls. */
export interface Chores {
  /** Does each of them; a fault in one is logged and leaves the others their turn. */
  run(): Promise<void>;
  /** How long incidents have not been carried on: nothing pending is told, nobody is called again. */
  carriedAgeMs(): number;
}
/** True when there is something to send. */
type Work = () => Promise<boolean>;

export function createChores(deps: PollDeps): Chores {
  const { database, log, incidents } = deps;
  let carriedAt = performance.now();
  const works: Record<string, Work> = {
    'expiry of approvals': async () => (await expireWaiting(database)) > 0,
    'parked operations': () => tellParked(deps),
    'operations of a newer Sluice': () => tellStranded(deps),
    'messages without a channel': () => placeHomeless(deps),
    incidents: async () => {
      const news = await database.transaction((tx) => carryIncidentsOn(tx, incidents.calls, incidents.channels.whenSlackIsDown));
      carriedAt = performance.now();
      return news;
    },
  };
  return {
    async run() {
      for (const [task, work] of Object.entries(works)) {
        try {
          if (await work()) deps.onNews();
        } catch (error) {
          log.warn({ task, error: String(error) }, 'scheduled work failed');
        }
      }
    },
    carriedAgeMs: () => performance.now() - carriedAt,
  };
}
