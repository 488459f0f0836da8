import { renderBlocks } from './blocks.js';
import { el, post } from './dom.js';
import { header } from './head.js';
import { inputBlock } from './modal.js';

/** The app's Home as this person has it: its head and its blocks. */
export function homePage(state, names) {
  const { home } = state;
  const where = (element, blockId, value) => ({
    as: state.as,
    view_id: home.id,
    action_id: element.action_id,
    block_id: blockId,
    value,
  });
  const inner = {
    names,
    act: (element, blockId, value) => post('click', where(element, blockId, value)),
    suggest: (element, blockId, typed) => post('options', where(element, blockId, typed)),
    value: (blockId, actionId) => home.state.values[blockId]?.[actionId],
    // a Home has no button to send it all: each change is told
    input: (block) => inputBlock({ ...block, dispatch_action: true }, undefined, {}, inner),
  };
  const body = home
    ? renderBlocks(home.blocks, inner)
    : el('p', { class: 'empty', text: `${state.app.name} has not published a Home for you yet.` });
  return [
    header(names.person(state.as), `${state.app.name} Home`, 'Only you see this page'),
    el('div', { class: 'home', tabindex: '0' }, body),
  ];
}
