import { renderBlocks, renderChoice } from './blocks.js';
import { el, post } from './dom.js';

/** What has been typed but not submitted, by view and block; kept over a reload of the tab. */
const drafts = new Map(Object.entries(JSON.parse(sessionStorage.getItem('forms') ?? '{}')));
function keepDrafts() {
  sessionStorage.setItem('forms', JSON.stringify(Object.fromEntries(drafts)));
}
let dialog;
let inputs = 0;
let shown;

/** Shows the top of a person's stack of modals, or closes the dialog. */
export function showModals(stack, host) {
  const view = stack.at(-1);
  if (!view) {
    dialog?.close();
    dialog?.remove();
    dialog = undefined;
    shown = undefined;
    return;
  }
  const open = new Set(stack.map((v) => v.id));
  for (const id of drafts.keys()) if (!open.has(id)) drafts.delete(id);
  const focused = document.activeElement?.dataset?.block;
  if (!dialog) {
    dialog = el('dialog', { class: 'modal' });
    dialog.addEventListener('cancel', (event) => {
      event.preventDefault();
      void close(host);
    });
    document.body.append(dialog);
  }
  const top = shown?.id === view.id ? (dialog.querySelector('.modal-body')?.scrollTop ?? 0) : 0;
  shown = view;
  dialog.setAttribute('aria-label', view.title.text);
  dialog.replaceChildren(form(view, stack.length, host));
  if (!dialog.open) dialog.showModal();
  const again = focused && dialog.querySelector(`[data-block="${CSS.escape(focused)}"]`);
  (again ?? dialog.querySelector('.invalid [data-block]') ?? dialog.querySelector('[data-block]'))?.focus({ preventScroll: top > 0 });
  if (top > 0) dialog.querySelector('.modal-body').scrollTop = top;
}

/** Asks for the top modal to be closed, once: a second Escape may come before the answer. */
async function close(host) {
  const id = shown?.id;
  const draft = drafts.get(id);
  if (!drafts.delete(id)) return;
  const { ok } = await post('close', { as: host.names.me, view_id: id });
  if (!ok) drafts.set(id, draft);
  keepDrafts();
}

function form(view, depth, host) {
  const draft = drafts.get(view.id) ?? {};
  drafts.set(view.id, draft);
  const inner = modalHost(view, draft, host);
  const submit = async (event) => {
    event.preventDefault();
    const button = event.submitter;
    button?.classList.add('busy');
    await post('submit', { as: host.names.me, view_id: view.id, values: draft });
    button?.classList.remove('busy');
  };
  return el(
    'form',
    {
      class: 'modal-form',
      novalidate: true,
      onsubmit: submit,
      onkeydown: (event) => {
        // Enter alone is a new line in a long text
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
      },
    },
    el(
      'div',
      { class: 'modal-head' },
      el('h2', { text: view.title.text }),
      depth > 1 && el('span', { class: 'muted', text: `${depth} of 3` }),
      el('button', { type: 'button', class: 'icon', 'aria-label': 'Close', text: '×', onclick: () => void close(host) }),
    ),
    el('div', { class: 'modal-body' }, renderBlocks(view.blocks, inner)),
    el(
      'div',
      { class: 'modal-foot' },
      el('button', { type: 'button', class: 'btn', text: view.close?.text ?? 'Close', onclick: () => void close(host) }),
      view.submit && el('button', { type: 'submit', class: 'btn primary', text: view.submit.text }),
    ),
  );
}

function modalHost(view, draft, host) {
  const where = { as: host.names.me, view_id: view.id };
  const value = (blockId, actionId) => view.state.values[blockId]?.[actionId];
  const inner = {
    names: host.names,
    act: (element, blockId, chosen) => post('click', { ...where, action_id: element.action_id, block_id: blockId, value: chosen }),
    suggest: (element, blockId, typed) => post('options', { ...where, action_id: element.action_id, block_id: blockId, value: typed }),
    value,
    input: (block) => inputBlock(block, view.errors?.[block.block_id], draft, inner),
  };
  return inner;
}

/** An input block: label, control, hint, the error beside it. `draft` collects what is filled in, by block id. */
export function inputBlock(block, error, draft, host) {
  const { element } = block;
  const keep = (value) => {
    draft[block.block_id] = value;
    keepDrafts();
    if (block.dispatch_action) return host.act(element, block.block_id, value);
    return undefined;
  };
  // another form, or a message, may have a block of the same id
  const id = `in-${block.block_id}-${++inputs}`;
  const control =
    element.type === 'plain_text_input'
      ? textInput(block, draft[block.block_id] ?? host.value(block.block_id, element.action_id)?.value ?? '', keep)
      : renderChoice(
          element,
          stateOf(element, draft[block.block_id]) ?? host.value(block.block_id, element.action_id),
          keep,
          (typed) => host.suggest(element, block.block_id, typed),
          host,
        );
  const target = control.matches('input, select, textarea') ? control : control.querySelector('input, select');
  if (element.type !== 'checkboxes' && element.type !== 'radio_buttons') {
    // the block's label names it, not its placeholder
    target.id = id;
    target.removeAttribute('aria-label');
  }
  target.dataset.block = block.block_id;
  if (error) target.setAttribute('aria-invalid', 'true');
  return el(
    'div',
    { class: error ? 'field invalid' : 'field' },
    el('label', { for: id }, block.label.text, block.optional && el('span', { class: 'muted', text: ' (optional)' })),
    control,
    error && el('div', { class: 'field-error', role: 'alert', text: error }),
    block.hint && el('div', { class: 'hint', text: block.hint.text }),
  );
}
function textInput(block, value, keep) {
  const { element } = block;
  const props = {
    class: 'text',
    placeholder: element.placeholder?.text,
    maxlength: element.max_length ?? 3000,
    oninput: (e) => void keep(e.currentTarget.value),
    value,
  };
  return element.multiline ? el('textarea', { ...props, rows: 4 }) : el('input', { ...props, type: 'text' });
}
/** What a draft value looks like as `state.values`, so that it can be drawn again. */
function stateOf(element, value) {
  if (value === undefined) return undefined;
  if (element.type === 'users_select') return { selected_user: value };
  if (element.type === 'checkboxes') return { selected_options: element.options.filter((o) => value.includes(o.value)) };
  if (element.type === 'external_select') return { selected_option: value };
  return { selected_option: value === null ? null : { value } };
}
