import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser, openPage } from '../helpers/browser.ts';
import { api, atEnd, type Ending, plain, section, startHttpPractice } from './rig.ts';

async function startPage(t: Ending, height = 500) {
  const rig = await startHttpPractice(t);
  const browser = await launchBrowser();
  atEnd(t, () => browser.close());
  const open = async (as: string) => (await openPage(browser, `${rig.practice.url}/?as=${as}&channel=C0ETL`, { height })).page;
  return { ...rig, page: await open('U0EMMA'), open };
}
const card = (text: string) => [
  section(text),
  {
    type: 'actions',
    block_id: 'a',
    elements: [
      { type: 'button', action_id: 'stop', text: plain('Cancel') },
      {
        type: 'overflow',
        action_id: 'more',
        options: [
          { text: plain('Logs'), value: 'l' },
          { text: plain('Plan'), value: 'p' },
        ],
      },
    ],
  },
];

test('live: a message that is edited every moment can be worked with: focus and open menus stay, no press is lost', async (t) => {
  const { practice, app, page, lena } = await startPage(t);
  const posted = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: card('step 0') });
  const edit = async (text: string) => {
    await api(practice, 'chat.update', { channel: 'C0ETL', ts: String(posted['ts']), text: 'x', blocks: card(text) });
  };
  const active = () => page.evaluate<string>('document.activeElement.textContent');
  await page.getByRole('button', { name: 'Cancel' }).focus();
  await edit('step 1');
  await page.getByText('step 1').waitFor();
  assert.equal(await active(), 'Cancel');
  await page.getByLabel('More').click();
  await edit('step 2');
  await lena.says('something else', { channel: 'etl' });
  await page.getByText('something else').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Plan' }).isVisible(), true);
  await page.keyboard.press('Escape');
  assert.equal(await page.getByRole('button', { name: 'Plan' }).isVisible(), false);
  await page.getByLabel('More').click();
  await page.locator('header').first().click();
  assert.equal(await page.getByRole('button', { name: 'Plan' }).isVisible(), false);

  const before = app.received.length;
  await page.getByRole('button', { name: 'Cancel' }).hover();
  await page.mouse.down();
  await edit('step 3');
  await edit('step 4');
  await page.mouse.up();
  await app.until(before + 1);
  assert.equal(JSON.parse(app.received.at(-1)?.form.get('payload') ?? '{}').actions[0].action_id, 'stop');
  await page.getByText('step 4').waitFor();
});

test('live: who reads further up stays there and is told of what is new; the newest stays in sight beside a panel', async (t) => {
  const { practice, page, lena } = await startPage(t);
  for (let i = 0; i < 30; i++) await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: `line ${i} ${'word '.repeat(30)}` });
  await page.getByText('line 29').waitFor();
  const newest = page.locator('main .newest');
  const inSight = (text: string) =>
    page
      .locator('main .msg', { hasText: text })
      .evaluate((node) => node.getBoundingClientRect().bottom <= (node.closest('.log')?.getBoundingClientRect().bottom ?? 0) + 1);
  assert.equal(await newest.isVisible(), false);
  await page.locator('main .msg', { hasText: 'line 29' }).hover();
  await page.getByRole('button', { name: 'Reply in thread' }).last().click();
  await page.locator('aside.thread').waitFor();
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  assert.equal(await inSight('line 29'), true);
  await page.evaluate(`document.querySelector('main .log').scrollTop = 0`);
  await newest.getByText('Newest').waitFor();
  await lena.says('fresh', { channel: 'etl' });
  await newest.getByText('New messages').waitFor();
  assert.equal(await page.evaluate(`document.querySelector('main .log').scrollTop`), 0);
  await newest.click();
  await newest.waitFor({ state: 'hidden' });
  assert.equal(await inSight('fresh'), true);
});

test('live: a link to a message leads there in this tab, as the same person, and into its thread', async (t) => {
  const { practice, open, lena } = await startPage(t);
  await lena.says('the root', { channel: 'flink-alerts' });
  const [root] = practice.messages('flink-alerts');
  await lena.says('the reply', { channel: 'flink-alerts', thread: String(root?.ts) });
  const reply = practice.messages('flink-alerts').at(-1);
  const link = await api(practice, 'chat.getPermalink', { channel: 'C0ALERTS', message_ts: reply?.ts });
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: `see <${String(link['permalink'])}|its message>` });
  const page = await open('U0LARS');
  await page.getByRole('link', { name: 'its message' }).click();
  await page.getByLabel('Message #flink-alerts').waitFor();
  await page.locator('aside.thread').getByText('the reply').waitFor();
  await page.getByTitle('You act as').getByText('Lars').waitFor();
});

test('live: a form that could not be closed in an outage can be closed after it; Ctrl and Enter send one from a long text', async (t) => {
  const { practice, app, page, people, emma } = await startPage(t, 800);
  const element = { type: 'plain_text_input', action_id: 'r', multiline: true };
  const input = { type: 'input', block_id: 'r', label: plain('Reason'), element };
  const view = { type: 'modal', title: plain('Restore'), submit: plain('Go'), blocks: [input] };
  const open = async () => {
    await emma.types('/flink x', { channel: 'etl' });
    await api(practice, 'views.open', { trigger_id: app.received.at(-1)?.form.get('trigger_id'), view });
    await page.getByLabel('Reason').fill('counts twice');
  };
  const gone = () => page.locator('dialog').waitFor({ state: 'detached' });
  await open();
  await people.control('faults', { outage: true });
  await page.keyboard.press('Escape');
  await page.getByText('Slack cannot be reached (outage).').waitFor();
  await people.control('faults', { outage: false });
  await page.keyboard.press('Escape');
  await gone();
  await open();
  await page.getByLabel('Reason').press('Control+Enter');
  await gone();
  assert.equal(JSON.parse(app.received.at(-1)?.form.get('payload') ?? '{}').view.state.values.r.r.value, 'counts twice');
});

test('live: a fault that is used up is off on the page too', async (t) => {
  const { practice, page } = await startPage(t, 800);
  await page.getByRole('button', { name: 'Inspector' }).click();
  await page.getByRole('tab', { name: 'Clock and faults' }).click();
  await page.getByRole('switch', { name: 'Lost answer' }).click();
  await page.getByRole('switch', { name: 'Lost answer', checked: true }).waitFor();
  await page.getByTitle('Faults that are on').getByText('1').waitFor();
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'x' }).catch(() => {});
  await page.getByRole('switch', { name: 'Lost answer', checked: false }).waitFor();
  assert.equal(await page.getByTitle('Faults that are on').count(), 0);
});

test('live: on a phone, where the channels are out of sight, a mark tells that something is unread; without any it is not there', async (t) => {
  const { practice, lena } = await startHttpPractice(t);
  const browser = await launchBrowser();
  atEnd(t, () => browser.close());
  const { page } = await openPage(browser, `${practice.url}/?as=U0EMMA&channel=C0ETL`, { width: 390 });
  await page.getByLabel('Message #etl').waitFor();
  const mark = () => page.evaluate<string>(`getComputedStyle(document.querySelector('.burger'), '::after').content`);
  assert.equal(await mark(), 'none');
  await lena.says('news', { channel: 'flink-alerts' });
  await page.waitForFunction('document.title.startsWith("(1)")');
  assert.notEqual(await mark(), 'none');
  await page.getByRole('button', { name: 'Channels' }).click();
  await page.getByRole('button', { name: 'flink-alerts' }).click();
  await page.getByText('news').waitFor();
  assert.equal(await mark(), 'none');
});
