import { isObject, type Json } from '../types.ts';
import { bad, boolean, type Check, keys, objects, string, textObject } from './problems.ts';

/** Limits from slack.md 1.2 (`@slack/types` 3.2 and the Python SDK's validators). */
const idLength = 255;
const buttonText = 75;
const buttonValue = 2000;
const urlLength = 3000;
const optionText = 75;
const optionValue = 75;
const placeholderLength = 150;
const optionCount = 100;
const groupCount = 100;
const fewOptionCount = 10;

export const accessoryTypes = [
  'button',
  'overflow',
  'static_select',
  'external_select',
  'users_select',
  'checkboxes',
  'radio_buttons',
  'image',
];
export const actionTypes = ['button', 'overflow', 'static_select', 'external_select', 'users_select', 'checkboxes', 'radio_buttons'];
export const inputTypes = ['plain_text_input', 'static_select', 'external_select', 'users_select', 'checkboxes', 'radio_buttons'];

const selectKeys = ['action_id', 'confirm', 'focus_on_load', 'placeholder'];

/** Checks an interactive element, or an image, that must be one of `allowed`. */
export function element(check: Check, pointer: string, value: unknown, allowed: readonly string[]): void {
  if (value === undefined) return;
  if (!isObject(value)) {
    bad(check, pointer, 'invalid_type', 'must be an object');
    return;
  }
  const type = String(value['type']);
  if (!allowed.includes(type)) {
    bad(check, `${pointer}/type`, 'unsupported_type', `unsupported type: ${type}`);
    return;
  }
  string(check, `${pointer}/action_id`, value['action_id'], idLength);
  confirm(check, `${pointer}/confirm`, value['confirm']);
  boolean(check, `${pointer}/focus_on_load`, value['focus_on_load']);
  checks[type]?.(check, pointer, value);
}

const checks: Record<string, (check: Check, pointer: string, value: Json) => void> = {
  button(check, pointer, value) {
    keys(check, pointer, value, ['text'], ['action_id', 'value', 'url', 'style', 'confirm', 'accessibility_label']);
    textObject(check, `${pointer}/text`, value['text'], buttonText, true);
    string(check, `${pointer}/value`, value['value'], buttonValue);
    string(check, `${pointer}/url`, value['url'], urlLength);
    string(check, `${pointer}/accessibility_label`, value['accessibility_label'], 75);
    style(check, `${pointer}/style`, value['style']);
  },
  image(check, pointer, value) {
    keys(check, pointer, value, ['image_url', 'alt_text'], []);
    string(check, `${pointer}/image_url`, value['image_url'], urlLength);
    string(check, `${pointer}/alt_text`, value['alt_text'], 2000);
  },
  static_select(check, pointer, value) {
    keys(check, pointer, value, [], [...selectKeys, 'options', 'option_groups', 'initial_option']);
    placeholder(check, pointer, value);
    if ((value['options'] === undefined) === (value['option_groups'] === undefined))
      bad(check, pointer, 'invalid_value', 'exactly one of options and option_groups must be given');
    optionLists(check, pointer, value);
    option(check, `${pointer}/initial_option`, value['initial_option'], { plain: true });
  },
  external_select(check, pointer, value) {
    keys(check, pointer, value, [], [...selectKeys, 'min_query_length', 'initial_option']);
    placeholder(check, pointer, value);
    option(check, `${pointer}/initial_option`, value['initial_option'], { plain: true });
    const least = value['min_query_length'];
    if (least !== undefined && (typeof least !== 'number' || !Number.isInteger(least) || least < 0))
      bad(check, `${pointer}/min_query_length`, 'invalid_type', 'must be a non-negative integer');
  },
  users_select(check, pointer, value) {
    keys(check, pointer, value, [], [...selectKeys, 'initial_user']);
    placeholder(check, pointer, value);
  },
  overflow(check, pointer, value) {
    keys(check, pointer, value, ['options'], ['action_id', 'confirm']);
    options(check, `${pointer}/options`, value['options'], 5, { plain: true, url: true }); // overflow: 1 to 5 options
  },
  checkboxes(check, pointer, value) {
    keys(check, pointer, value, ['options'], ['action_id', 'confirm', 'focus_on_load', 'initial_options']);
    options(check, `${pointer}/options`, value['options'], fewOptionCount);
  },
  radio_buttons(check, pointer, value) {
    keys(check, pointer, value, ['options'], ['action_id', 'confirm', 'focus_on_load', 'initial_option']);
    options(check, `${pointer}/options`, value['options'], fewOptionCount);
  },
  plain_text_input(check, pointer, value) {
    const known = [
      'action_id',
      'initial_value',
      'multiline',
      'min_length',
      'max_length',
      'placeholder',
      'focus_on_load',
      'dispatch_action_config',
    ];
    keys(check, pointer, value, [], known);
    placeholder(check, pointer, value);
    string(check, `${pointer}/initial_value`, value['initial_value'], 3000, 0);
    boolean(check, `${pointer}/multiline`, value['multiline']);
    for (const key of ['min_length', 'max_length']) {
      const n = value[key];
      if (n !== undefined && (typeof n !== 'number' || n < 0 || n > 3000))
        bad(check, `${pointer}/${key}`, 'invalid_value', 'must be a number from 0 to 3000', 3000);
    }
  },
};

