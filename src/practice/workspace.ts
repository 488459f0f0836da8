import type { Changes } from './changes.ts';
import type { PracticeClock } from './clock.ts';
import { type Names, visibleText } from './flatten.ts';
import type { Channel, Json, Person, StoredMessage, StoredView, UserGroup, WorkspaceSeed } from './types.ts';

/** Everything that survives a restart; plain JSON. */
export interface WorkspaceState {
  team: WorkspaceSeed['team'];
  appUserId: string;
  people: Person[];
  channels: Channel[];
  groups: UserGroup[];
  /** By channel, oldest first; ephemeral ones among them. */
  messages: Record<string, StoredMessage[]>;
  views: Record<string, StoredView>;
  /** Ids of each person's open modals, the top one last. */
  stacks: Record<string, string[]>;
  homes: Record<string, StoredView>;
  /** Last message seen, by person and channel. */
  lastRead: Record<string, Record<string, string>>;
  lastTs: string;
  clockOffsetMs: number;
}

/** A message to be added; its ts, seq, texts and reactions come by themselves. */
export type NewMessage = Omit<StoredMessage, 'ts' | 'seq' | 'texts' | 'reactions'>;

export interface Workspace {
  state: WorkspaceState;
  app: Person & { bot: { botId: string; appId: string } };
  names: Names;
  person(idOrName: string): Person | undefined;
  channel(idOrName: string): Channel | undefined;
  group(id: string): UserGroup | undefined;
  /** The direct message channel between the app and a person, made when missing. */
  directMessage(personId: string): Channel;
  message(channel: string, ts: string): StoredMessage | undefined;
  messages(channel: string): StoredMessage[];
  /** May this person read the channel? Public ones everybody of this workspace may, guests and outsiders only where they are. */
  sees(personId: string, channel: Channel): boolean;
  add(message: NewMessage): StoredMessage;
  /** Tells everybody concerned that the message changed; notes its new visible text. */
  changed(message: StoredMessage): void;
  remove(message: StoredMessage): void;
  /** A message of Slack itself that one person sees. */
  systemNote(to: string, channel: string, text: string, origin?: string, threadTs?: string): StoredMessage;
}

export const slackbot: Person = { id: 'USLACKBOT', name: 'slackbot', realName: 'Slackbot' };
const textsKept = 500;

/** A fresh state from a seed. */
export function freshState(seed: WorkspaceSeed): WorkspaceState {
  const copy = structuredClone(seed);
  return {
    ...copy,
    messages: {},
    views: {},
    stacks: {},
    homes: {},
    lastRead: {},
    lastTs: '0.000000',
    clockOffsetMs: 0,
  };
}

/** The practice workspace's people, channels and messages, over a state that the caller may load and save. */
export function createWorkspace(state: WorkspaceState, clock: PracticeClock, changes: Changes): Workspace {
  const app = state.people.find((p) => p.id === state.appUserId);
  if (!app?.bot) throw new Error(`the seed's appUserId ${state.appUserId} names no person with bot ids`);
  const person = (key: string) =>
    key === slackbot.id ? slackbot : state.people.find((p) => p.id === key || p.name === key.replace(/^@/, '').toLowerCase());
  const group = (id: string) => state.groups.find((g) => g.id === id || g.handle === id.replace(/^@/, ''));
  const channel = (key: string) => {
    const name = key.replace(/^#/, '');
    return state.channels.find((c) => c.id === key) ?? state.channels.find((c) => c.name === name && c.im === undefined);
  };
  const names: Names = {
    user: (id) => person(id)?.name ?? id,
    channel: (id) => state.channels.find((c) => c.id === id)?.name ?? id,
    group: (id) => group(id)?.handle ?? id,
  };
  const messages = (id: string) => {
    state.messages[id] ??= [];
    return state.messages[id];
  };
  const nextTs = () => {
    const micros = Math.max(Math.round(clock.now() * 1000), Number(state.lastTs.replace('.', '')) + 1);
    const seconds = Math.floor(micros / 1e6);
    state.lastTs = `${seconds}.${String(micros - seconds * 1e6).padStart(6, '0')}`;
    return state.lastTs;
  };
  const noteText = (message: StoredMessage) => {
    const text = visibleText(message, names);
    if (message.texts.at(-1) !== text) message.texts.push(text);
    if (message.texts.length > textsKept) message.texts.shift();
  };
  const tell = (message: StoredMessage) => {
    const root = message.threadTs && !message.to ? find(message.channel, message.threadTs) : undefined;
    for (const m of root ? [message, root] : [message]) {
      m.seq = changes.seq() + 1;
      changes.emit({ type: 'message', channel: m.channel, ...(m.to ? { for: m.to } : {}), data: { message: m as unknown as Json } });
    }
  };
  const find = (channelId: string, ts: string) => messages(channelId).findLast((m) => m.ts === ts);
  const add: Workspace['add'] = (fields) => {
    const message: StoredMessage = { ...fields, ts: nextTs(), seq: 0, texts: [], reactions: [] };
    noteText(message);
    messages(message.channel).push(message);
    tell(message);
    return message;
  };
  return {
    state,
    app: app as Workspace['app'],
    names,
    person,
    channel,
    group,
    messages,
    message: find,
    directMessage(personId) {
      const found = state.channels.find((c) => c.im === personId);
      if (found) return found;
      const made: Channel = { id: `D${personId.slice(1)}`, name: 'directmessage', im: personId, members: [personId, app.id] };
      state.channels.push(made);
      changes.emit({ type: 'channels', for: personId, data: {} });
      return made;
    },
    sees(personId, c) {
      const who = person(personId);
      const confined = who?.guest === true || who?.otherTeamId !== undefined;
      return (c.private !== true && c.im === undefined && !confined) || c.members.includes(personId);
    },
    add,
    changed(message) {
      noteText(message);
      tell(message);
    },
    remove(message) {
      const list = messages(message.channel);
      if (message.threadTs === undefined && list.some((m) => m.threadTs === message.ts)) {
        Object.assign(message, { text: 'This message was deleted.', blocks: [], attachments: [], tombstone: true });
        return tell(message);
      }
      list.splice(list.indexOf(message), 1);
      changes.emit({
        type: 'deleted',
        channel: message.channel,
        ...(message.to ? { for: message.to } : {}),
        data: { channel: message.channel, ts: message.ts },
      });
    },
    systemNote: (to, channelId, text, origin, threadTs) =>
      add({
        channel: channelId,
        user: slackbot.id,
        to,
        text,
        ...(origin === undefined ? {} : { origin }),
        ...(threadTs === undefined ? {} : { threadTs }),
      }),
  };
}
