import assert from 'node:assert/strict';
import { test } from 'node:test';
import chromium from '@sparticuz/chromium';
import { chromium as browsers } from 'playwright-core';
import { api, atEnd, plain, section, startBareApp, startPractice } from './rig.ts';

test('the page: two tabs act as two people, blocks and a modal are drawn, a live edit appears, nothing is refused by its policy', async (t) => {
  const practice = await startPractice(t, { limits: 'off' });
  const app = await startBareApp(t, practice);
  const browser = await browsers.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run'],
  });
  atEnd(t, () => browser.close());
  const faults: string[] = [];
  const open = async (as: string) => {
    const page = await browser.newPage({ viewport: { width: 1100, height: 800 } });
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(`${practice.url}/?as=${as}&channel=C0ETL`);
    return page;
  };
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
  assert.deepEqual(faults, []);
});
