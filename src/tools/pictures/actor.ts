import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';

export const images = join(import.meta.dirname, '../../../docs/images');
export const size = { width: 1280, height: 1000 };
/** A phone's; its picture is finer, as a phone's is. */
export const narrow = { width: 390, height: 844 };
/** The first build fetches what Maven needs. */
export const stepMs = 300_000;

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
/** Takes a picture of the top of a page into docs/images. */
export async function shoot(page: Page, file: string, heightPx: number): Promise<void> {
  await page.mouse.move(0, 0);
  await page.evaluate(drawMarks);
  const width = page.viewportSize()?.width ?? size.width;
  await page.screenshot({ path: join(images, file), animations: 'disabled', clip: { x: 0, y: 0, width, height: heightPx } });
}

/** A person in the practice workspace, in a tab of their own. */
export interface Actor {
  page: Page;
  type(line: string): Promise<void>;
  /** Waits for a message whose whole text matches. */
  sees(pattern: RegExp): Promise<void>;
}
/** Opens the workspace as somebody, in #etl unless said otherwise. */
export async function act(
  browser: Browser,
  practiceUrl: string,
  person: string,
  viewport = size,
  channel = { id: 'C0ETL', name: 'etl' },
): Promise<Actor> {
  const page = await newPage(browser, viewport);
  await page.goto(`${practiceUrl}/?as=${person}&channel=${channel.id}`);
  const box = page.getByLabel(`Message #${channel.name}`);
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
