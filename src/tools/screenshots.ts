import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as browsers, type Page } from 'playwright-core';
import { type Demo, startDemo } from '../demo/demo.ts';
import { createLog } from '../log.ts';

const images = join(import.meta.dirname, '../../docs/images');
/** Paths below it are seen in the pictures, so it is the same at every run. */
const home = join(tmpdir(), 'sluice-pictures');
const size = { width: 1280, height: 900 };
const stepMs = 60_000;

/** `npm run screenshots`: starts the demo, holds the conversation of the README in the practice workspace, and takes its pictures. */
async function main(): Promise<void> {
  const say = (line: string) => console.error(line);
  await rm(home, { recursive: true, force: true });
  await mkdir(images, { recursive: true });
  const demo = await startDemo({
    home,
    port: 0,
    practicePort: 0,
    flink: ['1.20.5'],
    transport: 'http',
    log: createLog('warn'),
    onProgress: say,
  });
  const browser = await browsers.launch({
    executablePath: await chromium.executablePath(),
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--force-color-profile=srgb'],
  });
  try {
    await converse(demo, browser, say);
  } finally {
    await browser.close();
    await demo.stop();
    await rm(home, { recursive: true, force: true });
  }
}

async function converse(demo: Demo, browser: Browser, say: (line: string) => void): Promise<void> {
  const emma = await act(browser, demo.practiceUrl, 'U0EMMA');
  say('Two builds and two starts …');
  for (const job of ['customers', 'etl-orders']) {
    await emma.type(`/flink build ${job}`);
    await emma.sees(new RegExp(`Built ${job}: v\\d`));
    await emma.type(`/flink start ${job}`);
    await emma.sees(new RegExp(`${job} started: v\\d[^]*Checkpoint \\d`));
  }
  say('A savepoint, a newer version, a restart …');
  await emma.type('/flink savepoint etl-orders');
  const taken = await emma.sees(/Savepoint of etl-orders taken/);
  const savepoint = /file:\S+savepoint-\w+-\w+/.exec(taken)?.[0] ?? '';
  await emma.type('/flink set etl-orders args="--rate 80" checkpoint-interval=5s');
  await emma.sees(/etl-orders v3 saved/);
  await emma.type('/flink restart etl-orders --version v3');
  await emma.sees(/etl-orders restarted: v3[^]*Checkpoint \d/);
  say('A restore that a lead has to approve …');
  await emma.type(`/flink restore etl-orders --from ${savepoint} --reason "v3 counts orders of the last hour twice"`);
  const lena = await act(browser, demo.practiceUrl, 'U0LENA');
  await lena.sees(/Approval needed/);
  await lena.page.screenshot({ path: join(images, 'practice.png') });

  await lena.type('/flink web etl-orders');
  const link = lena.page.getByRole('link', { name: 'Open the page' }).last();
  await link.waitFor();
  const admin = await newPage(browser);
  await admin.goto((await link.getAttribute('href')) ?? '');
  await admin.getByRole('button', { name: 'Sign in' }).click();
  await admin.getByRole('heading', { name: 'etl-orders' }).first().waitFor();
  await admin.screenshot({ path: join(images, 'admin.png') });
  say(`Pictures are in ${images}`);
}

interface Actor {
  page: Page;
  type(line: string): Promise<void>;
  /** Waits for a message whose whole text matches, and returns that text. */
  sees(pattern: RegExp): Promise<string>;
}
async function act(browser: Browser, practiceUrl: string, person: string): Promise<Actor> {
  const page = await newPage(browser);
  await page.goto(`${practiceUrl}/?as=${person}&channel=C0ETL`);
  const box = page.getByLabel('Message #etl');
  await box.waitFor();
  return {
    page,
    async type(line) {
      await box.fill(line);
      await box.press('Enter');
    },
    async sees(pattern) {
      const found = page.locator('.msg').filter({ hasText: pattern }).last();
      await found.waitFor({ timeout: stepMs });
      return found.innerText();
    },
  };
}
async function newPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ viewport: size, deviceScaleFactor: 1, colorScheme: 'light', locale: 'en-GB' });
  return context.newPage();
}

await main();
