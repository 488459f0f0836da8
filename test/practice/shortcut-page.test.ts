import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchBrowser, openPage } from '../helpers/browser.ts';
import { api, atEnd, manifest, startBareApp, startPractice } from './rig.ts';

test('the page: the menu of a message offers the app’s shortcuts, on everybody’s messages, by mouse and by keyboard', async (t) => {
  const shortcuts = [{ type: 'message', name: 'Acknowledge', callback_id: 'ack', description: 'Look after it' }];
  const practice = await startPractice(t, { limits: 'off', manifest: manifest({ shortcuts }) });
  const app = await startBareApp(t, practice);
  const browser = await launchBrowser();
  atEnd(t, () => browser.close());
  await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: 'etl-orders failed' });
  const { page, complaints } = await openPage(browser, `${practice.url}/?as=U0OMAR&channel=C0ETL`, { height: 800 });
  const box = page.getByLabel('Message #etl');
  await box.fill('who looks after it?');
  await box.press('Enter');
  const menu = async (text: string) => {
    const message = page.locator('.msg', { hasText: text });
    await message.hover();
    return message.getByLabel('More actions');
  };
  await (await menu('etl-orders failed')).click();
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await app.until(1);
  const payload = JSON.parse(app.received[0]?.form.get('payload') ?? '{}');
  assert.deepEqual([payload.callback_id, payload.user.id, payload.message.text], ['ack', 'U0OMAR', 'etl-orders failed']);
  const own = await menu('who looks after it?');
  await own.focus();
  await own.press('Enter');
  await page.getByRole('button', { name: 'Acknowledge' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Acknowledge' }).waitFor({ state: 'hidden' });
  assert.deepEqual(complaints, []);
});
