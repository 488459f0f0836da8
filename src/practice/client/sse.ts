import { UnreachableError } from '../../core/errors.ts';
import { isObject, type Json } from '../types.ts';

export interface StreamEvent {
  type: string;
  data: Json;
}

/** Reads server-sent events until the signal aborts; resolves once the first event (the snapshot) has come. @throws UnreachableError */
export async function openStream(url: string, signal: AbortSignal, onEvent: (event: StreamEvent) => void): Promise<void> {
  const response = await fetch(url, { signal, headers: { accept: 'text/event-stream' } });
  if (!response.ok || !response.body)
    throw new UnreachableError(`The practice workspace answered ${response.status}.`, { details: { body: await response.text() } });
  const { body } = response;
  return new Promise((resolve, reject) => {
    void (async () => {
      const decoder = new TextDecoder();
      let rest = '';
      for await (const chunk of body) {
        rest += decoder.decode(chunk as Uint8Array, { stream: true });
        const parts = rest.split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const event = parseEvent(part);
          if (!event) continue;
          onEvent(event);
          resolve();
        }
      }
    })().catch((error: unknown) => {
      if (!signal.aborted) reject(error);
    });
  });
}

function parseEvent(text: string): StreamEvent | undefined {
  let type = 'message';
  let data = '';
  for (const line of text.split('\n')) {
    if (line.startsWith('event: ')) type = line.slice(7);
    else if (line.startsWith('data: ')) data += line.slice(6);
  }
  const parsed: unknown = data === '' ? undefined : JSON.parse(data);
  return isObject(parsed) ? { type, data: parsed } : undefined;
}
