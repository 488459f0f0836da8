import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide, type Environment, type Person, type Right, type Role, samePerson, type Verdict, whoMay } from '../../src/access/policy.ts';

/** product.md, "Who may do what": one row per right, one column per role. */
const table: Record<Exclude<Right, 'anyone'>, Record<Role | 'admin', Verdict | { production: Verdict; development: Verdict }>> = {
  see: { viewer: 'yes', engineer: 'yes', 'on-call': 'yes', lead: 'yes', admin: 'yes' },
  change: { viewer: 'no', engineer: 'yes', 'on-call': 'no', lead: 'yes', admin: 'yes' },
  operate: { viewer: 'no', engineer: 'yes', 'on-call': 'yes', lead: 'yes', admin: 'yes' },
  rewind: {
    viewer: 'no',
    engineer: { production: 'asks', development: 'yes' },
    'on-call': { production: 'asks', development: 'yes' },
    lead: { production: 'asks', development: 'yes' },
    admin: { production: 'asks', development: 'yes' },
  },
  approve: { viewer: 'no', engineer: 'no', 'on-call': 'no', lead: 'yes', admin: 'no' },
  'break-glass': { viewer: 'no', engineer: 'yes', 'on-call': 'yes', lead: 'yes', admin: 'yes' },
  register: { viewer: 'no', engineer: 'no', 'on-call': 'no', lead: 'yes', admin: 'yes' },
};
const roles: readonly (Role | 'admin')[] = ['viewer', 'engineer', 'on-call', 'lead', 'admin'];
const rights = Object.keys(table) as Exclude<Right, 'anyone'>[];
const environments: Environment[] = ['production', 'development'];
const person = (role: Role | 'admin' | undefined, team = 'etl', active = true): Person => ({
  ref: { teamId: 'T1', userId: 'U1', name: 'ann' },
  admin: role === 'admin',
  active,
  memberships: role === undefined || role === 'admin' ? [] : [{ team, role }],
});
const expected = (right: Exclude<Right, 'anyone'>, role: Role | 'admin', environment: Environment): Verdict => {
  const cell = table[right][role];
  return typeof cell === 'string' ? cell : cell[environment];
};

describe('who may do what', () => {
  for (const right of rights)
    for (const role of roles)
      for (const environment of environments)
        it(`${role} · ${right} · ${environment}: ${expected(right, role, environment)}`, () => {
          const scope = { team: 'etl', environment };
          assert.equal(decide(person(role), right, scope), expected(right, role, environment));
          // A role counts in its own team alone; an admin is one everywhere.
          assert.equal(decide(person(role, 'other'), right, scope), role === 'admin' ? expected(right, role, environment) : 'no');
          assert.equal(decide(person(role, 'etl', false), right, scope), 'no', 'deactivated');
          assert.equal(decide(person(role, 'other'), right, { team: undefined, environment }), expected(right, role, environment));
        });

  it('is no to everybody who is not known, but for help', () => {
    for (const right of rights) {
      assert.equal(decide(undefined, right, { team: 'etl' }), 'no');
      assert.equal(decide(person(undefined), right, { team: 'etl' }), 'no');
    }
    assert.equal(decide(undefined, 'anyone', { team: undefined }), 'yes');
    assert.equal(decide(person('viewer', 'etl', false), 'anyone', { team: undefined }), 'yes');
  });

  it('asks on production also when nobody said which environment it is', () => {
    assert.equal(decide(person('engineer'), 'rewind', { team: 'etl' }), 'asks');
  });

  it('adds roles up', () => {
    const both: Person = {
      ...person('on-call'),
      memberships: [
        { team: 'etl', role: 'on-call' },
        { team: 'etl', role: 'engineer' },
      ],
    };
    assert.equal(decide(both, 'change', { team: 'etl' }), 'yes');
    const elsewhere: Person = {
      ...person('on-call'),
      memberships: [
        { team: 'etl', role: 'on-call' },
        { team: 'other', role: 'engineer' },
      ],
    };
    assert.equal(decide(elsewhere, 'change', { team: 'etl' }), 'no');
    const admin: Person = { ...person('lead'), admin: true };
    assert.equal(decide(admin, 'approve', { team: 'etl' }), 'yes', 'an admin who is also a lead approves as a lead');
  });

  it('names in a refusal exactly those who may', () => {
    for (const right of rights) {
      const words = whoMay(right);
      for (const role of roles) {
        const may = environments.some((environment) => expected(right, role, environment) !== 'no');
        assert.equal(new RegExp(`\\b${role}\\b`).test(words), may, `${right}: ${words}`);
      }
    }
    assert.equal(whoMay('approve'), 'a lead');
    assert.equal(whoMay('change'), 'engineer, lead or admin');
  });
});

it('knows a person by team id and user id, never by name', () => {
  const ann = { teamId: 'T1', userId: 'U1', name: 'ann' };
  assert.equal(samePerson(ann, { teamId: 'T1', userId: 'U1', name: 'Annie' }), true);
  assert.equal(samePerson(ann, { teamId: 'T2', userId: 'U1', name: 'ann' }), false);
  assert.equal(samePerson(ann, { teamId: 'T1', userId: 'U2', name: 'ann' }), false);
});
