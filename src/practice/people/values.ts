import { UserError } from '../../core/errors.ts';
import { isObject, type Json } from '../types.ts';

/** Every option of a select, overflow, checkbox or radio element. */
export function optionsOf(element: Json): Json[] {
  const groups = Array.isArray(element['option_groups']) ? element['option_groups'].filter(isObject) : [];
  return [element['options'], ...groups.map((g) => g['options'])].flatMap((o) => (Array.isArray(o) ? o.filter(isObject) : []));
}
function pick(element: Json, value: unknown): Json {
  // the options of an external select come from the app: the page sends the whole option back
  if (element['type'] === 'external_select' && isObject(value)) return value;
  const option = optionsOf(element).find((o) => o['value'] === value || (isObject(o['text']) && o['text']['text'] === value));
  if (!option) throw new UserError(`There is no option ${String(value)}.`);
  return option;
}

/** What a press or a choice looks like in `actions[]`, and in `state.values` when the element keeps a value. */
export function actionValue(element: Json, value: unknown): { action: Json; state?: Json } {
  const type = String(element['type']);
  switch (type) {
    case 'button': {
      const { text, value: own, style } = element;
      return { action: { type, text, ...(own === undefined ? {} : { value: own }), ...(style === undefined ? {} : { style }) } };
    }
    case 'overflow':
      return { action: { type, selected_option: pick(element, value) } };
    case 'plain_text_input':
      return both(type, { value: value === undefined || value === '' ? null : String(value) });
    case 'users_select':
      return both(type, { selected_user: value === '' ? null : value });
    case 'checkboxes':
      return both(type, { selected_options: (Array.isArray(value) ? value : [value]).map((v) => pick(element, v)) });
    default:
      return both(type, { selected_option: value === null || value === '' ? null : pick(element, value) });
  }
}
function both(type: string, fields: Json): { action: Json; state: Json } {
  return { action: { type, ...fields }, state: { type, ...fields } };
}

/** True when an input holds nothing. */
export function isEmpty(state: Json | undefined): boolean {
  if (!state) return true;
  const value = state['value'] ?? state['selected_option'] ?? state['selected_user'] ?? state['selected_options'];
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}
