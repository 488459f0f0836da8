import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, chromium as browsers, type Page } from 'playwright-core';
import { UserError } from '../core/errors.ts';
import { type Demo, startDemo } from '../demo/demo.ts';
import { createLog } from '../log.ts';

const images = join(import.meta.dirname, '../../docs/images');
/** Paths below it are seen in the pictures, so it is the same at every run. */
const home = join(tmpdir(), 'sluice');
const size = { width: 1280, height: 1000 };
/** A phone's; its picture is finer, as a phone's is. */
const narrow = { width: 390, height: 844 };
/** The first build fetches what Maven needs. */
const stepMs = 300_000;

/** `npm run screenshots`: starts the demo, holds the conversation of the README in the practice workspace, and takes its pictures. */
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

/** The marks before a title are emoji; the test browser has no font for them, so they are drawn. */
const drawMarks = `(() => {
  const shapes = {
    '✅': '<rect x="1" y="1" width="14" height="14" rx="3" fill="#2f9e62"/><path d="M4 8.5l2.8 2.8L12 5.5" fill="none" stroke="#fff" stroke-width="2"/>',
    '⚠️': '<path d="M8 1.5L15.5 14.5H.5z" fill="#e0a21b"/><path d="M8 6v4.5M8 11.7v1.5" stroke="#3d2c00" stroke-width="1.6"/>',
    '🔴': '<circle cx="8" cy="8" r="7" fill="#cc3b4a"/>',
    '⏳': '<path d="M4 1.5h8M4 14.5h8" stroke="#8a6d3b" stroke-width="1.8"/><path d="M5 2.5h6v3L8.7 8 11 10.500v3H5v-3L7.300 8 5 5.500z" fill="#e8c27a" stroke="#8a6d3b"/>',
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes) {
    const mark = Object.keys(shapes).find((m) => node.data.includes(m));
    if (!mark) continue;
    const [before, ...after] = node.data.split(mark);
    const holder = document.createElement('span');
    holder.innerHTML = '<svg width="16" height="16" viewBox="0 0 16 16" class="drawn-mark">' + shapes[mark] + '</svg>';
    holder.firstChild.style.verticalAlign = '-2px';
    node.replaceWith(before, holder, after.join(mark));
  }
})()`;
async function shoot(page: Page, file: string, heightPx: number): Promise<void> {
  await page.mouse.move(0, 0);
  await page.evaluate(drawMarks);
  const width = page.viewportSize()?.width ?? size.width;
  await page.screenshot({ path: join(images, file), animations: 'disabled', clip: { x: 0, y: 0, width, height: heightPx } });
}

interface Actor {
  page: Page;
  type(line: string): Promise<void>;
  /** Waits for a message whose whole text matches. */
  sees(pattern: RegExp): Promise<void>;
}
async function act(browser: Browser, practiceUrl: string, person: string, viewport = size): Promise<Actor> {
  const page = await newPage(browser, viewport);
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
      await page.locator('.msg').filter({ hasText: pattern }).last().waitFor({ timeout: stepMs });
    },
  };
}
async function newPage(browser: Browser, viewport: typeof size): Promise<Page> {
  const deviceScaleFactor = viewport === narrow ? 1.5 : 1;
  const context = await browser.newContext({ viewport, deviceScaleFactor, colorScheme: 'light', locale: 'en-GB' });
  return context.newPage();
}

await main();
