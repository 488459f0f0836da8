import type { Json } from '../types.ts';
import type { SeenMessage } from './seen.ts';

export type Pattern = RegExp | string | ((message: SeenMessage) => boolean);
export interface SeeOptions {
  /** Id or name; any channel when missing. */
  channel?: string;
  /** Only in this thread (the root itself counts). */
  thread?: string;
  timeoutMs?: number;
  /** From where on messages count: since the last thing anybody did through this client (default), or since the beginning. */
  since?: 'action' | 'start';
}
export interface SayOptions {
  channel?: string;
  /** ts of the root. */
  thread?: string;
  timeoutMs?: number;
}
export interface ModalView {
  id: string;
  title: string;
  /** Visible text of its blocks. */
  text: string;
  /** Errors by block id. */
  errors: Record<string, string>;
  raw: Json;
}
/** One person of the workspace, driven by a test. Every wait is on the stream of changes. */
export interface PracticePerson {
  /**
   * Types a line. For a slash command it resolves with the direct answer (the acknowledgement's message, or the first ephemeral
   * or response_url message after it); for other text with the message itself.
   */
  says(text: string, options?: SayOptions): Promise<SeenMessage>;
  /** Types a line and resolves when it is acknowledged, without waiting for an answer. */
  types(text: string, options?: SayOptions): Promise<{ ack: Json | undefined; message: SeenMessage | undefined }>;
  /** Waits for a visible message, or a new edit of one, whose text matches. */
  sees(pattern: Pattern, options?: SeeOptions): Promise<SeenMessage>;
  /** Waits until this message's text matches; its present text counts. */
  seesEdit(message: SeenMessage, pattern: Pattern, options?: { timeoutMs?: number }): Promise<SeenMessage>;
  /** Presses a button by its text or action id (confirm dialogs are confirmed). Resolves when it is acknowledged. */
  clicks(message: SeenMessage, button: string): Promise<Json>;
  /** Presses a button and resolves with the first message that answers it to this person, or the changed message. */
  clicksFor(message: SeenMessage, button: string, options?: { timeoutMs?: number }): Promise<SeenMessage>;
  /** Chooses in a select or overflow of a message; `option` is its value or text. */
  selects(message: SeenMessage, actionId: string, option: unknown): Promise<Json>;
  /** Waits for an open modal (by title or text). */
  seesModal(pattern?: RegExp | string, options?: { timeoutMs?: number }): Promise<ModalView>;
  /**
   * Fills the open modal by label or block id (an external select: with what is typed to find the option, which is picked) and submits it;
   * resolves with the errors beside its inputs.
   */
  fills(values: Record<string, unknown>, options?: { timeoutMs?: number }): Promise<{ errors: Record<string, string> }>;
  /** Presses a button inside the open modal or the Home tab. */
  clicksView(viewId: string, actionId: string, value?: unknown): Promise<Json>;
  /** Options of an external select for a typed text. */
  options(place: { viewId: string } | SeenMessage, actionId: string, typed: string): Promise<Json[]>;
  closesModal(): Promise<void>;
  /** Uses one of the app's shortcuts on a message, by its name in the menu or its callback id. Resolves when it is acknowledged. */
  shortcut(message: SeenMessage, shortcut: string): Promise<Json>;
  opensHome(): Promise<void>;
  /** The messages of a channel that this person sees, oldest first. */
  history(channel: string): Promise<SeenMessage[]>;
  /** A thread, its root first. */
  thread(message: SeenMessage): Promise<SeenMessage[]>;
  /** Every text a message has had, in order. */
  edits(message: SeenMessage): Promise<string[]>;
}
