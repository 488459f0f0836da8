import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as browsers } from 'playwright-core';
import { UserError } from '../core/errors.ts';
import { type Demo, startDemo } from '../demo/demo.ts';
import { createLog } from '../log.ts';
import { act, images, narrow, shoot, stepMs } from './pictures/actor.ts';
import { pictureAlerts } from './pictures/alerts.ts';

/** Paths below it are seen in the pictures, so it is the same at every run. */
const home = join(tmpdir(), 'sluice');
/** `npm run screenshots [-- practice alerts]`: starts the demo, holds the conversation of the README in the practice workspace, and takes its pictures. */
async function main(): Promise<void> {
  const say = (line: string) => console.error(line);
  await mkdir(images, { recursive: true });
  await mkdir(home).catch((cause: unknown) => {
    throw new UserError(`${home} is there already.`, {
      cause,
      hint: 'It is made and removed by this tool: if no other one runs, delete it.',
    });
  });
  const closing: (() => Promise<unknown>)[] = [() => rm(home, { recursive: true, force: true })];
  try {
    const browser = await browsers.launch({
      executablePath: await chromium.executablePath(),
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--force-color-profile=srgb'],
    });
    closing.push(() => browser.close());
    const only = process.argv.slice(2);
    if (only.length === 0 || only.includes('alerts')) await pictureAlerts(browser, say);
    if (only.length > 0 && !only.includes('practice')) return;
    const options = { home, port: 0, practicePort: 0, flink: ['1.20.5'], transport: 'http', log: createLog('warn') } as const;
    const demo = await startDemo({ ...options, onProgress: say });
    closing.push(() => demo.stop());
    await converse(demo, browser, say);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function converse(demo: Demo, browser: Browser, say: (line: string) => void): Promise<void> {
  const emma = await act(browser, demo.practiceUrl, 'U0EMMA');
  say('A build, a start, a savepoint …');
  await emma.type('/flink build etl-orders');
  await emma.sees(/Built etl-orders: v\d/);
  await emma.type('/flink start etl-orders');
  await emma.sees(/etl-orders started: v\d[\s\S]*Checkpoint \d/);
  await emma.type('/flink savepoint etl-orders');
  await emma.sees(/Savepoint of etl-orders taken/);
  const savepoint = await emma.page
    .locator('.msg code')
    .filter({ hasText: /savepoint-/ })
    .last()
    .textContent();
  say('A newer version, a restart …');
  await emma.type('/flink set etl-orders args="--rate 80" checkpoint-interval=5s');
  await emma.sees(/etl-orders v3 saved/);
  await emma.type('/flink restart etl-orders --version v3');
  await emma.sees(/etl-orders restarted: v3[\s\S]*Checkpoint \d/);
  say('A restore that a lead has to approve, and a build beside it …');
  const lena = await act(browser, demo.practiceUrl, 'U0LENA');
  await emma.type('v3 counts some orders twice. I ask for a restore.');
  await emma.type(`/flink restore etl-orders --from ${savepoint} --reason "v3 counts orders twice, back to the state of v2"`);
  await lena.sees(/Approval needed/);
  await emma.type('Building customers meanwhile.');
  await emma.type('/flink build customers');
  await lena.sees(/Building customers[\s\S]*Compile[\s\S]*\d s ·/);
  await lena.page.locator('.msg').filter({ hasText: 'Building customers' }).getByRole('button', { name: /repl/ }).click();
  await lena.page
    .locator('aside .msg')
    // What Maven says last depends on how fast it is.
    .filter({ hasText: /compiler|BUILD|INFO/ })
    .waitFor({ timeout: stepMs });
  await lena.page.evaluate(`for (const log of document.querySelectorAll('.log')) log.scrollTop = log.scrollHeight`);
  await shoot(lena.page, 'practice.png', 1000);
  await lena.page.emulateMedia({ colorScheme: 'dark' });
  await shoot(lena.page, 'practice-dark.png', 1000);
  const phone = await act(browser, demo.practiceUrl, 'U0LENA', narrow);
  await phone.sees(/Approval needed/);
  await phone.page
    .locator('.msg')
    .filter({ hasText: /Approval needed/ })
    .last()
    .evaluate((node) => node.scrollIntoView());
  await shoot(phone.page, 'practice-narrow.png', narrow.height);
  await phone.page.close();

  await lena.type('/flink web etl-orders');
  const opened = lena.page.waitForEvent('popup');
  await lena.page.getByRole('button', { name: 'Open the page' }).last().click();
  const admin = await opened;
  await admin.getByRole('button', { name: 'Sign in' }).click();
  await admin.getByRole('heading', { name: 'etl-orders' }).first().waitFor();
  await shoot(admin, 'admin.png', 820);
  await emma.sees(/Built customers/);
  say(`Pictures are in ${images}`);
}

await main();
