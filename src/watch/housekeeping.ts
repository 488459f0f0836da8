import { forgetDeliveries } from '../access/deliveries.store.ts';
import { forgetSessions } from '../access/sign-in.store.ts';
import type { Db } from '../db/db.ts';

/** Forgets what is of no more use: answers to requests older than two days, ended sessions and links. */
export async function forgetOld(db: Db): Promise<void> {
  await forgetDeliveries(db);
  await forgetSessions(db);
}
