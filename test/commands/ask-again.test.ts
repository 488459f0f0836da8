import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commands } from '../../src/commands/index.ts';
import { parseCommand } from '../../src/commands/parse.ts';
import { askAgain } from '../../src/operations/ask-again.ts';
import { expireWaiting } from '../../src/operations/expire.ts';
import { fillCommand } from '../../src/web/fill-command.ts';
import { createWorld, emma, hour } from '../helpers/command-world.ts';

describe('asking again', () => {
  const table: [kind: string, input: Record<string, unknown>, options: Record<string, unknown>][] = [
    ['stop', { noSavepoint: true }, { 'no-savepoint': true }],
    ['start', { fresh: true, version: 3 }, { fresh: true, version: 'v3' }],
    ['start', { fresh: true, build: true, branch: 'fix late orders' }, { fresh: true, build: true, branch: 'fix late orders' }],
    ['restart', { noSavepoint: true, version: 'current' }, { 'no-savepoint': true, version: 'current' }],
    ['restart', { noSavepoint: true, build: true }, { 'no-savepoint': true, build: true }],
    ['restore', { from: '/data/my savepoints/sp-1', version: 2, pointId: 'rp_1' }, { from: '/data/my savepoints/sp-1', version: 'v2' }],
  ];
  for (const [kind, input, options] of table)
    it(`for ${kind} ${JSON.stringify(input)} keeps all of it, and asks why`, () => {
      const action = askAgain({ kind, job: 'etl-orders', input: { right: 'rewind', reason: 'old', ...input } });
      assert.equal(action.input?.title, 'Why?');
      const line = fillCommand(action.command ?? '', { input: 'it still burns', choice: '', multiline: false });
      const parsed = parseCommand(line, commands);
      assert.ok(parsed.is === 'command');
      assert.equal(parsed.command.name, kind);
      assert.equal(parsed.args.values['job'], 'etl-orders');
      assert.deepEqual({ ...parsed.args.options }, { ...options, reason: 'it still burns' });
    });

  for (const [kind, input, line] of [
    ['build', { build: true, branch: 'fix' }, 'build etl-orders --branch fix'],
    ['savepoint', {}, 'savepoint etl-orders'],
  ] as const)
    it(`for ${kind} needs no reason`, () => {
      const action = askAgain({ kind, job: 'etl-orders', input });
      assert.deepEqual([action.command, action.input], [line, undefined]);
      assert.equal(parseCommand(line, commands).is, 'command');
    });

  it('after an expired stop without savepoint waits for a lead again', async (t) => {
    const w = await createWorld(t);
    await w.run('etl-orders');
    await w.say(emma, 'stop etl-orders --no-savepoint --reason "storage is down"');
    const { id } = await w.theOperation();
    await w.moveClock(hour + 1000);
    await expireWaiting(w.database);
    await expireWaiting(w.database);
    const told = await w.posted(`decided:${id}`);
    assert.deepEqual([told.channel, told.version], [emma.userId, 1], 'who asked is told once, by direct message');
    assert.match(told.text, /^Your stop of etl-orders expired without a decision; nothing was done\n/);
    const command = told.button('Ask again');
    assert.equal((await w.posted(`operation:${id}`)).button('Ask again'), command);
    await w.say(emma, fillCommand(command, { input: 'still down', choice: '', multiline: false }));
    const again = (await w.operations()).find((op) => op.id !== id);
    assert.deepEqual([again?.kind, again?.state, again?.input['noSavepoint']], ['stop', 'waiting', true]);
  });
});
