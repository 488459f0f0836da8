import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import WebSocket from 'ws';
import { launchBrowser } from '../helpers/browser.ts';
import { api, atEnd, type Ending, fourChannels, plain, section, startHttpPractice, startPractice } from './rig.ts';

/** Tabs of one browser, as a person has them: they share its connections and its storage. */
async function startTabs(t: Ending) {
  const browser = await launchBrowser();
  atEnd(t, () => browser.close());
  const window = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  return async (url: string): Promise<Page> => {
    const page = await window.newPage();
    await page.goto(url);
    return page;
  };
}

test('tabs: eight of one browser, each of them somebody, and every one of them can still act', async (t) => {
  const { practice } = await startHttpPractice(t);
  const open = await startTabs(t);
  const people = ['EMMA', 'ERIK', 'LENA', 'LARS', 'OMAR', 'OTTO', 'EMMA', 'LENA'];
  const tabs: Page[] = [];
  for (const name of people) {
    const tab = await open(`${practice.url}/?as=U0${name}&channel=C0ETL`);
    await tab.getByLabel('Message #etl').waitFor();
    tabs.push(tab);
  }
  for (const [i, tab] of tabs.entries()) {
    await tab.getByLabel('Message #etl').fill(`line ${i}`);
    await tab.getByLabel('Message #etl').press('Enter');
  }
  for (const tab of tabs) for (const i of tabs.keys()) await tab.getByText(`line ${i}`, { exact: true }).waitFor();
  assert.deepEqual(
    practice.messages('etl').map((m) => m.user),
    people.map((name) => `U0${name}`),
  );
});

test('tabs: nothing is lost by a reload: place, thread, form and what is typed in it, what was typed and not sent, what was read', async (t) => {
  const { practice, app, emma, lena } = await startHttpPractice(t);
  const open = await startTabs(t);
  await lena.says('the root', { channel: 'etl' });
  const root = practice.messages('etl')[0]?.ts;
  await lena.says('the reply', { channel: 'etl', thread: String(root) });
  await api(practice, 'chat.postEphemeral', { channel: 'C0ETL', user: 'U0EMMA', text: 'for emma only' });
  await lena.says('unread', { channel: 'flink-alerts' });
  const page = await open(`${practice.url}/?as=U0EMMA&channel=C0ETL`);
  await page.getByRole('button', { name: '1 reply' }).click();
  await page.getByLabel('Reply…').fill('half a thought');
  await emma.types('/flink x', { channel: 'etl' });
  const input = { type: 'input', block_id: 'r', label: plain('Reason'), element: { type: 'plain_text_input', action_id: 'r' } };
  const view = { type: 'modal', title: plain('Restore'), submit: plain('Go'), blocks: [section('Think.'), input] };
  await api(practice, 'views.open', { trigger_id: app.received[0]?.form.get('trigger_id'), view });
  await page.getByLabel('Reason').fill('counts twice');

  await page.reload();
  assert.equal(await page.getByLabel('Reason').inputValue(), 'counts twice');
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await page.locator('aside.thread').getByText('the reply').waitFor();
  assert.equal(await page.getByLabel('Reply…').inputValue(), 'half a thought');
  await page.locator('main').getByText('for emma only').waitFor();
  await page.getByLabel('1 unread').waitFor();
  assert.match(await page.title(), /^\(1\) #etl · Emma/);
});

test('tabs: a new one begins as who was acted as last; somebody who is not here becomes somebody who is', async (t) => {
  const practice = await startPractice(t, { workspace: fourChannels });
  const open = await startTabs(t);
  const first = await open(practice.url);
  await first.getByTitle('You act as').getByText('Ann').waitFor();
  const stranger = await open(`${practice.url}/?as=U0NOBODY`);
  await stranger.getByTitle('You act as').getByText('Ann').waitFor();

  const { practice: other } = await startHttpPractice(t);
  await (await open(`${other.url}/?as=U0LENA`)).getByLabel('Message #etl').waitFor();
  const again = await open(other.url);
  await again.getByTitle('You act as').getByText('Lena').waitFor();
});

test('tabs: when the workspace goes the page says so, keeps what was typed, and is back with it', async (t) => {
  const { practice } = await startHttpPractice(t);
  const { port } = new URL(practice.url);
  const open = await startTabs(t);
  const page = await open(`${practice.url}/?as=U0EMMA&channel=C0ETL`);
  const box = page.getByLabel('Message #etl');
  await box.waitFor();
  await practice.close();
  await page.getByText('Connecting again…').waitFor();
  await box.fill('said into the void');
  await box.press('Enter');
  await page.getByText('The practice workspace does not answer.').waitFor();
  assert.equal(await box.inputValue(), 'said into the void');
  const again = await startPractice(t, { port: Number(port), limits: 'off' });
  await page.getByText('Connecting again…').waitFor({ state: 'hidden' });
  assert.equal(await page.getByLabel('Message #etl').inputValue(), 'said into the void');
  await page.getByLabel('Message #etl').press('Enter');
  await page.locator('.msg', { hasText: 'said into the void' }).waitFor();
  assert.equal(again.messages('etl').length, 1);
});

test('tabs: a page of another site, or a name that leads here, gets no connection to the stream', async (t) => {
  const practice = await startPractice(t);
  const ask = (headers: Record<string, string>) =>
    new Promise<number | string>((resolve) => {
      const socket = new WebSocket(`${practice.url.replace('http', 'ws')}/practice/page-socket?as=emma`, { headers });
      socket.on('unexpected-response', (_request, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
      socket.on('error', () => {});
      socket.on('message', (data) => {
        resolve(JSON.parse(String(data)).type);
        socket.terminate();
      });
    });
  assert.equal(await ask({ origin: 'https://evil.example' }), 403);
  assert.equal(await ask({ host: 'evil.example' }), 403);
  assert.equal(await ask({ origin: practice.url }), 'snapshot');
});
