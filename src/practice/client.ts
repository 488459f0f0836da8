import { AppError } from '../core/errors.ts';
import { http } from '../core/http.ts';
import { createPerson } from './client/person.ts';
import type { PracticePerson } from './client/types.ts';
import { isObject, type Json } from './types.ts';

export type { SeenButton, SeenMessage } from './client/seen.ts';
export type { ModalView, Pattern, PracticePerson, SayOptions, SeeOptions } from './client/types.ts';

export interface PracticeClient {
  as(name: string): PracticePerson;
  /** POSTs to the practice API (faults, clock, channels, sockets, groups, verify-url). */
  control(path: string, body?: Json): Promise<Json>;
  export(): Promise<Json>;
  close(): void;
}

/** A client for tests that drives a practice workspace over HTTP alone. */
export function connectPractice(url: string): PracticeClient {
  const base = url.replace(/\/$/, '');
  const end = new AbortController();
  const people = new Map<string, PracticePerson>();
  /** Stream position when somebody last did something: what `sees` counts from. */
  const mark = { seq: 0 };
  const call = async (method: 'GET' | 'POST', path: string, body?: Json): Promise<Json> => {
    const answer = await http(`${base}/practice/${path}`, { method, ...(body === undefined ? {} : { json: body }), timeoutMs: 60_000 });
    mark.seq = Math.max(mark.seq, Number(answer.headers['x-practice-seq'] ?? 0));
    const parsed: unknown = JSON.parse(answer.body);
    const json = isObject(parsed) ? parsed : {};
    if (answer.status >= 300) throw new AppError('bad_input', String(json['error'] ?? answer.body), { details: { path, body } });
    return json;
  };
  return {
    as(name) {
      const person = people.get(name) ?? createPerson({ name, base, signal: end.signal, call, mark });
      people.set(name, person);
      return person;
    },
    control: (path, body = {}) => call('POST', path, body),
    export: () => call('GET', 'export'),
    close: () => end.abort(),
  };
}
