import { isObject, type Json, type StoredMessage } from '../types.ts';
import { type SeenMessage, seenMessage } from './seen.ts';
import { openStream, type StreamEvent } from './sse.ts';
import type { ModalView, Pattern, PracticePerson, SayOptions } from './types.ts';

const defaultTimeoutMs = 10_000;

export interface PersonParts {
  name: string;
  base: string;
  signal: AbortSignal;
  call(method: 'GET' | 'POST', path: string, body?: Json): Promise<Json>;
  mark: { seq: number };
}
interface Sighting {
  seq: number;
  message: SeenMessage;
}

/** One person of the workspace over the practice API and the stream of changes. */
export function createPerson(parts: PersonParts): PracticePerson {
  const { name, call, mark } = parts;
  const sightings: Sighting[] = [];
  const watchers = new Set<() => void>();
  let seq = 0;
  let stack: Json[] = [];
  let channels: { id: string; name: string; im?: string }[] = [];
  let opened: Promise<void> | undefined;

  function onEvent({ type, data }: StreamEvent): void {
    seq = Number(data['seq']);
    if (type === 'snapshot') {
      stack = data['views'] as Json[];
      for (const list of Object.values(data['messages'] as Record<string, StoredMessage[]>))
        for (const raw of list) sightings.push({ seq: raw.seq, message: seenMessage(raw) });
    }
    if (type === 'snapshot' || type === 'channels') channels = data['channels'] as typeof channels;
    if (type === 'message') sightings.push({ seq, message: seenMessage(data['message'] as StoredMessage) });
    if (type === 'view') stack = data['stack'] as Json[];
    for (const watcher of [...watchers]) watcher();
  }
  const ready = () => {
    opened ??= openStream(`${parts.base}/practice/stream?as=${encodeURIComponent(name)}`, parts.signal, onEvent);
    return opened;
  };
  /** Reads after each event until there is a value. */
  async function until<T>(what: () => string, timeoutMs: number, read: () => T | undefined): Promise<T> {
    await ready();
    const now = read();
    if (now !== undefined) return now;
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        watchers.delete(watcher);
      };
      const watcher = () => {
        const value = read();
        if (value === undefined) return;
        stop();
        resolve(value);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`${what()}\n${recent()}`));
      }, timeoutMs);
      watchers.add(watcher);
    });
  }
  const recent = () => {
    const last = sightings
      .slice(-8)
      .map(
        (s) =>
          `  [${s.message.channel}${s.message.ephemeral ? ', only to them' : ''}] ${s.message.text.replaceAll('\n', ' / ').slice(0, 300)}`,
      );
    return `The last messages that ${name} saw:\n${last.join('\n') || '  (none)'}`;
  };
  const channelId = (key: string): string => {
    const plain = key.replace(/^#/, '');
    if (plain === 'dm') return channels.find((c) => c.im !== undefined)?.id ?? 'dm';
    return channels.find((c) => c.id === key || (c.name === plain && c.im === undefined))?.id ?? key;
  };
  const act = async (path: string, body: Json): Promise<Json> => {
    await ready();
    return call('POST', path, { as: name, ...body });
  };
  const fresh = async (message: SeenMessage): Promise<SeenMessage> => {
    const found = (await history(message.channel)).find((m) => m.ts === message.ts);
    return found ?? message;
  };
  async function history(channel: string): Promise<SeenMessage[]> {
    await ready();
    const answer = await call('GET', `messages?as=${encodeURIComponent(name)}&channel=${encodeURIComponent(channelId(channel))}`);
    return (answer['messages'] as StoredMessage[]).map(seenMessage);
  }
  const buttonOf = (message: SeenMessage, wanted: string) => {
    const found =
      message.buttons.find((b) => b.text === wanted || b.actionId === wanted) ?? message.buttons.find((b) => b.text.includes(wanted));
    if (!found)
      throw new Error(
        `There is no button "${wanted}" in: ${message.text}\nButtons: ${message.buttons.map((b) => b.text).join(', ') || 'none'}`,
      );
    return found;
  };
  async function press(message: SeenMessage, button: string): Promise<Json> {
    const current = await fresh(message);
    const { actionId, blockId } = buttonOf(current, button);
    return act('click', { channel: current.channel, ts: current.ts, action_id: actionId, block_id: blockId });
  }
  async function type(text: string, options: SayOptions = {}) {
    await ready();
    const before = seq;
    const answer = await act('say', {
      channel: options.channel ?? 'C0ETL',
      text,
      ...(options.thread === undefined ? {} : { thread_ts: options.thread }),
    });
    const raw = answer['message'] as StoredMessage | undefined;
    return { before, id: answer['id'], ack: answer['ack'] as Json | undefined, message: raw ? seenMessage(raw) : undefined };
  }
  const asModal = (raw: Json): ModalView => ({
    id: String(raw['id']),
    title: isObject(raw['title']) ? String(raw['title']['text']) : '',
    text: seenMessage({ ...(raw as unknown as StoredMessage), texts: [], text: '' })
      .blocks.map((b) => JSON.stringify(b))
      .join('\n'),
    errors: (raw['errors'] ?? {}) as Record<string, string>,
    raw,
  });

  // the stream is opened at once, so that nothing which happens from now on is missed
  ready().catch(() => {});

  return {
    async says(text, options = {}) {
      const typed = await type(text, options);
      if (typed.message) return typed.message;
      const where = typed.id === undefined ? undefined : String(typed.id);
      const channel = channelId(options.channel ?? 'C0ETL');
      return until(
        () => `${name} typed "${text}", which was acknowledged, but got no answer.`,
        options.timeoutMs ?? defaultTimeoutMs,
        () =>
          sightings.find(
            ({ message, seq: at }) =>
              (where !== undefined && message.raw.origin === where) ||
              (at > typed.before && message.ephemeral && message.channel === channel),
          )?.message,
      );
    },
    async types(text, options) {
      const { ack, message } = await type(text, options);
      return { ack, message };
    },
    sees(pattern, options = {}) {
      const since = options.since === 'start' ? -1 : mark.seq;
      return until(
        () => `${name} waited for ${String(pattern)}${options.channel ? ` in ${options.channel}` : ''} and did not see it.`,
        options.timeoutMs ?? defaultTimeoutMs,
        () => {
          const channel = options.channel === undefined ? undefined : channelId(options.channel);
          return sightings.find(
            ({ message, seq: at }) =>
              at > since &&
              (channel === undefined || message.channel === channel) &&
              (options.thread === undefined || message.threadTs === options.thread || message.ts === options.thread) &&
              matches(pattern, message),
          )?.message;
        },
      );
    },
    seesEdit(message, pattern, options = {}) {
      return until(
        () => `${name} waited for ${String(pattern)} in one message and did not see it; its text is now:\n${message.text}`,
        options.timeoutMs ?? defaultTimeoutMs,
        () =>
          sightings.find(
            (s) =>
              s.message.ts === message.ts &&
              s.message.channel === message.channel &&
              s.message.texts.length >= message.texts.length &&
              matches(pattern, s.message),
          )?.message,
      );
    },
    clicks: press,
    async clicksFor(message, button, options = {}) {
      await ready();
      const before = seq;
      const pressed = await press(message, button);
      const origin = String(pressed['id']);
      return until(
        () => `${name} pressed "${button}", and nothing answered.`,
        options.timeoutMs ?? defaultTimeoutMs,
        () =>
          sightings.find(
            ({ message: m, seq: at }) =>
              m.raw.origin === origin || (at > before && ((m.ephemeral && m.channel === message.channel) || m.ts === message.ts)),
          )?.message,
      );
    },
    async selects(message, actionId, option) {
      return act('click', { channel: message.channel, ts: message.ts, action_id: actionId, value: option });
    },
    async seesModal(pattern = /./, options = {}) {
      const raw = await until(
        () => `${name} waited for a dialog with ${String(pattern)}.`,
        options.timeoutMs ?? defaultTimeoutMs,
        () => {
          const top = stack.at(-1);
          const text = JSON.stringify(top ?? '');
          return top && (typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text)) ? top : undefined;
        },
      );
      return asModal(raw);
    },
    async fills(values, options = {}) {
      const top = await until(
        () => `${name} has no dialog open.`,
        options.timeoutMs ?? defaultTimeoutMs,
        () => stack.at(-1),
      );
      const answer = await act('submit', { view_id: top['id'], values });
      return { errors: answer['errors'] as Record<string, string> };
    },
    clicksView: (viewId, actionId, value) =>
      act('click', { view_id: viewId, action_id: actionId, ...(value === undefined ? {} : { value }) }),
    async options(place, actionId, typed) {
      const where = 'viewId' in place ? { view_id: place.viewId } : { channel: place.channel, ts: place.ts };
      return (await act('options', { ...where, action_id: actionId, value: typed }))['options'] as Json[];
    },
    async closesModal() {
      await ready();
      const top = stack.at(-1);
      if (top) await act('close', { view_id: top['id'] });
    },
    shortcut: (message, shortcut) => act('shortcut', { channel: message.channel, ts: message.ts, callback_id: shortcut }),
    async opensHome() {
      await act('home', {});
    },
    history,
    async thread(message) {
      const root = message.threadTs ?? message.ts;
      return (await history(message.channel)).filter((m) => m.ts === root || m.threadTs === root);
    },
    edits: async (message) => (await fresh(message)).texts,
  };
}

function matches(pattern: Pattern, message: SeenMessage): boolean {
  if (typeof pattern === 'function') return pattern(message);
  return typeof pattern === 'string' ? message.text.includes(pattern) : pattern.test(message.text);
}
