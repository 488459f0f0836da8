import { UpstreamError } from '../../core/errors.ts';
import type { SeenMessage } from '../../practice/client.ts';
import type { Slack } from './rig.ts';

export interface Done {
  operationId: string;
  /** Milliseconds since 1970: when the command was sent, when it was acknowledged, when the last word stood in the channel. */
  sentAt: number;
  acknowledgedAt: number;
  toldAt: number;
}
/** One person who types commands in the practice workspace. */
export interface Conversation {
  /** Types a line and gives the direct answer. */
  says(line: string): Promise<SeenMessage>;
  /** Types a line that begins an operation and waits for its last word. @throws UpstreamError if it was refused or failed. */
  does(line: string): Promise<Done>;
}

const good = /(started|resumed|upgraded|restored): v\d+ running|restarted|stopped with savepoint|Savepoint of \S+ taken/;
const bad = /was not|were not|No savepoint|Failed|Parked|Canceled|is not proven/;

/** Emma of the practice workspace, in #etl. */
export function converse(slack: Slack): Conversation {
  const emma = slack.people.as('emma');
  const where = { channel: 'etl', timeoutMs: 15_000 };
  return {
    says: (line) => emma.says(line, where),
    async does(line) {
      const sentAt = Date.now();
      const answer = await emma.says(line, where);
      const acknowledgedAt = Date.now();
      const operationId = /op_[0-9a-z]{12}/.exec(answer.text)?.[0];
      if (!operationId) throw new UpstreamError(`"${line}" was answered: ${answer.text}`);
      const last = await emma.sees((m) => !m.ephemeral && m.text.includes(operationId) && (good.test(m.text) || bad.test(m.text)), {
        channel: 'etl',
        timeoutMs: 120_000,
      });
      if (!good.test(last.text)) throw new UpstreamError(`"${line}" ended: ${last.text}`);
      return { operationId, sentAt, acknowledgedAt, toldAt: Date.now() };
    },
  };
}
