import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { commands } from '../../src/commands/index.ts';
import type { Pickers } from '../../src/commands/picker.ts';
import { questionOf } from '../../src/commands/question.ts';
import { type Log, silentLog } from '../../src/core/log.ts';
import { actions, message, type PersonRef, text } from '../../src/core/message.ts';
import { validateView } from '../../src/practice/blocks/validate.ts';
import { connectPractice, type PracticeClient } from '../../src/practice/client.ts';
import { createPractice, type Practice } from '../../src/practice/server.ts';
import { createSlack } from '../../src/slack/app.ts';
import { buildManifest } from '../../src/slack/manifest.ts';
import { loadingModal, obstacleModal, pickerModal, pickerState, slackOptions } from '../../src/slack/picker-modal.ts';
import { createWorld, type World } from '../helpers/command-world.ts';

const tokens = { botToken: 'xoxb-practice', signingSecret: 'practice-secret', appToken: 'xapp-practice' };
interface Rig {
  w: World;
  practice: Practice;
  people: PracticeClient;
  /** Stands in for the lists. */
  lists: Partial<Pickers>;
  /** Happens to a request on its way, over HTTP. */
  onTheWay: (() => Promise<unknown>) | undefined;
  logged: string[];
}

/** The real commands and lists over a database, behind the real adapter, in the strict workspace. */
async function createRig(t: TestContext, transport: 'http' | 'socket'): Promise<Rig> {
  const w = await createWorld(t);
  const manifest = buildManifest({ transport, publicUrl: 'http://127.0.0.1', commands: [{ name: 'start', summary: 'Start' }] });
  const practice = await createPractice({ port: 0, ...tokens, transport, manifest, limits: 'off' });
  const lists: Partial<Pickers> = {};
  const logged: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields, message) => void logged.push(message), child: () => log };
  // The world's people are of another workspace than the practice one.
  const known = <P extends PersonRef>(person: P): P => ({ ...person, teamId: person.teamId === 'T0PRACTICE' ? 'T0TEAM' : person.teamId });
  const { pickers } = w;
  const slack = createSlack({
    botToken: tokens.botToken,
    ...(transport === 'http' ? { signingSecret: tokens.signingSecret } : { appToken: tokens.appToken }),
    apiUrl: practice.apiUrl,
    log,
    handle: (request) => w.handle({ ...request, person: known(request.person) }),
    pickers: {
      question: pickers.question,
      pointsIn: pickers.pointsIn,
      obstacle: (command, person) => (lists.obstacle ?? pickers.obstacle)(command, known(person)),
      jobs: (command, person, typed) => (lists.jobs ?? pickers.jobs)(command, known(person), typed),
      restorePoints: (command, job, person, typed) => (lists.restorePoints ?? pickers.restorePoints)(command, job, known(person), typed),
    },
  });
  const rig: Rig = { w, practice, people: connectPractice(practice.url), lists, logged: [], onTheWay: undefined };
  const server = createServer(async (request, response) => {
    await rig.onTheWay?.();
    await slack.route?.handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  practice.setRequestUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
  await slack.start();
  t.after(async () => {
    rig.people.close();
    await slack.stop();
    await practice.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return Object.assign(rig, { logged });
}
const texts = (options: object[]) => options.map((o) => (o as { text: { text: string } }).text.text);

for (const transport of ['http', 'socket'] as const) {
  test(`a command without its job, over ${transport}`, { timeout: 120_000 }, async (t) => {
    const rig = await createRig(t, transport);
    const { w, practice, people } = rig;
    const emma = people.as('emma');
    await w.run('customers');
    const run = await w.run('etl-orders');
    for (let i = 1; i <= 3; i++) await w.restorePoint('etl-orders', run, { ago: i * 600_000, path: `s3://lake/savepoints/savepoint-${i}` });

    await t.test('opens a form: type, pick, submit; the same operation as typing', async () => {
      const { ack, message } = await emma.types('/flink savepoint');
      assert.deepEqual([(ack as { ok: boolean }).ok, message], [true, undefined], 'the form is the answer');
      const modal = await emma.seesModal(/same as \/flink savepoint <job>/);
      assert.equal(modal.title, '/flink savepoint');
      assert.deepEqual(texts(await emma.options({ viewId: modal.id }, 'sluice_job', '')), ['customers', 'etl-orders']);
      const [only, ...others] = await emma.options({ viewId: modal.id }, 'sluice_job', 'CUST');
      assert.deepEqual([(only as { value: string }).value, others.length], ['customers', 0]);
      const answer = emma.sees(/^.*Accepted/s);
      const { errors } = await emma.fills({ Job: 'customers' });
      assert.deepEqual(errors, {});
      assert.equal((await answer).ephemeral, true);
      const op = await w.theOperation();
      assert.deepEqual(
        [op.kind, op.job, op.actor.userId, op.origin.kind, op.origin.channel],
        ['savepoint', 'customers', 'U0EMMA', 'typed', 'C0ETL'],
      );
    });

    await t.test('a refused command keeps the form open with the message; what was chosen stays', async () => {
      await emma.types('/flink stop');
      await emma.seesModal(/flink stop <job>/);
      await emma.fills({ Job: 'customers' });
      const again = await emma.seesModal(/customers is busy.*Or type `\/flink operation op_/s);
      assert.match(JSON.stringify(again.raw), /"initial_option":\{.{0,80}"value":"customers"/);
      // A question, too ("which one?", "did you mean"): not only bad news. What its buttons would type is said.
      await emma.closesModal();
      await emma.types('/flink use');
      await emma.seesModal(/flink use <job> <version>/);
      await emma.fills({ Job: 'etl-orders', 'The version, for example v3': 'v77' });
      await emma.seesModal(/etl-orders has no version v77/);
      await emma.fills({ 'The version, for example v3': 'v1' });
      await emma.sees(/etl-orders v1 is current/);
    });

    await t.test('a restore asks for the restore point of the chosen job, and the plan is that of its path', async () => {
      await emma.types('/flink restore');
      const modal = await emma.seesModal(/Choose the job first/);
      assert.doesNotMatch(modal.text, /sluice_point/);
      const [job] = await emma.options({ viewId: modal.id }, 'sluice_job', 'etl-o');
      await emma.clicksView(modal.id, 'sluice_job', job);
      const asked = await emma.seesModal(/sluice_point/);
      const points = await emma.options({ viewId: asked.id }, 'sluice_point', '');
      assert.equal(points.length, 3);
      assert.match(texts(points)[0] ?? '', /^savepoint, 10 min ago, 23 KB, mid-run, v1$/);
      const [second] = await emma.options({ viewId: asked.id }, 'sluice_point', 'savepoint-2');
      assert.equal((second as { description: { text: string } }).description.text, 's3://lake/savepoints/savepoint-2');
      await emma.fills({ 'Restore point': 'savepoint-2', 'Why?': 'wrong "prices"\nsince noon' });
      const answer = await emma.sees(/Asked for approval to restore etl-orders/);
      assert.equal(answer.ephemeral, true);
      const op = (await w.operations('etl-orders')).find((o) => o.kind === 'restore');
      assert.equal(op?.input['from'], 's3://lake/savepoints/savepoint-2');
      assert.match(JSON.stringify(await w.approval(op?.id ?? '')), /wrong 'prices'.{1,3}since noon/);
    });

    await t.test('submitted before the restore point could be asked for, the form asks for it', async () => {
      await emma.types('/flink restore --break-glass "all is down"');
      await emma.seesModal(/Choose the job first/);
      await emma.fills({ Job: 'customers' });
      const asked = await emma.seesModal(/sluice_point/);
      assert.match(JSON.stringify(asked.raw), /"initial_option":\{.{0,80}"value":"customers"/);
      assert.deepEqual(await emma.options({ viewId: asked.id }, 'sluice_point', ''), []);
      await emma.closesModal();
    });

    await t.test('the list of restore points lets one be searched and chosen', async () => {
      const list = await emma.says('/flink restore etl-orders');
      await emma.clicks(list, 'Choose one…');
      const modal = await emma.seesModal(/Restore etl-orders/);
      assert.deepEqual((await emma.options({ viewId: modal.id }, 'sluice_point', 'savepoint-3')).length, 1);
      await emma.fills({ 'Restore point': 'savepoint-3', 'Why? A lead reads this before deciding.': 'bad deploy' });
      await emma.sees(/Asked for approval to restore etl-orders/);
      const ops = (await w.operations('etl-orders')).filter((o) => o.kind === 'restore');
      assert.deepEqual(ops.map((o) => o.input['from']).sort(), ['s3://lake/savepoints/savepoint-2', 's3://lake/savepoints/savepoint-3']);
    });

    await t.test('somebody without rights is told so, and no list tells a name', async () => {
      const otto = people.as('otto');
      await otto.types('/flink start');
      const modal = await otto.seesModal(/You may not use start/);
      assert.equal(modal.raw['submit'], null);
      assert.doesNotMatch(JSON.stringify(modal.raw), /etl-orders|customers/);
      await otto.closesModal();
      // A form that was opened before the role was taken away.
      rig.lists.obstacle = async () => undefined;
      await otto.types('/flink start');
      const open = await otto.seesModal(/sluice_job/);
      delete rig.lists.obstacle;
      for (const typed of ['', 'etl', 'customers']) assert.deepEqual(await otto.options({ viewId: open.id }, 'sluice_job', typed), []);
      await otto.closesModal();
    });

    await t.test('while the state store does not answer, the form says why and the lists are empty at once', async () => {
      await emma.types('/flink start');
      const modal = await emma.seesModal(/sluice_job/);
      rig.lists.jobs = () => Promise.reject(new Error('the state store does not answer'));
      assert.deepEqual(await emma.options({ viewId: modal.id }, 'sluice_job', ''), []);
      assert.match(rig.logged.at(-1) ?? '', /options of a select could not be read/);
      rig.lists.jobs = () => new Promise(() => {});
      const asked = performance.now();
      assert.deepEqual(await emma.options({ viewId: modal.id }, 'sluice_job', 'e'), []);
      assert.ok(performance.now() - asked < 3000, 'late for Slack');
      assert.match(rig.logged.at(-1) ?? '', /options of a select took too long/);
      delete rig.lists.jobs;
      rig.lists.obstacle = async () => ({ tone: 'bad', title: 'The state store does not answer; nothing was started.', parts: [] });
      await emma.closesModal();
      await emma.types('/flink start');
      await emma.seesModal(/The state store does not answer/);
      delete rig.lists.obstacle;
      await emma.closesModal();
    });

    await t.test('where no form can be opened the usage is the answer, and its button opens the form', async () => {
      practice.faults({ serverErrorNext: 1 });
      const usage = await emma.says('/flink start --build');
      assert.match(usage.text, /start needs the name of a job.*Usage: \/flink start <job>/s);
      await emma.clicks(usage, 'Choose a job…');
      await emma.seesModal(/same as \/flink start <job> --build/);
      await emma.closesModal();
      const root = await emma.says('about the orders', { channel: 'etl' });
      await emma.says('@sluice stop', { channel: 'etl', thread: root.ts });
      const inThread = await emma.sees((m) => m.threadTs === root.ts && /stop needs the name of a job/.test(m.text), { channel: 'etl' });
      await emma.clicks(inThread, 'Choose a job…');
      await emma.seesModal(/flink stop <job>/);
      await emma.closesModal();
    });

    if (transport === 'http')
      await t.test('a trigger that was too old opens nothing: the usage again', async () => {
        rig.onTheWay = () => people.control('clock', { advanceMs: 4_000 });
        const usage = await emma.says('/flink history');
        rig.onTheWay = undefined;
        assert.match(usage.text, /history needs the name of a job/);
        assert.match(practice.journal().findLast((e) => e.what === 'views.open')?.status ?? '', /expired_trigger_id/);
      });

    await t.test('a command that comes twice opens one form and has no other answer', async () => {
      practice.faults({ deliverTimes: 2 });
      const before = (await emma.history('etl')).length;
      const opened = () => practice.journal().filter((e) => e.what === 'views.open').length;
      const openedBefore = opened();
      await emma.types('/flink build');
      const modal = await emma.seesModal(/flink build <job>/);
      practice.faults({ deliverTimes: 1 });
      assert.equal((await emma.options({ viewId: modal.id }, 'sluice_job', '')).length, 2);
      assert.equal((await emma.history('etl')).length, before);
      assert.equal(opened(), openedBefore + 1, 'its trigger is used once');
    });
  });
}

test('whatever the line, the forms are ones that Slack takes', () => {
  const asking = commands.filter((c) => c.arguments[0]?.kind === 'job' && c.arguments[0].required);
  const word = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.constantFrom('"', '\\', '<!channel>', 'x'.repeat(900), '"'.repeat(800)),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...asking),
      fc.array(word, { maxLength: 4 }),
      fc.string({ unit: 'grapheme', maxLength: 70 }),
      (command, words, job) => {
        const question = questionOf([command.name, ...words].join(' '), commands) ?? questionOf(command.name, commands);
        assert.ok(question);
        const origin = { channel: 'C0123456789', threadTs: '1700000000.000100', messageTs: '1700000000.000200', click: 'k'.repeat(200) };
        const state = { line: question.line, job: job.slice(0, 75), origin };
        const why = message('bad', `No ${job}`, text(words.join(' ')), actions({ label: 'List the jobs', command: 'list' }));
        const views = [loadingModal(question, state), pickerModal(question, state), obstacleModal(question, state, why)];
        for (const view of views) assert.deepEqual(validateView(view as never).problems, []);
        assert.deepEqual(pickerState(views[1]?.private_metadata ?? ''), state);
        assert.equal(questionOf(state.line, commands)?.command, command, 'and can be read back');
      },
    ),
  );
});

test('any list becomes what Slack takes: a hundred options, 75 characters, cut at grapheme borders, values whole or left out', () => {
  const any = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 100 }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('👩‍👩‍👧‍👦'.repeat(12), 'x'.repeat(75), 'x'.repeat(76), '<!channel>', 'a\u202eb', '\ud83d', ' ', ''),
  );
  fc.assert(
    fc.property(fc.array(fc.record({ label: any, description: any, value: any }), { maxLength: 130 }), (choices) => {
      const options = slackOptions(choices);
      assert.ok(options.length <= 100);
      const values = new Set(choices.map((c) => c.value));
      for (const { text, description, value } of options) {
        assert.ok(values.has(value) && value.length >= 1 && value.length <= 75);
        for (const part of [text.text, ...(description ? [description.text] : [])]) {
          assert.ok(part.trim().length >= 1 && part.length <= 75 && part.isWellFormed());
          assert.ok(!/\u200d…$/.test(part), 'cut inside a family');
        }
      }
    }),
  );
});
