import type { Changes } from './changes.ts';
import type { PracticeClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { Limiter } from './limits.ts';
import type { AppLink } from './link/app-link.ts';
import type { SocketHub } from './link/socket-hub.ts';
import type { AppSetup } from './manifest.ts';
import type { Tickets } from './tickets.ts';
import type { Workspace } from './workspace.ts';

/** What every part of the practice workspace works with. */
export interface Context {
  ws: Workspace;
  setup: AppSetup;
  clock: PracticeClock;
  changes: Changes;
  journal: Journal;
  faults: Faults;
  limiter: Limiter;
  tickets: Tickets;
  hub: SocketHub;
  link: AppLink;
  tokens: { bot: string; app: string | undefined };
  /** Base address, such as `http://127.0.0.1:3999`. */
  url: () => string;
}
