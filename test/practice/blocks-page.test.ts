import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { accessoryTypes, actionTypes, inputTypes } from '../../src/practice/blocks/elements.ts';
import { blockTypes } from '../../src/practice/blocks/validate.ts';
import { createPractice, type Practice } from '../../src/practice/server.ts';
import { launchBrowser, openPage } from '../helpers/browser.ts';
import { auditLook } from '../helpers/look-audit.js';
import { api, atEnd, botToken, plain, section, signingSecret, startHttpPractice, startPractice } from './rig.ts';

type Block = Record<string, unknown>;
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text });
/** A word that no line holds, as a class name or a path is. */
const long = 'org.example.pipelines.orders.'.repeat(5);
const option = (name: string, more: Block = {}) => ({ text: plain(name), value: name, ...more });
const options = [option('etl-orders', { description: plain('production') }), option('customers')];
const picture = { image_url: 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', alt_text: 'throughput' };
const confirm = { title: plain('Sure?'), text: mrkdwn('It goes *back*.'), confirm: plain('Yes'), deny: plain('No') };

/** One of each element, by type. */
const elements: Record<string, Block> = {
  button: { text: plain('Ask for approval of this restore, which takes a while to read, ok?'), style: 'primary', confirm },
  overflow: { options: [...options, option('Flink page', { url: 'https://flink.example/' })] },
  static_select: { placeholder: plain('Choose a job'), option_groups: [{ label: plain('Jobs'), options }] },
  external_select: { placeholder: plain('Search restore points'), min_query_length: 0 },
  users_select: { placeholder: plain('Choose somebody') },
  checkboxes: { options: [{ text: mrkdwn('*Drain* it'), value: 'a', description: mrkdwn('ends the `sources`') }, option('Keep state')] },
  radio_buttons: { options },
  image: picture,
  plain_text_input: { placeholder: plain('What went wrong?'), multiline: true },
};
const made = (type: string, id: string) => ({ type, ...(type === 'image' ? {} : { action_id: id }), ...elements[type] });
const input = (type: string) => ({
  type: 'input',
  block_id: `in-${type}`,
  label: plain(`Label of ${type}`),
  hint: plain(`Hint of ${type}`),
  optional: true,
  element: made(type, type),
});
const rich = (text: string, style: Block = {}) => ({ type: 'text', text, ...(Object.keys(style).length ? { style } : {}) });

/** Blocks of each type: each with all that it may hold. */
const samples: Record<string, Block[]> = {
  header: [{ type: 'header', text: plain(`etl-orders is running ${long.slice(0, 100)}`) }],
  section: [
    section(
      `*Started* by <@U0EMMA> in <#C0ETL> for <!subteam^S0LEADS>, _not_ ~yet~ \`${long}\` &lt;b&gt;\n> quoted words\n\`\`\`${long} log\`\`\``,
    ),
    section('<https://flink.example/job|Flink page> since <!date^1764000000^{date_num} {time}|then> :white_check_mark:'),
    { type: 'section', fields: ['*Version*\nv6', `*SHA*\n\`${'8f31c2d7'.repeat(8)}\``, '*Slots*\n4'].map(mrkdwn) },
    ...accessoryTypes.map((type) => ({ ...section(`With ${type} beside it ${long}`), accessory: made(type, `acc-${type}`) })),
  ],
  context: [{ type: 'context', elements: [mrkdwn(`checkpoint 812 ${long}`), plain('24 KB'), { type: 'image', ...picture }] }],
  divider: [{ type: 'divider' }],
  actions: [{ type: 'actions', elements: actionTypes.map((type) => made(type, `act-${type}`)) }],
  image: [{ type: 'image', title: plain('Last hour'), ...picture }],
  input: inputTypes.map(input),
  markdown: [
    { type: 'markdown', text: '## Digest\n58 of **60** healthy:\n- `etl-orders`\n- *sessions*\n\n1. in front\n\n```\nlog line\n```' },
  ],
  rich_text: [
    {
      type: 'rich_text',
      elements: [
        {
          type: 'rich_text_section',
          elements: [
            rich('bold words ', { bold: true }),
            rich(long, { code: true }),
            { type: 'user', user_id: 'U0LENA' },
            { type: 'usergroup', usergroup_id: 'S0LEADS' },
            { type: 'channel', channel_id: 'C0ETL' },
            { type: 'broadcast', range: 'here' },
            { type: 'emoji', name: 'eyes' },
            { type: 'link', url: 'https://flink.example/', text: 'linked words', style: { bold: true } },
            { type: 'date', timestamp: 1_764_000_000, format: 'on {date_num}', fallback: 'then' },
          ],
        },
        { type: 'rich_text_list', style: 'bullet', elements: [{ type: 'rich_text_section', elements: [rich('a point')] }] },
        { type: 'rich_text_preformatted', elements: [rich('preformatted words')] },
        { type: 'rich_text_quote', elements: [rich('quoted words')] },
      ],
    },
  ],
};

/** What a reader must find of a sample: its words, without marks, addresses and ids. */
function wordsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(wordsOf);
  if (typeof value !== 'object' || value === null) return [];
  const parts = Object.entries(value).filter(([key]) => key !== 'confirm');
  return parts.flatMap(([key, part]) => {
    if (typeof part !== 'string') return wordsOf(part);
    if (key !== 'text' && key !== 'alt_text') return [];
    return part.replace(/<!date[^>]*>|<[^<>|]*>|<[^<>]*\||:\w+:|&\w+;|\d\. |\b_|_\b/g, ' ').match(/[\w.-]*\w/g) ?? [];
  });
}

