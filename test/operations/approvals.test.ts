import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { auditOf } from '../../src/access/audit.store.ts';
import { putPerson } from '../../src/access/people.store.ts';
import type { Role } from '../../src/access/policy.ts';
import { moveClock } from '../../src/db/clock.ts';
import { approvals } from '../../src/db/schema/index.ts';
import { addVersion } from '../../src/jobs/jobs.store.ts';
import type { AcceptRequest } from '../../src/operations/accept.ts';
import { decideApproval, findApproval, releaseWaiting, withdrawApproval } from '../../src/operations/approvals.store.ts';
import { expireWaiting } from '../../src/operations/expire.ts';
import { findOperation } from '../../src/operations/operations.store.ts';
import { planHash } from '../../src/operations/plan-hash.ts';
import { recheckRights } from '../../src/operations/rights.ts';
import { worldFacts } from '../../src/operations/world-facts.ts';
import { ann, createRig, definition, lee, lou, person, type Rig } from './rig.ts';
import { kindOf, step } from './step-kind.ts';

const lifetimeMs = 3_600_000;
let acted = 0;
const kind = kindOf([step('one', { act: async () => ({ n: ++acted }) })], { kind: 'restore' });

/** Ann asks for a restore on production; it waits for a lead. */
async function ask(rig: Rig, change: Partial<Omit<AcceptRequest, 'input'>> = {}) {
  acted = 0;
  const input = { right: 'rewind' as const, from: 's3://x/savepoint-1' };
  const hash = planHash(await worldFacts(rig.database.db, 'restore', 'etl-orders', input));
  return rig.accept(kind, {
    input,
    planHash: hash,
    approval: {
      reason: 'bad data',
      lifetimeMs,
      message: (id, until) => ({ tone: 'warn', title: `Approve ${id} until ${until.toISOString()}`, parts: [] }),
    },
    ...change,
  });
}
const decide = (rig: Rig, id: string, by = lee, state: 'approved' | 'rejected' = 'approved') =>
  rig.database.transaction(async (tx) => {
    const decided = await decideApproval(tx, id, state, by, undefined);
    if (decided && state === 'approved') await releaseWaiting(tx, id, by);
    return decided;
  });
const setRole = (rig: Rig, who: string, roles: Role[], change: { active?: boolean } = {}) =>
  rig.database.transaction((tx) => putPerson(tx, { ...person(who), ...change, memberships: roles.map((role) => ({ team: 'etl', role })) }));

describe('an approval', () => {
  it('lets the operation run once it is given', async (t) => {
    const rig = await createRig(t);
    const op = await ask(rig);
    assert.equal(op.state, 'waiting');
    assert.ok(await decide(rig, op.id));
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
    assert.equal(acted, 1);
    assert.match(await rig.said(op), /Asked by @ann, approved by @lee/);
  });

  it('is decided once, of 50 clicks at the same moment', async (t) => {
    const rig = await createRig(t);
    const op = await ask(rig);
    const clicks = await Promise.all(
      Array.from({ length: 50 }, (_, n) => decide(rig, op.id, n % 2 ? lee : lou, n % 3 ? 'approved' : 'rejected')),
    );
    const winners = clicks.filter((row) => row !== undefined);
    assert.equal(winners.length, 1);
    const approval = await findApproval(rig.database.db, op.id);
    assert.deepEqual([approval?.state, approval?.decidedBy], [winners[0]?.state, winners[0]?.decidedBy]);
    assert.equal((await findOperation(rig.database.db, op.id))?.state, approval?.state === 'approved' ? 'queued' : 'waiting');
  });

  it('expires: then it cannot be given, the buttons go, and the message says so', async (t) => {
    const rig = await createRig(t);
    const op = await ask(rig);
    await moveClock(rig.database.db, lifetimeMs - 60_000);
    assert.equal(await expireWaiting(rig.database), 0);
    await moveClock(rig.database.db, 61_000);
    assert.equal(await decide(rig, op.id), undefined, 'too late even before anybody cleaned up');
    assert.equal(await expireWaiting(rig.database), 1);
    assert.equal(await expireWaiting(rig.database), 0);
    const now = await findOperation(rig.database.db, op.id);
    assert.equal(now?.state, 'canceled');
    const said = await rig.said(op);
    assert.match(
      said,
      /^Expired: nobody decided about restore of etl-orders in time\nAsked by @ann\. Reason: bad data\nNothing was done\./,
    );
    assert.match(said, /\[Ask again\]/);
    assert.equal((await auditOf(rig.database.db, 'job:etl-orders'))[0]?.action, 'approval.expired');
    assert.equal(acted, 0);
  });

  it('that was given in time does not expire', async (t) => {
    const rig = await createRig(t);
    const op = await ask(rig);
    await decide(rig, op.id);
    await moveClock(rig.database.db, lifetimeMs * 2);
    assert.equal(await expireWaiting(rig.database), 0);
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
  });

  it('that was withdrawn cannot be given', async (t) => {
    const rig = await createRig(t);
    const op = await ask(rig);
    await rig.database.transaction((tx) => withdrawApproval(tx, op.id));
    assert.equal(await decide(rig, op.id), undefined);
    assert.equal((await findApproval(rig.database.db, op.id))?.state, 'withdrawn');
  });

  it('does not run what the world changed under: another version is current', async (t) => {
    const rig = await createRig(t);
    const op = await ask(rig);
    await decide(rig, op.id);
    await rig.database.transaction((tx) => addVersion(tx, 'etl-orders', { definition, origin: 'form', createdBy: ann }));
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    assert.match(await rig.said(op), /The world changed since this was planned/);
    assert.equal(acted, 0);
  });

  it('does not run what the world changed under: the job runs anew', async (t) => {
    const rig = await createRig(t);
    const op = await ask(rig);
    await decide(rig, op.id);
    await rig.run();
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    assert.equal(acted, 0);
  });
});

