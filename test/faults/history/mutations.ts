import { spoiltEffects } from './mutations-effects.ts';
import { spoiltRecords } from './mutations-records.ts';
import type { Mutation } from './spoil.ts';

/** Every planted fault that the checker has to find. */
export const mutations: readonly Mutation[] = [...spoiltRecords, ...spoiltEffects];
