import type { AppSetup } from '../manifest.ts';

/** What a delivery is: a command by its name, an event, an interaction, or the question for an external select's options. */
export type DeliveryKind = { command: string } | 'events' | 'interactivity' | 'options';

/**
 * Where a delivery goes over HTTP: the manifest's address of that kind, at the origin where the app listens (what a tunnel does for a
 * local app); undefined when the manifest names none. Without a manifest everything goes to the one address.
 */
export function addressOf(setup: AppSetup, kind: DeliveryKind, requestUrl: string | undefined): string | undefined {
  if (setup.urls === undefined) return requestUrl;
  const declared = typeof kind === 'object' ? setup.commands.find((c) => c.command === kind.command)?.url : setup.urls[kind];
  if (declared === undefined || !URL.canParse(declared)) return undefined;
  const { pathname, search } = new URL(declared);
  if (requestUrl !== undefined) return new URL(requestUrl).origin + pathname + search;
  // nothing of this workspace may leave the machine
  return ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(declared).hostname) ? declared : undefined;
}
