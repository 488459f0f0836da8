import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { commands } from '../../src/commands/index.ts';
import type { HandleCommand } from '../../src/commands/request.ts';
import { createRouter } from '../../src/commands/router.ts';
import type { CommandServices } from '../../src/commands/spec.ts';
import { silentLog } from '../../src/core/log.ts';
import { type Action, actions, message } from '../../src/core/message.ts';
import { openDb } from '../../src/db/db.ts';
import { incidents } from '../../src/db/schema/index.ts';
import { openIncident } from '../../src/incidents/open.ts';
import { addVersion } from '../../src/jobs/jobs.store.ts';
import { expireWaiting } from '../../src/operations/expire.ts';
import type { SeenMessage } from '../../src/practice/client.ts';
import { defaultSeed } from '../../src/practice/server.ts';
import { createWorld, definition, emma, hour, type World } from '../helpers/command-world.ts';
import { type PracticeRig, startPracticeRig } from './practice-rig.ts';

const stranger = { id: 'U0SVEN', name: 'sven', realName: 'Sven of another workspace', otherTeamId: 'T0OTHER' };
const seed = {
  ...defaultSeed,
  people: [...defaultSeed.people, stranger],
  channels: defaultSeed.channels.map((c) => (c.id === 'C0ETL' ? { ...c, members: [...c.members, stranger.id] } : c)),
};

interface Ids {
  /** A restore that waits for a lead, asked by emma. */
  waiting: string;
  incident: string;
}
/** One button of each command that any message of Sluice carries a button of. */
const buttons: Record<string, (ids: Ids) => Action> = {
  help: () => ({ label: 'Go', command: 'help' }),
  list: () => ({ label: 'Go', command: 'list' }),
  status: () => ({ label: 'Go', command: 'status etl-orders' }),
  operations: () => ({ label: 'Go', command: 'operations' }),
  operation: ({ waiting }) => ({ label: 'Go', command: `operation ${waiting}` }),
  logs: () => ({ label: 'Go', command: 'logs etl-orders' }),
  build: () => ({ label: 'Go', command: 'build etl-orders' }),
  start: () => ({ label: 'Go', command: 'start etl-orders' }),
  stop: () => ({ label: 'Go', command: 'stop etl-orders' }),
  restart: () => ({ label: 'Go', command: 'restart etl-orders --version v2' }),
  savepoint: () => ({ label: 'Go', command: 'savepoint etl-orders' }),
  restore: () => ({ label: 'Go', command: 'restore etl-orders' }),
  use: () => ({ label: 'Go', command: 'use etl-orders v1' }),
  cancel: ({ waiting }) => ({ label: 'Go', command: `cancel etl-orders --operation ${waiting}` }),
  retry: ({ waiting }) => ({ label: 'Go', command: `retry ${waiting}` }),
  review: ({ waiting }) => ({ label: 'Go', command: `review ${waiting}` }),
  approve: ({ waiting }) => ({ label: 'Go', command: `approve ${waiting}` }),
  reject: ({ waiting }) => ({
    label: 'Go',
    command: `reject ${waiting} --reason {input}`,
    input: { title: 'Reject', label: 'Reason', multiline: true },
  }),
  acknowledge: ({ incident }) => ({ label: 'Go', command: `acknowledge ${incident}` }),
  unacknowledge: ({ incident }) => ({ label: 'Go', command: `unacknowledge ${incident}` }),
  'resume-all': ({ incident }) => ({ label: 'Go', command: `resume-all ${incident}` }),
  silence: () => ({ label: 'Go', command: 'silence etl-orders 1h "kafka upgrade"' }),
  channel: () => ({ label: 'Go', command: 'channel test pager' }),
  unsilence: () => ({ label: 'Go', command: 'unsilence etl-orders' }),
  digest: () => ({ label: 'Go', command: 'digest handover data' }),
  pin: () => ({ label: 'Go', command: 'pin etl-orders savepoint-5ae2f1-04c2' }),
  unpin: () => ({ label: 'Go', command: 'unpin etl-orders savepoint-5ae2f1-04c2' }),
};

