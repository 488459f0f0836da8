import { randomBytes } from 'node:crypto';
import type { PracticeClock } from './clock.ts';

export interface ResponseTarget {
  kind: 'commands' | 'actions';
  user: string;
  channel: string;
  /** The message whose button was pressed; what `replace_original` means. */
  messageTs?: string;
  threadTs?: string;
  /** The command or interaction that it answers. */
  origin: string;
}
export interface Tickets {
  /** A trigger id for one person; lives 3 s (slack.md 1.1). */
  newTrigger(user: string, fromView?: string): string;
  /** Uses a trigger up. Returns its person, or the error that Slack names. */
  useTrigger(
    id: string,
  ): { user: string; fromView: string | undefined } | 'invalid_trigger_id' | 'expired_trigger_id' | 'exchanged_trigger_id';
  /** Path and query of a new response URL: 5 uses within 30 minutes (slack.md 1.1). */
  newResponsePath(target: ResponseTarget): string;
  useResponse(path: string): ResponseTarget | 'no_such_url' | 'expired_url' | 'used_url';
}

const triggerLifeMs = 3000;
const responseLifeMs = 30 * 60_000;
const responseUses = 5;
const kept = 20_000;

/** The short-lived rights that Slack hands to an app with each command and click. */
export function createTickets(clock: PracticeClock, teamId: string): Tickets {
  const triggers = new Map<string, { user: string; fromView: string | undefined; at: number; used: boolean }>();
  const responses = new Map<string, { target: ResponseTarget; at: number; uses: number }>();
  return {
    newTrigger(user, fromView) {
      const id = `${digits()}.${digits()}.${randomBytes(16).toString('hex')}`;
      triggers.set(id, { user, fromView, at: clock.now(), used: false });
      trim(triggers);
      return id;
    },
    useTrigger(id) {
      const trigger = triggers.get(id);
      if (!trigger) return 'invalid_trigger_id';
      if (trigger.used) return 'exchanged_trigger_id';
      if (clock.now() - trigger.at > triggerLifeMs) return 'expired_trigger_id';
      trigger.used = true;
      return { user: trigger.user, fromView: trigger.fromView };
    },
    newResponsePath(target) {
      const path = `/${target.kind}/${teamId}/${digits()}/${randomBytes(18).toString('base64url')}`;
      responses.set(path, { target, at: clock.now(), uses: 0 });
      trim(responses);
      return path;
    },
    useResponse(path) {
      const response = responses.get(path);
      if (!response) return 'no_such_url';
      if (clock.now() - response.at > responseLifeMs) return 'expired_url';
      if (response.uses >= responseUses) return 'used_url';
      response.uses++;
      return response.target;
    },
  };
}

function digits(): string {
  return String(10 ** 12 + Math.floor(Math.random() * 9 * 10 ** 12));
}
function trim(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= kept) return;
    map.delete(key);
  }
}
