import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { auditOf, firstBrokenAuditRow, record } from '../../src/access/audit.store.ts';
import { forgetDeliveries, once } from '../../src/access/deliveries.store.ts';
import { findErrorReport, reportError } from '../../src/access/error-reports.store.ts';
import { ensureAdmins, findPerson, listPeople, putPerson, teamMembers } from '../../src/access/people.store.ts';
import {
  createSignInLink,
  endSession,
  findSession,
  forgetSessions,
  isSignInLinkValid,
  redeemSignInLink,
} from '../../src/access/sign-in.store.ts';
import { UserError } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import { moveClock } from '../../src/db/clock.ts';
import type { Database } from '../../src/db/db.ts';
import { eq, sql } from '../../src/db/query.ts';
import { audit, sessions, signInLinks } from '../../src/db/schema/index.ts';
import { sharedDb } from '../helpers/shared-db.ts';

const ann = { teamId: 'T1', userId: 'U1' };
const said = (title: string): Message => ({ tone: 'neutral', title, parts: [] });
const write = (database: Database, subject: string, details: Record<string, unknown> = {}) =>
  database.transaction((tx) =>
    record(tx, { actor: { person: { ...ann, name: 'ann' }, origin: 'typed' }, action: 'test', subject, details }),
  );

describe('the audit', () => {
  it('is one unbroken chain, also when many write at once', async (t) => {
    const database = await sharedDb(t);
    await Promise.all(Array.from({ length: 40 }, (_, n) => write(database, `job:${n % 3}`, { n })));
    assert.equal(await firstBrokenAuditRow(database.db), undefined);
    const rows = await auditOf(database.db, 'job:1');
    assert.equal(rows.length, 13);
    assert.ok(rows[0]!.id > rows[1]!.id, 'newest first');
  });

  const tampering: [string, (database: Database, id: number) => Promise<unknown>, shift: number][] = [
    [
      'an edited detail',
      (d, id) =>
        d.db
          .update(audit)
          .set({ details: { n: 99 } })
          .where(eq(audit.id, id)),
      0,
    ],
    [
      'another actor',
      (d, id) =>
        d.db
          .update(audit)
          .set({ actor: { origin: 'system' } })
          .where(eq(audit.id, id)),
      0,
    ],
    ['another action', (d, id) => d.db.update(audit).set({ action: 'nothing' }).where(eq(audit.id, id)), 0],
    ['another subject', (d, id) => d.db.update(audit).set({ subject: 'job:other' }).where(eq(audit.id, id)), 0],
    [
      'another time',
      (d, id) =>
        d.db
          .update(audit)
          .set({ at: new Date(0) })
          .where(eq(audit.id, id)),
      0,
    ],
    [
      'another hash',
      (d, id) =>
        d.db
          .update(audit)
          .set({ hash: 'f'.repeat(64) })
          .where(eq(audit.id, id)),
      0,
    ],
    ['a removed row', (d, id) => d.db.delete(audit).where(eq(audit.id, id)), 1],
  ];
  for (const [name, tamper, shift] of tampering)
    it(`shows ${name}`, async (t) => {
      const database = await sharedDb(t);
      for (let n = 0; n < 5; n++) await write(database, 'job:a', { n });
      const ids = (await auditOf(database.db, 'job:a')).map((row) => row.id).reverse();
      await tamper(database, ids[2]!);
      assert.equal(await firstBrokenAuditRow(database.db), ids[2 + shift]);
    });

  it('verifies whatever details hold: times, nothing, numbers, nested things', async (t) => {
    const database = await sharedDb(t);
    await write(database, 'job:a', {
      at: new Date('2026-11-25T12:00:00Z'),
      none: undefined,
      list: [undefined, null, new Date(0)],
      z: { b: 1, a: { at: new Date(1) } },
    });
    await write(database, 'job:a', { big: 1e21, small: 5e-324, third: 1 / 3, zero: -0, nan: Number.NaN, text: 'ü😀"\\\n' });
    assert.equal(await firstBrokenAuditRow(database.db), undefined);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ stringUnit: 'grapheme' })), async (details) => {
        if (JSON.stringify(details).includes('\\u0000')) return;
        await write(database, 'job:b', details as Record<string, unknown>);
      }),
      { numRuns: 40 },
    );
    assert.equal(await firstBrokenAuditRow(database.db), undefined);
  });
});

describe('a delivery', () => {
  it('that comes 20 times at once has one effect, and everybody gets its reply', async (t) => {
    const database = await sharedDb(t);
    let effects = 0;
    const deliver = () =>
      once(database, 'envelope-1', async (tx) => {
        const n = ++effects;
        await tx.execute(sql`select pg_sleep(0.05)`);
        await record(tx, { actor: { origin: 'typed' }, action: 'done', subject: 'job:a' });
        return said(`reply ${n}`);
      });
    const replies = await Promise.all(Array.from({ length: 20 }, deliver));
    replies.push(await deliver());
    assert.equal(new Set(replies.map((reply) => reply.title)).size, 1);
    assert.equal((await auditOf(database.db, 'job:a')).length, 1);
  });

  it('whose effect failed leaves nothing behind, and may come again', async (t) => {
    const database = await sharedDb(t);
    await assert.rejects(
      once(database, 'e', async (tx) => {
        await record(tx, { actor: { origin: 'typed' }, action: 'done', subject: 'job:a' });
        throw new UserError('No.');
      }),
      UserError,
    );
    assert.equal((await auditOf(database.db, 'job:a')).length, 0);
    assert.equal((await once(database, 'e', async () => said('second'))).title, 'second');
  });

  it('is forgotten after two days', async (t) => {
    const database = await sharedDb(t);
    await once(database, 'e', async () => said('first'));
    await moveClock(database.db, 47 * 3_600_000);
    await forgetDeliveries(database.db);
    assert.equal((await once(database, 'e', async () => said('again'))).title, 'first');
    await moveClock(database.db, 2 * 3_600_000);
    await forgetDeliveries(database.db);
    assert.equal((await once(database, 'e', async () => said('again'))).title, 'again');
  });
});

