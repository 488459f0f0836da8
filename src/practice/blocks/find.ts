import { isObject, type Json } from '../types.ts';

export interface FoundElement {
  block: Json;
  blockId: string;
  element: Json;
  actionId: string;
}

/** Every interactive element of a message or view with its ids, in order; blocks in attachments count. */
export function interactiveElements(source: { blocks?: unknown; attachments?: unknown }): FoundElement[] {
  const found: FoundElement[] = [];
  for (const block of allBlocksOf(source)) {
    for (const element of [
      block['accessory'],
      block['element'],
      ...(block['type'] === 'actions' && Array.isArray(block['elements']) ? block['elements'] : []),
    ]) {
      if (!isObject(element) || element['type'] === 'image') continue;
      found.push({ block, blockId: String(block['block_id'] ?? ''), element, actionId: String(element['action_id'] ?? '') });
    }
  }
  return found;
}
function allBlocksOf(source: { blocks?: unknown; attachments?: unknown }): Json[] {
  const attachments = Array.isArray(source.attachments) ? source.attachments.filter(isObject) : [];
  return [source.blocks, ...attachments.map((a) => a['blocks'])].flatMap((blocks) =>
    Array.isArray(blocks) ? blocks.filter(isObject) : [],
  );
}

/** Gives blocks and elements without an id one, as Slack does: `block_id` and `action_id` of five characters. */
export function withIds(blocks: unknown): Json[] {
  if (!Array.isArray(blocks)) return [];
  const copy = structuredClone(blocks.filter(isObject));
  for (const block of copy) block['block_id'] ||= randomId();
  for (const { element } of interactiveElements({ blocks: copy })) element['action_id'] ||= randomId();
  return copy;
}
function randomId(): string {
  return Math.random().toString(36).slice(2, 7).padEnd(5, '0');
}
