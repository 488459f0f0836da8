import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Practice } from '../../src/practice/server.ts';
import { launchBrowser, openPage } from '../helpers/browser.ts';
import { api, atEnd, type Ending, plain, section, startBareApp, startHttpPractice, startPractice } from './rig.ts';

/** Pages of the workspace, and all that their consoles and policies complained of. */
async function startBrowser(t: Ending, practice: Practice) {
  const browser = await launchBrowser();
  atEnd(t, () => browser.close());
  const faults: string[][] = [];
  const open = async (as: string, options: Parameters<typeof openPage>[2] = {}) => {
    const { page, complaints } = await openPage(browser, `${practice.url}/?as=${as}&channel=C0ETL`, { height: 800, ...options });
    faults.push(complaints);
    return page;
  };
  return { open, faults: () => faults.flat() };
}

test('the page: two tabs act as two people, blocks and a modal are drawn, a live edit appears, nothing is refused by its policy', async (t) => {
  const practice = await startPractice(t, { limits: 'off' });
  const app = await startBareApp(t, practice);
  const { open, faults } = await startBrowser(t, practice);
  const emma = await open('U0EMMA');
  const box = emma.getByLabel('Message #etl');
  await box.fill('/fl');
  await emma.getByRole('option', { name: '/flink' }).waitFor();
  await box.fill('/flink start <b>x</b>');
  await box.press('Enter');
  await app.until(1);
  assert.equal(app.received[0]?.form.get('user_id'), 'U0EMMA');
  await box.press('ArrowUp');
  assert.equal(await box.inputValue(), '/flink start <b>x</b>');

  const blocks = (text: string) => [
    { type: 'header', text: plain('etl-orders') },
    section(`*${text}* for <@U0LENA> &lt;b&gt;`),
    {
      type: 'actions',
      elements: [
        {
          type: 'button',
          action_id: 'go',
          text: plain('Approve'),
          style: 'primary',
          confirm: { title: plain('Sure?'), text: plain('It goes back.'), confirm: plain('Yes'), deny: plain('No') },
        },
      ],
    },
  ];
  const posted = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: blocks('queued') });
  await emma.getByText('queued').waitFor();
  const lena = await open('U0LENA');
  await lena.getByText('queued').waitFor();
  await api(practice, 'chat.update', { channel: 'C0ETL', ts: String(posted['ts']), text: 'x', blocks: blocks('running') });
  await lena.getByText('running').waitFor();
  await lena.getByText('(edited)').waitFor();
  assert.equal(await lena.locator('.mention.mine').textContent(), '@lena');
  assert.match((await lena.locator('.section-text').textContent()) ?? '', /<b>/);

  await lena.getByRole('button', { name: 'Approve' }).click();
  await lena.getByRole('button', { name: 'Yes' }).click();
  await app.until(2);
  const click = JSON.parse(app.received[1]?.form.get('payload') ?? '{}');
  assert.equal(click.user.id, 'U0LENA');
  const view = {
    type: 'modal',
    title: plain('Why'),
    submit: plain('Send it'),
    blocks: [{ type: 'input', block_id: 'r', label: plain('Reason'), element: { type: 'plain_text_input', action_id: 't' } }],
  };
  await api(practice, 'views.open', { trigger_id: click.trigger_id, view });
  await lena.getByRole('button', { name: 'Send it' }).click();
  await lena.getByText('Please complete this required field.').waitFor();
  await lena.getByLabel('Reason').fill('bad deploy');
  await lena.getByRole('button', { name: 'Send it' }).click();
  await app.until(3);
  const submission = JSON.parse(app.received[2]?.form.get('payload') ?? '{}');
  assert.equal(submission.view.state.values.r.t.value, 'bad deploy');
  await lena.locator('dialog').waitFor({ state: 'detached' });

  await api(practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0LENA', text: 'psst' });
  await lena.getByText('Only visible to you').waitFor();
  assert.equal(await emma.getByText('psst').count(), 0);
  assert.deepEqual(faults(), []);
});

