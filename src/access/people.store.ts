import type { PersonRef } from '../core/message.ts';
import type { Db, Tx } from '../db/db.ts';
import { and, asc, eq } from '../db/query.ts';
import { memberships, people, teams } from '../db/schema/index.ts';
import type { Person, Role } from './policy.ts';

/** The person with roles, undefined when Sluice does not know them. */
export async function findPerson(db: Db | Tx, ref: { teamId: string; userId: string }): Promise<Person | undefined> {
  const [row] = await db
    .select()
    .from(people)
    .where(and(eq(people.slackTeamId, ref.teamId), eq(people.slackUserId, ref.userId)));
  if (!row) return undefined;
  const roles = await db
    .select({ team: memberships.team, role: memberships.role })
    .from(memberships)
    .where(and(eq(memberships.slackTeamId, ref.teamId), eq(memberships.slackUserId, ref.userId)));
  return {
    ref: { teamId: row.slackTeamId, userId: row.slackUserId, name: row.name },
    admin: row.admin,
    active: row.active,
    memberships: roles,
  };
}

/** Everybody who holds a role in a team, by name. */
export async function teamMembers(db: Db | Tx, team: string, role: Role): Promise<(PersonRef & { name: string })[]> {
  const rows = await db
    .select({ teamId: people.slackTeamId, userId: people.slackUserId, name: people.name })
    .from(memberships)
    .innerJoin(people, and(eq(people.slackTeamId, memberships.slackTeamId), eq(people.slackUserId, memberships.slackUserId)))
    .where(and(eq(memberships.team, team), eq(memberships.role, role), eq(people.active, true)))
    .orderBy(asc(people.name));
  return rows;
}

export interface PersonInput {
  teamId: string;
  userId: string;
  name: string;
  admin?: boolean;
  active?: boolean;
  memberships: { team: string; role: Role }[];
}

/** Adds or replaces a person and their roles. */
export async function putPerson(tx: Tx, input: PersonInput): Promise<void> {
  const values = {
    slackTeamId: input.teamId,
    slackUserId: input.userId,
    name: input.name,
    admin: input.admin ?? false,
    active: input.active ?? true,
  };
  await tx
    .insert(people)
    .values(values)
    // Who is an admin by sluice.yaml stays one when a file says nothing about it.
    .onConflictDoUpdate({
      target: [people.slackTeamId, people.slackUserId],
      set: input.admin === undefined ? { name: values.name, active: values.active } : values,
    });
  await tx.delete(memberships).where(and(eq(memberships.slackTeamId, input.teamId), eq(memberships.slackUserId, input.userId)));
  if (input.memberships.length > 0)
    await tx
      .insert(memberships)
      .values(input.memberships.map((m) => ({ slackTeamId: input.teamId, slackUserId: input.userId, team: m.team, role: m.role })));
}

/** Makes the people that `sluice.yaml` names admins, keeping what they already are. */
export async function ensureAdmins(
  tx: Tx,
  admins: readonly { teamId: string; userId: string; name?: string | undefined }[],
): Promise<void> {
  for (const admin of admins)
    await tx
      .insert(people)
      .values({ slackTeamId: admin.teamId, slackUserId: admin.userId, name: admin.name ?? admin.userId, admin: true, active: true })
      .onConflictDoUpdate({ target: [people.slackTeamId, people.slackUserId], set: { admin: true, active: true } });
}

export type Team = typeof teams.$inferSelect;

/** Every team, by name. */
export async function listTeams(db: Db | Tx): Promise<Team[]> {
  return db.select().from(teams).orderBy(asc(teams.name));
}
/** One team, undefined if there is none of that name. */
export async function findTeam(db: Db | Tx, name: string): Promise<Team | undefined> {
  const [row] = await db.select().from(teams).where(eq(teams.name, name));
  return row;
}
/** Whom the incidents of a team call, as Slack user groups: who is on call, and to whom it goes when nobody comes. Pure. */
export function callsOf(team: Team | undefined): { onCall?: string; escalateTo?: string } {
  return { ...(team?.onCall ? { onCall: team.onCall } : {}), ...(team?.escalateTo ? { escalateTo: team.escalateTo } : {}) };
}
/** Adds or replaces a team. */
export async function putTeam(
  tx: Tx,
  team: Omit<Team, 'onCall' | 'escalateTo' | 'thresholds'> & Partial<Pick<Team, 'onCall' | 'escalateTo' | 'thresholds'>>,
): Promise<void> {
  await tx.insert(teams).values(team).onConflictDoUpdate({ target: teams.name, set: team });
}

/** Everybody, with roles, by name. */
export async function listPeople(db: Db | Tx): Promise<Person[]> {
  const rows = await db.select().from(people).orderBy(asc(people.name));
  const roles = await db.select().from(memberships);
  return rows.map((row) => ({
    ref: { teamId: row.slackTeamId, userId: row.slackUserId, name: row.name },
    admin: row.admin,
    active: row.active,
    memberships: roles
      .filter((m) => m.slackTeamId === row.slackTeamId && m.slackUserId === row.slackUserId)
      .map((m) => ({ team: m.team, role: m.role })),
  }));
}