describe('rights at the moment of execution', () => {
  const table: { name: string; before: (rig: Rig, id: string) => Promise<unknown>; says: RegExp | undefined }[] = [
    { name: 'approved by a lead', before: (rig, id) => decide(rig, id), says: undefined },
    {
      name: 'not approved',
      before: (rig, id) => rig.database.transaction((tx) => releaseWaiting(tx, id, lee)),
      says: /^Nobody has approved this/,
    },
    {
      name: 'rejected',
      before: async (rig, id) => {
        await decide(rig, id, lee, 'rejected');
        await rig.database.transaction((tx) => releaseWaiting(tx, id, lee));
      },
      says: /^Nobody has approved this/,
    },
    { name: 'approved by the requester', before: (rig, id) => decide(rig, id, ann), says: /^Nobody can approve their own request/ },
    {
      name: 'approved by an engineer',
      before: (rig, id) => decide(rig, id, person('ole')),
      says: /^ole, who approved this, is no longer a lead of team etl/,
    },
    {
      name: 'approved by nobody that is known',
      before: (rig, id) => decide(rig, id, person('eve')),
      says: /^eve, who approved this, is no longer a lead/,
    },
    {
      name: 'the approver lost the role',
      before: async (rig, id) => {
        await decide(rig, id);
        await setRole(rig, 'lee', ['engineer']);
      },
      says: /^lee, who approved this, is no longer a lead/,
    },
    {
      name: 'the approver was deactivated',
      before: async (rig, id) => {
        await decide(rig, id);
        await setRole(rig, 'lee', ['lead'], { active: false });
      },
      says: /^lee, who approved this, is no longer a lead/,
    },
    {
      name: 'the requester lost the role',
      before: async (rig, id) => {
        await decide(rig, id);
        await setRole(rig, 'ann', ['viewer']);
      },
      says: /^ann may no longer do this/,
    },
    {
      name: 'the approval is for another plan',
      before: async (rig, id) => {
        await decide(rig, id);
        await rig.database.db.update(approvals).set({ planHash: 'other' });
      },
      says: /^The plan is not the one that was approved/,
    },
  ];
  for (const row of table)
    it(row.name, async (t) => {
      const rig = await createRig(t);
      const op = await ask(rig);
      await row.before(rig, op.id);
      const said = await recheckRights(rig.database.db, (await findOperation(rig.database.db, op.id))!);
      if (row.says) assert.match(said ?? 'may run', row.says);
      else assert.equal(said, undefined);
      const done = await rig.carryOut([kind]);
      assert.equal(done.state, row.says ? 'failed' : 'succeeded');
      assert.equal(acted, row.says ? 0 : 1, 'nothing was done unless it may');
    });

  it('an engineer who lost the role between asking and running does nothing', async (t) => {
    const rig = await createRig(t);
    acted = 0;
    const op = await rig.accept(kind, { input: { right: 'change' } });
    await setRole(rig, 'ann', []);
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    assert.match(await rig.said(op), /ann may no longer do this: it needs engineer, lead or admin of team etl/);
    assert.equal(acted, 0);
  });

  it('break-glass runs without an approval, but not for somebody who may not break it any more', async (t) => {
    const rig = await createRig(t);
    acted = 0;
    await rig.accept(kind, { input: { right: 'rewind' }, breakGlass: 'it burns' });
    assert.equal((await rig.carryOut([kind])).state, 'succeeded');
    await rig.accept(kind, { input: { right: 'rewind' }, breakGlass: 'it burns' });
    await setRole(rig, 'ann', ['viewer']);
    assert.equal((await rig.carryOut([kind])).state, 'failed');
    assert.equal(acted, 1);
  });
});

describe('the hash of a plan', () => {
  it('does not depend on the order of keys, and changes with every fact', () => {
    assert.equal(planHash({ a: 1, b: { c: [1, 2], d: null } }), planHash({ b: { d: null, c: [1, 2] }, a: 1 }));
    assert.notEqual(planHash({ a: 1 }), planHash({ a: 2 }));
    assert.notEqual(planHash({ a: [1, 2] }), planHash({ a: [2, 1] }));
    assert.notEqual(planHash({ a: '1' }), planHash({ a: 1 }));
  });
});