test('the page: people are suggested behind an at-sign, what is new is marked, the keyboard moves between channels', async (t) => {
  const { practice, emma, lena: typist } = await startHttpPractice(t);
  const { open, faults } = await startBrowser(t, practice);
  await typist.says('read already', { channel: 'etl' });
  const page = await open('U0EMMA');
  await page.getByText('read already').waitFor();
  const box = page.getByLabel('Message #etl');
  await box.pressSequentially('ask @l');
  assert.deepEqual(await page.getByRole('option').allTextContents(), [
    '@lena Lena Brandt',
    '@lars Lars Nyberg',
    '@flink-leads Flink leads',
  ]);
  await box.press('ArrowDown');
  await box.press('Enter');
  assert.equal(await box.inputValue(), 'ask @lars ');
  await box.press('Enter');
  await page.locator('.mention', { hasText: '@lars' }).waitFor();
  assert.equal((await emma.history('etl')).at(-1)?.raw.text, 'ask <@U0LARS>');

  await page.keyboard.press('Alt+ArrowDown');
  await page.getByLabel('Message #flink-alerts').waitFor();
  await typist.says('fresh news', { channel: 'etl' });
  await page.getByLabel('1 unread').waitFor();
  assert.match(await page.title(), /^\(1\)/);
  await page.keyboard.press('Alt+ArrowUp');
  const log = page.locator('main .log');
  await log.getByText('fresh news').waitFor();
  assert.match((await log.textContent()) ?? '', /ask @lars[\s\S]*New[\s\S]*fresh news/);

  await page.locator('.msg', { hasText: 'fresh news' }).hover();
  await page.getByRole('button', { name: 'Reply in thread' }).last().click();
  await page.getByLabel('Reply…').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('aside.thread').waitFor({ state: 'detached' });
  assert.deepEqual(faults(), []);
});

test('the page: the inspector shows what Slack refuses and why, switches faults on, and moves the clock; on a phone too', async (t) => {
  const { practice } = await startHttpPractice(t);
  const { open, faults } = await startBrowser(t, practice);
  const page = await open('U0EMMA', { width: 390, dark: true });
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: [section('')] });
  await page.getByRole('button', { name: 'Channels' }).click();
  await page.getByRole('button', { name: 'Inspector' }).click();
  const entry = page.locator('.entry.refused');
  await entry.locator('summary').click();
  assert.match(
    (await entry.textContent()) ?? '',
    /Slack refuses this: invalid_blocks\.[\s\S]*must be more than 0 characters \[json-pointer:\/blocks\/0\/text\/text\]/,
  );

  await page.getByRole('tab', { name: 'Clock and faults' }).click();
  for (const name of [
    'Rate limit',
    'Server errors',
    'Lost answer',
    'Slow acknowledgement',
    'Slow answers',
    'Duplicates',
    'Wrong order',
    'Revoked token',
  ])
    await page.getByRole('switch', { name }).click();
  await page.getByRole('switch', { name: 'Outage', checked: false }).waitFor();
  await page.getByRole('switch', { name: 'Revoked token', checked: true }).waitFor();
  const state = (await (await fetch(`${practice.url}/practice/state?as=emma`)).json()) as { faults: object };
  assert.deepEqual(state.faults, {
    deliverTimes: 3,
    reorderNext: 1,
    slowAckMs: 4000,
    rateLimitNext: 3,
    rateLimitMethod: 'chat.postMessage',
    retryAfterS: 2,
    dropAfterAcceptNext: 1,
    dropMethod: 'chat.postMessage',
    serverErrorNext: 3,
    serverErrorStatus: 503,
    slowAnswerMs: 2000,
    outage: false,
    tokenRevoked: true,
  });
  await page.getByRole('button', { name: '+31 min' }).click();
  await page.getByText('31 min ahead').waitFor();
  await page.getByRole('button', { name: 'Kick the bot' }).click();
  await page.getByRole('button', { name: 'Invite the bot' }).waitFor();
  await page.getByRole('button', { name: 'Archive', exact: true }).click();
  await page.getByRole('button', { name: 'Unarchive' }).waitFor();
  assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
  assert.deepEqual(faults(), []);
});

test('the page: a form names its fields by their labels and goes to the first that is wrong', async (t) => {
  const { practice, app, emma } = await startHttpPractice(t);
  const { open, faults } = await startBrowser(t, practice);
  const page = await open('U0EMMA');
  await emma.types('/flink x', { channel: 'etl' });
  const input = (id: string, label: string, element: object) => ({ type: 'input', block_id: id, label: plain(label), element });
  const view = {
    type: 'modal',
    title: plain('Restore'),
    submit: plain('Go'),
    blocks: [
      input('p', 'Restore point', { type: 'static_select', action_id: 'p', options: [{ text: plain('savepoint-1'), value: '0' }] }),
      input('r', 'Reason', { type: 'plain_text_input', action_id: 'r' }),
    ],
  };
  await api(practice, 'views.open', { trigger_id: app.received[0]?.form.get('trigger_id'), view });
  await page.getByRole('button', { name: 'Go' }).click();
  await page.getByText('Please complete this required field.').first().waitFor();
  assert.equal(await page.evaluate('document.activeElement.dataset.block'), 'p');
  await page.getByLabel('Restore point').selectOption('savepoint-1');
  await page.getByLabel('Reason').fill('counts twice');
  await page.getByRole('button', { name: 'Go' }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  const { view: sent } = JSON.parse(app.received[1]?.form.get('payload') ?? '{}');
  assert.deepEqual([sent.state.values.p.p.selected_option.value, sent.state.values.r.r.value], ['0', 'counts twice']);
  assert.deepEqual(faults(), []);
});
