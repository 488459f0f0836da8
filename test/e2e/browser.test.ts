import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, openPage } from '../helpers/browser.ts';
import { does, etl, flinkJobIdOf, onlyJobIs, pathOf, restoredFrom, startWorld, type World } from './world.ts';

describe('a person with a browser, on the practice page and the admin page', { timeout: 600_000 }, () => {
  let w: World;
  let browser: Browser;
  const complaints: string[][] = [];
  const open = async (url: string, width = 1280): Promise<Page> => {
    const opened = await openPage(browser, url, { width });
    complaints.push(opened.complaints);
    return opened.page;
  };
  const practice = (as: string) => `${w.demo.practiceUrl}/?as=${as}&channel=C0ETL`;
  before(async () => {
    browser = await launchBrowser();
    w = await startWorld('2.3.0');
  });
  after(async () => {
    await browser?.close();
    await w?.stop();
  });

  test('types a build and sees its one message change at least three times before it ends', async () => {
    const emma = await open(practice('U0EMMA'));
    const box = emma.getByLabel('Message #etl');
    await box.fill('/flink build etl-orders');
    await box.press('Enter');
    const message = emma.locator('.msg:not(.ephemeral)', { hasText: /(Building|Built) etl-orders/ }).last();
    await message.waitFor();
    const texts = new Set<string>();
    for (;;) {
      const text = (await message.innerText()).replace(/\s+/g, ' ');
      texts.add(text.replace(/^.*?(?=Building|Built)/, ''));
      if (/Built etl-orders: v2/.test(text)) break;
      assert.doesNotMatch(text, /was not built/);
      // The page changes by itself; this only waits for the next frame that differs.
      await emma.waitForFunction(
        ([el, before]) => (el as unknown as { innerText: string }).innerText !== before,
        [await message.elementHandle(), await message.innerText()] as const,
        { timeout: 240_000, polling: 100 },
      );
    }
    assert.ok(texts.size >= 4, `three texts before the last one: ${[...texts].join('\n')}`);
    await emma.close();
  });

  test('approves a restore as the lead, in a second tab', async () => {
    const started = await does(w.emma, '/flink start etl-orders', /etl-orders (started|was not started)/);
    await onlyJobIs(w, flinkJobIdOf(started));
    const savepoint = pathOf(await does(w.emma, '/flink savepoint etl-orders', /Savepoint of etl-orders taken/));
    const emma = await open(practice('U0EMMA'));
    await w.emma.says('/flink restore etl-orders', etl);
    await emma.getByRole('button', { name: 'Choose one…' }).last().click();
    const dialog = emma.locator('dialog[open]');
    await dialog.waitFor();
    await dialog.getByRole('combobox').click();
    await dialog
      .getByRole('option', { name: /^savepoint/ })
      .first()
      .click();
    await dialog.locator('textarea').first().fill('today is wrong');
    await dialog
      .getByRole('button', { name: /Run|Send|Submit|OK|Go|Restore|Continue/i })
      .last()
      .click();
    await dialog.waitFor({ state: 'detached' });
    const lena = await open(practice('U0LENA'));
    const plan = lena.locator('.msg', { hasText: 'Approval needed to restore etl-orders' }).last();
    await plan.getByRole('button', { name: 'Approve' }).click();
    const done = lena.locator('.msg:not(.ephemeral)', { hasText: /etl-orders restored/ }).last();
    await done.waitFor({ timeout: 90_000 });
    const [id] = /\b[0-9a-f]{32}\b/.exec(await done.innerText()) ?? [];
    assert.ok(id);
    assert.equal(await restoredFrom(w, id), savepoint);
    await onlyJobIs(w, id);
    await emma.close();
    await lena.close();
  });

  test('signs in by the link of /flink web, edits a parameter, sees the diff', async () => {
    const answer = await w.emma.says('/flink web etl-orders', etl);
    const link = answer.buttons.find((b) => b.url)?.url as string;
    const page = await open(link);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(/\/jobs\/etl-orders/);
    assert.match(await page.locator('body').innerText(), /running/);
    await page.goto(`${w.demo.sluiceUrl}/jobs/etl-orders/parameters`);
    await page.getByLabel(/^Parallelism/).fill('many');
    await page.getByRole('button', { name: 'Save as the next version' }).click();
    await page.getByText(/whole number from 1/).waitFor();
    assert.equal(await page.getByLabel(/^Parallelism/).inputValue(), 'many', 'what was typed comes back');
    await page.getByLabel(/^Parallelism/).fill('1');
    await page.getByRole('button', { name: 'Save as the next version' }).click();
    await page
      .getByText(/v3 saved|v3 is saved|saved and current/i)
      .first()
      .waitFor();
    await page.goto(`${w.demo.sluiceUrl}/jobs/etl-orders/diff?a=2&b=3`);
    const diff = await page.locator('main').innerText();
    assert.match(diff, /parallelism[\s\S]*2[\s\S]*1/);
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      for (const path of ['/', '/jobs/etl-orders', '/jobs/etl-orders/versions', '/operations', '/clusters']) {
        await page.goto(`${w.demo.sluiceUrl}${path}`);
        const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        assert.ok(Number(overflow) <= 0, `${path} does not fit into ${width} px`);
      }
    }
    await page.close();
  });

  test('no page complained in the console, or broke its own policy', () => {
    assert.deepEqual(
      complaints.flat().filter((line) => !/422|favicon/.test(line)),
      [],
    );
  });
});