function style(check: Check, pointer: string, value: unknown): void {
  if (value !== undefined && value !== 'primary' && value !== 'danger')
    bad(check, pointer, 'invalid_value', 'must be one of: primary, danger');
}
function placeholder(check: Check, pointer: string, value: Json): void {
  textObject(check, `${pointer}/placeholder`, value['placeholder'], placeholderLength, true);
}

/** `options` or `option_groups` of a select, or of the answer to a block_suggestion, which may be empty: `least` 0 (bolt-python #468). */
export function optionLists(check: Check, pointer: string, value: Json, least = 1): void {
  options(check, `${pointer}/options`, value['options'], optionCount, { plain: true }, least);
  objects(check, `${pointer}/option_groups`, value['option_groups'], least, groupCount).forEach((group, i) => {
    keys(check, `${pointer}/option_groups/${i}`, group, ['label', 'options'], []);
    textObject(check, `${pointer}/option_groups/${i}/label`, group['label'], 75, true);
    options(check, `${pointer}/option_groups/${i}/options`, group['options'], optionCount, { plain: true });
  });
}
function options(check: Check, pointer: string, value: unknown, max: number, rules: OptionRules = {}, least = 1): void {
  objects(check, pointer, value, least, max).forEach((o, i) => {
    option(check, `${pointer}/${i}`, o, rules);
  });
}
/** Menus take plain text only, checkboxes and radio buttons mrkdwn too; addresses are for overflow menus. */
interface OptionRules {
  plain?: boolean;
  url?: boolean;
}
function option(check: Check, pointer: string, value: unknown, { plain = false, url = false }: OptionRules = {}): void {
  if (value === undefined) return;
  if (!isObject(value)) {
    bad(check, pointer, 'invalid_type', 'must be an object');
    return;
  }
  keys(check, pointer, value, ['text', 'value'], url ? ['description', 'url'] : ['description']);
  textObject(check, `${pointer}/text`, value['text'], optionText, plain);
  textObject(check, `${pointer}/description`, value['description'], 75, plain);
  string(check, `${pointer}/url`, value['url'], urlLength);
  string(check, `${pointer}/value`, value['value'], optionValue);
}
function confirm(check: Check, pointer: string, value: unknown): void {
  if (value === undefined) return;
  if (!isObject(value)) {
    bad(check, pointer, 'invalid_type', 'must be an object');
    return;
  }
  keys(check, pointer, value, ['title', 'text', 'confirm', 'deny'], ['style']);
  // confirm dialog: title 100, text 300, confirm and deny 30
  textObject(check, `${pointer}/title`, value['title'], 100, true);
  textObject(check, `${pointer}/text`, value['text'], 300);
  textObject(check, `${pointer}/confirm`, value['confirm'], 30, true);
  textObject(check, `${pointer}/deny`, value['deny'], 30, true);
  style(check, `${pointer}/style`, value['style']);
}