/** All that a part of the page says: its text, names, placeholders, options and alternative texts. */
async function said(page: Page, selector: string): Promise<string> {
  return page.evaluate<string>(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((root) =>
    [root.innerText, ...[...root.querySelectorAll('*')].map((n) =>
      [n.alt, n.placeholder, n.ariaLabel, /^(OPTION|BUTTON|SMALL)$/.test(n.tagName) ? n.textContent : n.label].join(' '))].join(' ')).join(' ')`);
}
const looks = [1280, 390].flatMap((width) => [false, true].map((dark) => ({ width, dark })));
const shape = ({ width, dark }: (typeof looks)[number]) => `${width} px, ${dark ? 'dark' : 'light'}`;

/** Every sample posted, by the message's ts. */
async function postAll(practice: Practice): Promise<Map<string, string>> {
  const posted = new Map<string, string>();
  for (const [type, blocks] of Object.entries(samples)) {
    const answer = await api(practice, 'chat.postMessage', { channel: 'C0ETL', text: type, blocks });
    assert.equal(answer.ok, true, `${type}: ${JSON.stringify(answer)}`);
    posted.set(type, String(answer['ts']));
  }
  return posted;
}

test('the samples are all the types of blocks and elements that the workspace takes', () => {
  assert.deepEqual(Object.keys(samples).sort(), [...blockTypes].sort());
  assert.deepEqual(Object.keys(elements).sort(), [...new Set([...accessoryTypes, ...actionTypes, ...inputTypes])].sort());
});

test('each type of block has a rendering: whole, in sight, readable, at 1280 and 390 px, light and dark', {
  timeout: 240_000,
}, async (t) => {
  const { practice } = await startHttpPractice(t);
  const browser = await launchBrowser();
  atEnd(t, () => browser.close());
  const posted = await postAll(practice);
  for (const look of looks) {
    const { page, complaints } = await openPage(browser, `${practice.url}/?as=U0LENA&channel=C0ETL`, look);
    for (const [type, ts] of posted) {
      const selector = `.msg[data-ts="${ts}"]`;
      const message = page.locator(selector);
      await message.waitFor();
      const drawn = await message.locator('.blocks > *').evaluateAll((nodes) => nodes.map((n) => n.getBoundingClientRect().height));
      assert.deepEqual([drawn.length, drawn.filter((height) => height < 1)], [samples[type]?.length, []], `${type}, ${shape(look)}`);
      assert.equal(await message.locator('.blk-unknown').count(), 0, type);
      const text = await said(page, `${selector} .blocks`);
      const missing = wordsOf(samples[type]).filter((word) => !text.includes(word));
      assert.deepEqual(missing, [], `${type}, ${shape(look)}: ${text}`);
    }
    assert.deepEqual(await page.evaluate(auditLook, '.log'), [], shape(look));
    for (const menu of await page.locator('.msg details.overflow').all()) {
      await menu.locator('summary').click();
      assert.deepEqual(await page.evaluate(auditLook, 'details[open] .menu'), [], `menu, ${shape(look)}`);
      await page.keyboard.press('Escape');
    }
    assert.deepEqual(complaints, []);
    await page.close();
  }
});

test('the same in a form and on the Home, with a menu open', { timeout: 240_000 }, async (t) => {
  const { practice, app, emma } = await startHttpPractice(t, { nodeEnv: 'test' }, (request, response) => {
    const payload = JSON.parse(request.form.get('payload') ?? '{}');
    if (payload.type !== 'block_suggestion') return void response.end();
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ options }));
  });
  const browser = await launchBrowser();
  atEnd(t, () => browser.close());
  const blocks = Object.entries(samples).flatMap(([type, list]) => (type === 'markdown' ? [] : list));
  const home = await api(practice, 'views.publish', { user_id: 'U0EMMA', view: { type: 'home', blocks } });
  assert.equal(home.ok, true, JSON.stringify(home));
  await emma.types('/flink x', { channel: 'etl' });
  const view = { type: 'modal', title: plain('Restore etl-orders now'), submit: plain('Ask for approval'), close: plain('Cancel'), blocks };
  const opened = await api(practice, 'views.open', { trigger_id: app.received.at(-1)?.form.get('trigger_id'), view });
  assert.equal(opened.ok, true, JSON.stringify(opened));
  const missing = (text: string) => wordsOf(blocks).filter((word) => !text.includes(word));
  for (const look of looks) {
    const { page, complaints } = await openPage(browser, `${practice.url}/?as=U0EMMA&channel=home`, look);
    await page.locator('dialog.modal').waitFor();
    assert.deepEqual(missing(await said(page, '.modal-body')), [], shape(look));
    assert.deepEqual(await page.evaluate(auditLook, 'dialog.modal'), [], `form, ${shape(look)}`);
    const search = page.locator('dialog.modal').getByLabel('Label of external_select');
    await search.focus();
    await page.locator('.modal .suggestions').getByText('customers').first().waitFor();
    const menu = page.locator('dialog.modal .overflow').first();
    await menu.locator('summary').click();
    await menu.getByRole('button', { name: 'etl-orders' }).waitFor();
    assert.deepEqual(await page.evaluate(auditLook, 'dialog.modal details[open] .menu'), [], `menu, ${shape(look)}`);
    await page.evaluate(`document.querySelector('dialog.modal').remove()`);
    assert.deepEqual(missing(await said(page, '.home')), [], shape(look));
    assert.deepEqual(await page.evaluate(auditLook, '.home'), [], `Home, ${shape(look)}`);
    assert.deepEqual(complaints, []);
    await page.close();
  }
});

test('a type that the page does not know is refused on its way in; one that is there all the same is told as an error, not left blank', async (t) => {
  const folder = await mkdtemp(`${tmpdir()}/practice-`);
  atEnd(t, () => rm(folder, { recursive: true }));
  const dataFile = `${folder}/workspace.json`;
  const before = await createPractice({ port: 0, botToken, signingSecret, transport: 'http', dataFile, limits: 'off' });
  const unknown = [
    { type: 'video', title: plain('t') },
    { type: 'actions', elements: [{ type: 'datepicker', action_id: 'd' }] },
  ];
  for (const block of unknown) {
    const answer = await api(before, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: [block] });
    assert.deepEqual([answer.ok, answer.error], [false, 'invalid_blocks']);
  }
  await api(before, 'chat.postMessage', { channel: 'C0ETL', text: 'x', blocks: [section('known')] });
  await before.close();
  const file = JSON.parse(await readFile(dataFile, 'utf8'));
  const richText = { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'color', value: '#fff' }] }] };
  file.messages.C0ETL[0].blocks.push(...unknown, richText);
  await writeFile(dataFile, JSON.stringify(file));

  const practice = await startPractice(t, { dataFile });
  const browser = await launchBrowser();
  atEnd(t, () => browser.close());
  const { page, complaints } = await openPage(browser, `${practice.url}/?as=U0EMMA&channel=C0ETL`);
  await page.getByText('known').waitFor();
  const shown = page.locator('.msg').getByRole('alert');
  assert.deepEqual(await shown.allTextContents(), [
    'This workspace cannot show a block of type video.',
    'This workspace cannot show an element of type datepicker.',
    'This workspace cannot show a text of type color.',
  ]);
  assert.deepEqual(await page.evaluate(auditLook, '.msg'), []);
  assert.deepEqual(complaints, []);
});
