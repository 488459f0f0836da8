/** A JSON object as it travels over Slack's protocols. */
export type Json = Record<string, unknown>;

export interface Person {
  id: string;
  /** The handle people type after an at-sign. */
  name: string;
  realName: string;
  title?: string;
  /** Set for the app's own user. */
  bot?: { botId: string; appId: string };
  /** A guest of the workspace (`is_restricted`). */
  guest?: boolean;
  deleted?: boolean;
  /** Somebody of another workspace, in a shared channel (`is_stranger`). */
  otherTeamId?: string;
}
export interface Channel {
  id: string;
  name: string;
  topic?: string;
  private?: boolean;
  archived?: boolean;
  /** For a direct message: the person on the other side of the app. */
  im?: string;
  members: string[];
}
export interface UserGroup {
  id: string;
  handle: string;
  name: string;
  users: string[];
}
/** Who and what is in a fresh practice workspace. */
export interface WorkspaceSeed {
  team: { id: string; name: string; domain: string };
  /** The person that the app posts as; must be among `people` with `bot` set. */
  appUserId: string;
  people: Person[];
  channels: Channel[];
  groups: UserGroup[];
}

/** A message; with `to` it is an ephemeral one, which only that person sees and no history returns. */
export interface StoredMessage {
  ts: string;
  channel: string;
  /** Author. */
  user: string;
  to?: string;
  text: string;
  blocks?: Json[];
  attachments?: Json[];
  metadata?: Json;
  threadTs?: string;
  /** A thread reply that is shown in the channel too. */
  broadcast?: boolean;
  editedTs?: string;
  /** A deleted root whose replies stay. */
  tombstone?: boolean;
  /** The command or interaction whose answer this is. */
  origin?: string;
  reactions: { name: string; users: string[] }[];
  /** Number of its last change in the stream of changes. */
  seq: number;
  /** Every visible text it has had, oldest first. */
  texts: string[];
  /** What people chose in its selects and inputs, by person: Slack's `state.values`. */
  inputs?: Record<string, Json>;
}

export interface StoredView {
  id: string;
  type: 'modal' | 'home';
  user: string;
  hash: string;
  rootId: string;
  previousId: string | undefined;
  /** As the app sent it: title, blocks, submit, close, private_metadata, callback_id... */
  view: Json;
  /** `state.values`. */
  values: Record<string, Json>;
  /** Errors shown beside the inputs, by block id. */
  errors?: Record<string, string>;
}

/** What the app is told about a button press or a command: everything that is not the payload itself. */
export interface Ack {
  ok: boolean;
  error?: 'operation_timeout' | 'dispatch_failed';
  /** HTTP status, when there was one. */
  status?: number;
  /** The answer's body: parsed JSON, or `{text}` for a plain string; undefined when empty. */
  body?: Json;
  durationMs: number;
  /** The app asked for no more retries (`x-slack-no-retry: 1`). */
  noRetry?: boolean;
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
