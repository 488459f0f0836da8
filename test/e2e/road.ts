import { after, before, describe } from 'node:test';
import { building } from './road/building.ts';
import { chatting } from './road/chatting.ts';
import type { Conversation } from './road/conversation.ts';
import { development } from './road/development.ts';
import { doubting } from './road/doubting.ts';
import { page } from './road/page.ts';
import { restarting } from './road/restarting.ts';
import { restoring } from './road/restoring.ts';
import { running } from './road/running.ts';
import { time } from './road/time.ts';
import { troubles } from './road/troubles.ts';
import { words } from './road/words.ts';
import { startWorld } from './world.ts';

/** The main road as one conversation on one Flink release; each step asks Flink itself what is true. */
export function road(version: string): void {
  describe(`the main road on Flink ${version}`, { timeout: 900_000 }, () => {
    const so = { version, flinkJobId: '', savepoint: '', failedOperation: '' } as Conversation;
    before(async () => {
      so.w = await startWorld(version);
    });
    after(() => so.w?.stop());

    words(so);
    building(so);
    running(so);
    restarting(so);
    development(so);
    restoring(so);
    chatting(so);
    page(so);
    doubting(so);
    troubles(so);
    time(so);
  });
}
