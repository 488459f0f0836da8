import type { FastifyReply } from 'fastify';
import type { Change } from './changes.ts';
import type { Context } from './context.ts';
import { channelFor, snapshotFor } from './snapshot.ts';
import type { Json, Person } from './types.ts';

const heartbeatMs = 15_000;

export interface FollowOptions {
  /** The inspector's entries too. */
  journal: boolean;
  /** Begin with the number of the last change only, without the workspace as it is. */
  quiet: boolean;
}
/** One part of a stream: its kind, the number of the change, and what a reader needs of it. */
export type Send = (type: string, seq: number, data: Json) => void;

/** Tells a snapshot and then every change that this person can see; returns how to end it. */
export function followChanges(ctx: Context, person: Person, send: Send, options: FollowOptions): () => void {
  send('snapshot', ctx.changes.seq(), options.quiet ? {} : snapshotFor(ctx, person));
  return ctx.changes.subscribe((change) => {
    if (!concerns(ctx, person, change)) return;
    if (change.type === 'journal' && !options.journal) return;
    if (change.type === 'channels') send('channels', change.seq, channelsData(ctx, person));
    else send(change.type, change.seq, { ...change.data, ...(change.channel === undefined ? {} : { channel: change.channel }) });
  });
}

/** The changes as server-sent events: for clients that are no browser (see page-socket.ts). */
export function streamChanges(ctx: Context, person: Person, reply: FastifyReply, options: FollowOptions): () => void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  const send: Send = (type, seq, data) => raw.write(`event: ${type}\nid: ${seq}\ndata: ${JSON.stringify({ ...data, seq })}\n\n`);
  const unsubscribe = followChanges(ctx, person, send, options);
  const heartbeat = setInterval(() => raw.write(': still here\n\n'), heartbeatMs);
  heartbeat.unref();
  const end = () => {
    clearInterval(heartbeat);
    unsubscribe();
    raw.end();
  };
  raw.on('close', end);
  return end;
}

function channelsData(ctx: Context, person: Person): Json {
  return { channels: ctx.ws.state.channels.filter((c) => ctx.ws.sees(person.id, c)).map((c) => channelFor(ctx, person, c)) };
}
function concerns(ctx: Context, person: Person, change: Change): boolean {
  if (change.for !== undefined) return change.for === person.id;
  if (change.channel === undefined) return true;
  const channel = ctx.ws.channel(change.channel);
  return channel !== undefined && ctx.ws.sees(person.id, channel);
}
