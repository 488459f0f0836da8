import { isObject, type Json } from '../types.ts';
import { accessoryTypes, actionTypes, element, inputTypes } from './elements.ts';
import { bad, boolean, type Check, keys, newCheck, objects, type Problem, string, textObject } from './problems.ts';

/** Limits from slack.md 1.2. */
const blocksPerMessage = 50;
const blocksPerView = 100;
const attachmentsPerMessage = 100;
const markdownPerMessage = 12_000;
/** Slack counts on its side and tells no number; a report of a refusal at 11,341 characters is the lowest known (bolt-js #2867). */
const textPerMessage = 11_000;
const viewBytes = 250_000;

export interface BlockVerdict {
  problems: Problem[];
  /** The blocks are well-formed but too much text in all: `msg_blocks_too_long`. */
  tooLong: boolean;
}

/** Checks the blocks of a message, and those in its attachments, against Slack's limits. */
export function validateMessage(blocks: unknown, attachments: unknown): BlockVerdict {
  const check = newCheck('message');
  if (blocks !== undefined) allBlocks(check, '/blocks', blocks, 0, blocksPerMessage);
  objects(check, '/attachments', attachments, 0, attachmentsPerMessage).forEach((attachment, i) => {
    if (attachment['blocks'] !== undefined) allBlocks(check, `/attachments/${i}/blocks`, attachment['blocks'], 1, blocksPerMessage);
    for (const key of ['text', 'pretext', 'fallback', 'title', 'color'])
      string(check, `/attachments/${i}/${key}`, attachment[key], textPerMessage, 0);
  });
  if (check.markdownCharacters > markdownPerMessage)
    bad(check, '/blocks', 'too_long', `markdown text must be less than ${markdownPerMessage + 1} characters in all`, markdownPerMessage);
  return { problems: check.problems, tooLong: check.characters > textPerMessage };
}

/** Checks a modal or a Home view: title, submit, close 24 characters; 1 to 100 blocks; submit when there is an input. */
export function validateView(view: Json): { problems: Problem[]; tooLarge: boolean } {
  const type = view['type'];
  const check = newCheck(type === 'home' ? 'home' : 'modal');
  if (type !== 'modal' && type !== 'home') bad(check, '/view/type', 'unsupported_type', `unsupported type: ${String(type)}`);
  const common = ['private_metadata', 'callback_id', 'external_id'];
  if (type === 'home') keys(check, '/view', view, ['blocks'], common);
  else
    keys(check, '/view', view, ['title', 'blocks'], [...common, 'submit', 'close', 'clear_on_close', 'notify_on_close', 'submit_disabled']);
  for (const key of ['title', 'submit', 'close']) if (view[key] !== null) textObject(check, `/view/${key}`, view[key], 24, true);
  string(check, '/view/private_metadata', view['private_metadata'], 3000, 0);
  string(check, '/view/callback_id', view['callback_id'], 255, 0);
  string(check, '/view/external_id', view['external_id'], 255, 0);
  boolean(check, '/view/notify_on_close', view['notify_on_close']);
  boolean(check, '/view/clear_on_close', view['clear_on_close']);
  if (view['blocks'] !== undefined) allBlocks(check, '/view/blocks', view['blocks'], 1, blocksPerView);
  const blocks = Array.isArray(view['blocks']) ? view['blocks'].filter(isObject) : [];
  if (type === 'modal' && !isObject(view['submit']) && blocks.some((b) => b['type'] === 'input'))
    bad(check, '/view', 'missing_field', 'missing required field: submit');
  return { problems: check.problems, tooLarge: Buffer.byteLength(JSON.stringify(view)) > viewBytes };
}

function allBlocks(check: Check, pointer: string, value: unknown, min: number, max: number): void {
  objects(check, pointer, value, min, max).forEach((block, i) => {
    oneBlock(check, `${pointer}/${i}`, block);
  });
}

function oneBlock(check: Check, pointer: string, block: Json): void {
  const type = String(block['type']);
  const rule = rules[type];
  if (!rule) {
    bad(check, `${pointer}/type`, 'unsupported_type', `unsupported type: ${type}`);
    return;
  }
  const id = block['block_id'];
  string(check, `${pointer}/block_id`, id, 255, 0);
  if (typeof id === 'string' && id !== '') {
    if (check.blockIds.has(id)) bad(check, `${pointer}/block_id`, 'duplicate', `\`block_id\` "${id}" already exists`);
    check.blockIds.add(id);
  }
  rule(check, pointer, block);
}

