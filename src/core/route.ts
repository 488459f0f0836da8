import type { IncomingMessage, ServerResponse } from 'node:http';

/** A handler that reads the raw request itself: how the roof hands Slack's HTTP receiver to the web server. */
export interface RawRoute {
  method: 'POST';
  /** For example `/slack/events`. */
  path: string;
  handle(request: IncomingMessage, response: ServerResponse): void | Promise<void>;
}