describe('a sign-in link', () => {
  const link = (database: Database) => database.transaction((tx) => createSignInLink(tx, ann));

  it('is redeemed once, of 20 clicks at the same moment', async (t) => {
    const database = await sharedDb(t);
    const token = await link(database);
    assert.equal(await isSignInLinkValid(database.db, token), true);
    assert.equal(await isSignInLinkValid(database.db, token), true, 'a preview does not use it up');
    const tokens = await Promise.all(Array.from({ length: 20 }, () => redeemSignInLink(database, token)));
    const given = tokens.filter((session) => session !== undefined);
    assert.equal(given.length, 1);
    assert.equal(await isSignInLinkValid(database.db, token), false);
    assert.deepEqual((await findSession(database.db, given[0]!))?.person, ann);
  });

  it('is worth nothing after five minutes', async (t) => {
    const database = await sharedDb(t);
    const token = await link(database);
    await moveClock(database.db, 4 * 60_000);
    assert.equal(await isSignInLinkValid(database.db, token), true);
    await moveClock(database.db, 61_000);
    assert.equal(await isSignInLinkValid(database.db, token), false);
    assert.equal(await redeemSignInLink(database, token), undefined);
    assert.equal(await redeemSignInLink(database, 'made up'), undefined);
  });

  it('is stored as a hash only, and so is the session', async (t) => {
    const database = await sharedDb(t);
    const token = await link(database);
    const session = (await redeemSignInLink(database, token))!;
    const stored = JSON.stringify([await database.db.select().from(signInLinks), await database.db.select().from(sessions)]);
    assert.equal(stored.includes(token) || stored.includes(session), false);
  });
});

describe('a session', () => {
  it('lasts a working day, and ends when it is ended', async (t) => {
    const database = await sharedDb(t);
    const open = async () => (await redeemSignInLink(database, await database.transaction((tx) => createSignInLink(tx, ann))))!;
    const [one, two] = [await open(), await open()];
    const found = await findSession(database.db, one);
    assert.ok(found?.csrf);
    assert.notEqual(found.csrf, (await findSession(database.db, two))?.csrf);
    assert.equal(await findSession(database.db, found.csrf), undefined, 'the form token opens nothing');
    await endSession(database.db, two);
    assert.equal(await findSession(database.db, two), undefined);
    await moveClock(database.db, 9.9 * 3_600_000);
    assert.ok(await findSession(database.db, one));
    await forgetSessions(database.db);
    assert.ok(await findSession(database.db, one));
    await moveClock(database.db, 0.2 * 3_600_000);
    assert.equal(await findSession(database.db, one), undefined);
    await forgetSessions(database.db);
    assert.equal(await database.db.$count(sessions), 0);
  });
});

describe('people', () => {
  it('are replaced with their roles; the admins of the settings keep theirs', async (t) => {
    const { db, transaction } = await sharedDb(t);
    const put = (change: Partial<Parameters<typeof putPerson>[1]>) =>
      transaction((tx) => putPerson(tx, { ...ann, name: 'ann', memberships: [{ team: 'etl', role: 'engineer' }], ...change }));
    await put({});
    await put({
      memberships: [
        { team: 'etl', role: 'lead' },
        { team: 'ads', role: 'viewer' },
      ],
    });
    assert.deepEqual((await findPerson(db, ann))?.memberships.map((m) => `${m.team}:${m.role}`).sort(), ['ads:viewer', 'etl:lead']);
    await transaction((tx) => ensureAdmins(tx, [ann, { teamId: 'T1', userId: 'U2' }]));
    const person = await findPerson(db, ann);
    assert.deepEqual([person?.admin, person?.ref.name, person?.memberships.length], [true, 'ann', 2]);
    assert.equal((await findPerson(db, { teamId: 'T1', userId: 'U2' }))?.admin, true);
    assert.equal(await findPerson(db, { teamId: 'T2', userId: 'U1' }), undefined);
    assert.deepEqual(
      (await teamMembers(db, 'etl', 'lead')).map((p) => p.name),
      ['ann'],
    );
    await put({ active: false, memberships: [{ team: 'etl', role: 'lead' }] });
    assert.deepEqual(await teamMembers(db, 'etl', 'lead'), [], 'nobody waits for somebody who left');
    assert.equal((await listPeople(db)).length, 2);
  });
});

it('keeps the full error under its reference, without secrets, once', async (t) => {
  const { db } = await sharedDb(t);
  const error = new Error('refused', { cause: new Error('password=hunter2 at postgres://u:hunter2@db/x') });
  await reportError(db, 'err_1', 'operation op_1', error);
  await reportError(db, 'err_1', 'elsewhere', new Error('other'));
  const report = await findErrorReport(db, 'err_1');
  assert.equal(report?.where, 'operation op_1');
  assert.match(report?.text ?? '', /refused/);
  assert.doesNotMatch(report?.text ?? '', /hunter2/);
  assert.equal(await findErrorReport(db, 'err_2'), undefined);
});
