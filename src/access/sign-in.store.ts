import { createHash } from 'node:crypto';
import { newSecret } from '../core/ids.ts';
import { inMs, now } from '../db/clock.ts';
import type { Database, Db, Tx } from '../db/db.ts';
import { and, eq, gt, isNull, lt } from '../db/query.ts';
import { sessions, signInLinks } from '../db/schema/index.ts';

const linkLifetimeMs = 5 * 60_000;
const sessionLifetimeMs = 10 * 3_600_000;
const hash = (token: string) => createHash('sha256').update(token).digest('hex');

export interface Session {
  person: { teamId: string; userId: string };
  csrf: string;
}

/** Makes a one-time sign-in token for a person, valid for 5 minutes; only its hash is kept. */
export async function createSignInLink(tx: Tx, person: { teamId: string; userId: string }): Promise<string> {
  const token = newSecret();
  await tx
    .insert(signInLinks)
    .values({ tokenHash: hash(token), slackTeamId: person.teamId, slackUserId: person.userId, expiresAt: inMs(linkLifetimeMs) });
  return token;
}

/** Whether a token could be redeemed now, without using it (what a link preview may see). */
export async function isSignInLinkValid(db: Db | Tx, token: string): Promise<boolean> {
  const rows = await db
    .select({ t: signInLinks.tokenHash })
    .from(signInLinks)
    .where(and(eq(signInLinks.tokenHash, hash(token)), isNull(signInLinks.redeemedAt), gt(signInLinks.expiresAt, now)));
  return rows.length === 1;
}

/** Redeems a token once: a session token of a working day (10 h) for the cookie, undefined when the link is used up or too old. */
export async function redeemSignInLink(database: Database, token: string): Promise<string | undefined> {
  return database.transaction(async (tx) => {
    const [link] = await tx
      .update(signInLinks)
      .set({ redeemedAt: now })
      .where(and(eq(signInLinks.tokenHash, hash(token)), isNull(signInLinks.redeemedAt), gt(signInLinks.expiresAt, now)))
      .returning();
    if (!link) return undefined;
    const session = newSecret();
    await tx.insert(sessions).values({
      tokenHash: hash(session),
      slackTeamId: link.slackTeamId,
      slackUserId: link.slackUserId,
      csrf: newSecret(),
      expiresAt: inMs(sessionLifetimeMs),
    });
    return session;
  });
}

/** The session behind a cookie token, undefined when it is unknown, ended or too old. */
export async function findSession(db: Db | Tx, token: string): Promise<Session | undefined> {
  const [row] = await db
    .select()
    .from(sessions)
    .where(and(eq(sessions.tokenHash, hash(token)), gt(sessions.expiresAt, now)));
  return row && { person: { teamId: row.slackTeamId, userId: row.slackUserId }, csrf: row.csrf };
}
/** Ends a session for good. */
export async function endSession(db: Db | Tx, token: string): Promise<void> {
  await db.delete(sessions).where(eq(sessions.tokenHash, hash(token)));
}

/** Forgets sessions and links whose time is over. */
export async function forgetSessions(db: Db): Promise<void> {
  await db.delete(sessions).where(lt(sessions.expiresAt, now));
  await db.delete(signInLinks).where(lt(signInLinks.expiresAt, inMs(-24 * 3_600_000)));
}
