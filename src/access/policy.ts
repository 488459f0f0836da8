import type { PersonRef } from '../core/message.ts';

export type Role = 'viewer' | 'engineer' | 'on-call' | 'lead';
export type Environment = 'production' | 'development';
/**
 * What a command needs. `see`: read. `change`: build, upgrade, set, use. `operate`: resume, stop with savepoint, restart the same
 * version, savepoint, acknowledge. `rewind`: anything that rewinds or drops state. `approve`, `break-glass`, `register`: as named. `anyone`: help.
 */
export type Right = 'anyone' | 'see' | 'change' | 'operate' | 'rewind' | 'approve' | 'break-glass' | 'register';
/** `asks`: yes, after a lead has approved the plan. */
export type Verdict = 'yes' | 'asks' | 'no';

/** A known person with their roles, as read from the database at this moment. */
export interface Person {
  ref: PersonRef & { name: string };
  admin: boolean;
  active: boolean;
  memberships: readonly { team: string; role: Role }[];
}

const holders: Record<Exclude<Right, 'anyone' | 'rewind'>, readonly (Role | 'admin')[]> = {
  see: ['viewer', 'engineer', 'on-call', 'lead', 'admin'],
  change: ['engineer', 'lead', 'admin'],
  operate: ['engineer', 'on-call', 'lead', 'admin'],
  approve: ['lead'],
  'break-glass': ['engineer', 'on-call', 'lead', 'admin'],
  register: ['lead', 'admin'],
};

/** The one authorisation function, deny by default (product.md, "Who may do what"). `team` undefined: a right in any team counts. */
export function decide(person: Person | undefined, right: Right, scope: { team: string | undefined; environment?: Environment }): Verdict {
  if (right === 'anyone') return 'yes';
  if (!person?.active) return 'no';
  const mine = new Set<Role | 'admin'>();
  for (const m of person.memberships) if (scope.team === undefined || m.team === scope.team) mine.add(m.role);
  if (person.admin) mine.add('admin');
  if (right === 'rewind') {
    if (!holders['break-glass'].some((role) => mine.has(role))) return 'no';
    return scope.environment === 'development' ? 'yes' : 'asks';
  }
  return holders[right].some((role) => mine.has(role)) ? 'yes' : 'no';
}

/** Who holds a right, for the sentence that refuses: `engineer, lead or admin`. */
export function whoMay(right: Right): string {
  if (right === 'anyone') return 'anyone';
  const roles = right === 'rewind' ? holders['break-glass'] : holders[right];
  const list = [...roles];
  const last = list.pop();
  return list.length === 0 ? `a ${last}` : `${list.join(', ')} or ${last}`;
}

/** True when two references name one Slack identity. */
export function samePerson(a: PersonRef, b: PersonRef): boolean {
  return a.teamId === b.teamId && a.userId === b.userId;
}