const rules: Record<string, (check: Check, pointer: string, block: Json) => void> = {
  section(check, pointer, block) {
    keys(check, pointer, block, [], ['block_id', 'text', 'fields', 'accessory', 'expand']);
    if (block['text'] === undefined && block['fields'] === undefined)
      bad(check, pointer, 'missing_field', 'missing required field: text or fields');
    textObject(check, `${pointer}/text`, block['text'], 3000); // section text 1-3000
    objects(check, `${pointer}/fields`, block['fields'], 1, 10).forEach((field, i) => {
      textObject(check, `${pointer}/fields/${i}`, field, 2000); // fields <=10, each <=2000
    });
    element(check, `${pointer}/accessory`, block['accessory'], accessoryTypes);
  },
  header(check, pointer, block) {
    keys(check, pointer, block, ['text'], ['block_id']);
    textObject(check, `${pointer}/text`, block['text'], 150, true); // header: plain_text <=150
  },
  divider(check, pointer, block) {
    keys(check, pointer, block, [], ['block_id']);
  },
  context(check, pointer, block) {
    keys(check, pointer, block, ['elements'], ['block_id']);
    objects(check, `${pointer}/elements`, block['elements'], 1, 10).forEach((e, i) => {
      if (e['type'] === 'image') element(check, `${pointer}/elements/${i}`, e, ['image']);
      else textObject(check, `${pointer}/elements/${i}`, e, 2000);
    });
  },
  actions(check, pointer, block) {
    keys(check, pointer, block, ['elements'], ['block_id']);
    const ids = new Set<string>();
    objects(check, `${pointer}/elements`, block['elements'], 1, 25).forEach((e, i) => {
      element(check, `${pointer}/elements/${i}`, e, actionTypes);
      const id = e['action_id'];
      if (typeof id !== 'string') return;
      if (ids.has(id)) bad(check, `${pointer}/elements/${i}/action_id`, 'duplicate', `\`action_id\` "${id}" already exists`);
      ids.add(id);
    });
  },
  image(check, pointer, block) {
    keys(check, pointer, block, ['image_url', 'alt_text'], ['block_id', 'title']);
    string(check, `${pointer}/image_url`, block['image_url'], 3000);
    string(check, `${pointer}/alt_text`, block['alt_text'], 2000);
    textObject(check, `${pointer}/title`, block['title'], 2000, true);
  },
  input(check, pointer, block) {
    keys(check, pointer, block, ['label', 'element'], ['block_id', 'hint', 'optional', 'dispatch_action']);
    textObject(check, `${pointer}/label`, block['label'], 2000, true); // label and hint 2000
    textObject(check, `${pointer}/hint`, block['hint'], 2000, true);
    boolean(check, `${pointer}/optional`, block['optional']);
    boolean(check, `${pointer}/dispatch_action`, block['dispatch_action']);
    element(check, `${pointer}/element`, block['element'], inputTypes);
  },
  markdown(check, pointer, block) {
    keys(check, pointer, block, ['text'], ['block_id']);
    string(check, `${pointer}/text`, block['text'], markdownPerMessage);
    if (check.surface !== 'message') bad(check, `${pointer}/type`, 'unsupported_type', 'unsupported type: markdown');
    if (typeof block['text'] === 'string') check.markdownCharacters += block['text'].length;
  },
  rich_text(check, pointer, block) {
    keys(check, pointer, block, ['elements'], ['block_id']);
    const known = ['rich_text_section', 'rich_text_list', 'rich_text_preformatted', 'rich_text_quote'];
    objects(check, `${pointer}/elements`, block['elements'], 0, 1000).forEach((e, i) => {
      if (!known.includes(String(e['type'])))
        bad(check, `${pointer}/elements/${i}/type`, 'unsupported_type', `unsupported type: ${String(e['type'])}`);
      if (!Array.isArray(e['elements'])) bad(check, `${pointer}/elements/${i}`, 'missing_field', 'missing required field: elements');
      check.characters += richCharacters(e);
    });
  },
};
/** Every type of block that the workspace takes; the page has a rendering of each. */
export const blockTypes: readonly string[] = Object.keys(rules);

function richCharacters(node: Json): number {
  const own = typeof node['text'] === 'string' ? node['text'].length : 0;
  return Array.isArray(node['elements']) ? own + node['elements'].filter(isObject).reduce((sum, e) => sum + richCharacters(e), 0) : own;
}
