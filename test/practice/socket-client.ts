import { once } from 'node:events';
import { WebSocket } from 'ws';
import { connectPractice } from '../../src/practice/client.ts';
import type { Practice } from '../../src/practice/server.ts';
import { api, appToken, atEnd, type Ending, startPractice } from './rig.ts';

export interface Frame {
  type: string;
  envelope_id?: string;
  reason?: string;
  num_connections?: number;
  accepts_response_payload?: boolean;
  retry_attempt?: number;
  payload?: Record<string, unknown>;
}
/** A bare Socket Mode client: its frames in order, acknowledged by hand. */
export async function connectSocket(practice: Practice) {
  const { url } = await api(practice, 'apps.connections.open', {}, appToken);
  const socket = new WebSocket(String(url));
  const frames: Frame[] = [];
  const waiting: (() => void)[] = [];
  socket.on('message', (data) => {
    frames.push(JSON.parse(String(data)) as Frame);
    for (const wake of waiting.splice(0)) wake();
  });
  socket.on('error', () => {});
  const frame = async (index: number): Promise<Frame> => {
    while (frames.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
    return frames[index] as Frame;
  };
  const hello = await frame(0);
  return {
    url: String(url),
    socket,
    frames,
    hello,
    frame,
    closed: once(socket, 'close'),
    ack: (id: string | undefined, payload?: object) => socket.send(JSON.stringify({ envelope_id: id, ...(payload ? { payload } : {}) })),
  };
}

/** A practice workspace over Socket Mode and one person in it. */
export async function startSocketPractice(t: Ending, options: Parameters<typeof startPractice>[1] = {}) {
  const practice = await startPractice(t, { transport: 'socket', ...options });
  const people = connectPractice(practice.url);
  atEnd(t, () => people.close());
  return { practice, people, emma: people.as('emma') };
}