/** Every verb that a button is made with anywhere in the code. */
function verbsOfButtons(): string[] {
  const folder = new URL('../../src/', import.meta.url);
  const verbs = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/^(commands|incidents|operations|watch|restore-points|slack)\/.*\.ts$/.test(file)) continue;
    const code = readFileSync(new URL(file, folder), 'utf8');
    for (const [, verb = ''] of code.matchAll(/(?:\bcommand: |commandButton\((?:[^()]|\([^()]*\))*?, )[`']([a-z]+(?:-[a-z]+)*)(?=[ `'])/g))
      if (commands.some((c) => c.name === verb)) verbs.add(verb);
  }
  return [...verbs].sort();
}

interface Clicks extends Ids {
  world: World;
  rig: PracticeRig;
  /** From now on the state store is gone. */
  storeIsDown: { is: boolean };
  /** A message with one button; pressed by somebody, and what that person is told in the end (in the form, if one was opened). */
  press(who: string, action: Action): Promise<{ text: string; buttons: string[]; ephemeral: boolean }>;
  posted(action: Action): Promise<SeenMessage>;
}

/** The real router on a real database behind Slack's adapter in the practice workspace. */
async function startClicks(t: TestContext): Promise<Clicks> {
  const world = await createWorld(t);
  const run = await world.run('etl-orders');
  const point = await world.restorePoint('etl-orders', run);
  const gone = openDb({ log: silentLog, connection: { host: '/nonexistent', user: 'sluice', database: 'sluice' } });
  t.after(() => gone.close());
  const dead = createRouter({ database: gone, log: silentLog, wake() {} } as unknown as CommandServices, commands);
  const storeIsDown = { is: false };
  const handle: HandleCommand = (request) => {
    const { person } = request;
    const teamId = person.teamId === seed.team.id ? emma.teamId : person.teamId;
    return (storeIsDown.is ? dead : world.handle)({ ...request, person: { ...person, teamId } });
  };
  const rig = await startPracticeRig('http', {}, { seed });
  rig.handle = handle;
  t.after(() => rig.close());
  await world.say(emma, `restore etl-orders --from ${point} --reason "bad prices since monday"`);
  const waiting = (await world.theOperation()).id;
  await world.database.transaction((tx) =>
    openIncident(tx, {
      key: 'job:etl-orders:failed',
      job: 'etl-orders',
      cluster: 'standalone',
      cause: 'failed',
      title: 'etl-orders failed',
      facts: {},
      runId: undefined,
      channel: 'C0ALERTS',
      fallbackChannels: [],
    }),
  );
  const incident = (await world.database.db.select().from(incidents))[0]?.id ?? '';
  let n = 0;
  const posted = async (action: Action) => {
    const title = `Message ${++n}.`;
    const sent = await rig.slack.sender.post({
      outboxId: `msg_${n}`,
      channel: 'C0ETL',
      threadTs: undefined,
      message: message('neutral', title, actions(action)),
    });
    assert.equal(sent.is, 'sent');
    return rig.people.as('emma').sees(title, { channel: 'etl', since: 'start' });
  };
  return {
    world,
    rig,
    storeIsDown,
    waiting,
    incident,
    posted,
    async press(who, action) {
      const person = rig.people.as(who);
      const shown = await posted(action);
      if (action.input) {
        await person.clicks(shown, 'Go');
        await person.seesModal(/Reason/);
        const answer = person.sees((m) => m.ephemeral || m.channel.startsWith('D'), { timeoutMs: 3000 }).catch(() => undefined);
        await person.fills({ Reason: 'no, the prices are right' });
        const modal = await Promise.race([answer, person.seesModal(/refused-/, { timeoutMs: 3000 }).catch(() => undefined)]);
        if (modal && 'title' in modal) {
          await person.closesModal();
          return { text: plain(modal.text), buttons: [], ephemeral: true };
        }
        const told = await answer;
        assert.ok(told, `nothing was answered to ${action.command}`);
        return { text: told.text, buttons: told.buttons.map((b) => b.text), ephemeral: true };
      }
      let told = await person.clicksFor(shown, 'Go');
      const { origin } = told.raw;
      if (/^⏳ Looking/.test(told.text))
        told = await person.sees((m) => m.raw.origin === origin && !/^⏳ Looking/.test(m.text), { since: 'start' });
      return { text: told.text, buttons: told.buttons.map((b) => b.text), ephemeral: told.ephemeral };
    },
  };
}
/** The words of a modal's blocks. */
const plain = (json: string) => [...json.matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)].map((m) => m[1]).join('\n');

/** A sentence that says what is so, and what to do next: a hint, a command, or buttons. */
function saysMore(what: string, told: { text: string; buttons: string[] }): void {
  const lines = told.text.split('\n').filter((line) => line.trim() !== '');
  assert.doesNotMatch(told.text, /inside Sluice|undefined|\bat .*\.ts:/, what);
  assert.match(lines[0] ?? '', /\w.{8,}/, what);
  assert.ok(lines.length > 1 || told.buttons.length > 0, `${what}: no next step in "${told.text}"`);
}

test('the table below has every button that Sluice ever sends', () => {
  assert.deepEqual(
    verbsOfButtons().filter((verb) => !buttons[verb]),
    [],
  );
});

test('whoever may not is told so, whatever the button: without a role, and from another workspace', { timeout: 120_000 }, async (t) => {
  const c = await startClicks(t);
  const before = await c.world.operations();
  for (const [verb, of] of Object.entries(buttons)) {
    for (const who of ['otto', 'sven']) {
      const told = await c.press(who, of(c));
      assert.equal(told.ephemeral, true, `${verb} by ${who}`);
      saysMore(`${verb} by ${who}`, told);
      if (verb !== 'help')
        assert.match(told.text, /You may not|needs|does not know you|Only a lead|There is no|Nothing/, `${verb} by ${who}`);
    }
  }
  assert.deepEqual(await c.world.operations(), before, 'nothing was done');
});

test('without the state store every button is answered with what to do', { timeout: 120_000 }, async (t) => {
  const c = await startClicks(t);
  c.storeIsDown.is = true;
  for (const [verb, of] of Object.entries(buttons)) {
    const told = await c.press('emma', of(c));
    assert.match(told.text, /The state store does not answer; nothing was started\.[\s\S]*Try again in a minute/, verb);
  }
});

test('the same click delivered three times is answered once; the same button pressed again is answered again', {
  timeout: 120_000,
}, async (t) => {
  const c = await startClicks(t);
  for (const [verb, of] of Object.entries(buttons).filter(([, make]) => !make(c).input)) {
    const shown = await c.posted(of(c));
    const lena = c.rig.people.as('lena');
    for (let press = 1; press <= 2; press++) {
      c.rig.practice.faults({ deliverTimes: 3 });
      const told = await lena.clicksFor(shown, 'Go');
      c.rig.practice.faults({ deliverTimes: 1 });
      const { origin } = told.raw;
      if (/^⏳ Looking/.test(told.text)) await lena.sees((m) => m.raw.origin === origin && !/^⏳ Looking/.test(m.text), { since: 'start' });
      await lena.says('/flink help', { channel: 'etl' });
      const answers = (await lena.history('etl')).filter((m) => m.raw.origin === origin && !/^⏳ Looking/.test(m.text));
      assert.equal(answers.length, 1, `${verb}, press ${press}: ${answers.map((m) => m.text).join(' | ')}`);
    }
  }
});

test('decided already: it is said by whom', { timeout: 60_000 }, async (t) => {
  const c = await startClicks(t);
  assert.match((await c.press('lars', buttons['approve']!(c))).text, /Approved/);
  for (const verb of ['approve', 'reject']) {
    const told = await c.press('lena', buttons[verb]!(c));
    assert.match(told.text, /decided already: approved by lars/i, verb);
    saysMore(verb, told);
  }
  assert.match((await c.press('omar', buttons['acknowledge']!(c))).text, /You look after/);
  const told = await c.press('emma', buttons['acknowledge']!(c));
  assert.match(told.text, /omar looks after it already/i);
  saysMore('acknowledge', told);
});

test('one’s own plan: another lead has to decide it, and it is said how to take it back', async (t) => {
  const c = await startClicks(t);
  for (const verb of ['approve', 'reject']) {
    const told = await c.press('emma', buttons[verb]!(c));
    assert.match(told.text, /You asked for this yourself/, verb);
    saysMore(verb, told);
  }
});

test('expired or taken back: it is said, and what to do', { timeout: 60_000 }, async (t) => {
  const c = await startClicks(t);
  await c.world.moveClock(2 * hour);
  await expireWaiting(c.world.database);
  for (const verb of ['approve', 'reject']) {
    const told = await c.press('lena', buttons[verb]!(c));
    assert.match(told.text, /Its time is over/, verb);
    saysMore(verb, told);
  }
  for (const verb of ['cancel', 'retry', 'review']) saysMore(verb, await c.press('lena', buttons[verb]!(c)));
});

test('the world changed: the plan is not done, and it is said what to do', { timeout: 60_000 }, async (t) => {
  const c = await startClicks(t);
  await c.world.database.transaction((tx) =>
    addVersion(tx, 'etl-orders', { definition: { ...definition, parallelism: 7 }, origin: 'set', note: 'parallelism', createdBy: emma }),
  );
  const told = await c.press('lena', buttons['approve']!(c));
  assert.match(told.text, /Not done: the world changed/);
  saysMore('approve', told);
});

test('the job, the operation or the incident is gone, or over: it is said, and what to do', { timeout: 60_000 }, async (t) => {
  const c = await startClicks(t);
  const gone = { waiting: 'op_000000000000', incident: 'inc_000000000000' };
  for (const [verb, of] of Object.entries(buttons)) {
    const action = of(gone);
    const command = (action.command ?? '').replace('etl-orders', 'etl-ordrs');
    if (['help', 'list', 'operations', 'digest'].includes(verb)) continue;
    const told = await c.press('lena', { ...action, command });
    saysMore(command, told);
    assert.match(told.text, /There is no|Nothing|not in progress|No /i, command);
  }
});
