import type { Json } from './types.ts';

/** Something that somebody can see has changed. `for` limits it to one person; without it everybody is told. */
export interface Change {
  seq: number;
  type: 'message' | 'deleted' | 'view' | 'home' | 'channels' | 'notice' | 'meta' | 'read' | 'journal';
  channel?: string;
  for?: string;
  data: Json;
}
export interface Changes {
  /** The number of the last change. */
  seq(): number;
  emit(change: Omit<Change, 'seq'>): void;
  subscribe(listener: (change: Change) => void): () => void;
}

/** The one stream of changes that pages, test clients and persistence listen to; numbers go on from `last`. */
export function createChanges(last = 0): Changes {
  let seq = last;
  const listeners = new Set<(change: Change) => void>();
  return {
    seq: () => seq,
    emit(change) {
      seq++;
      for (const listener of [...listeners]) listener({ ...change, seq });
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
