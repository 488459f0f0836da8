import { z } from 'zod';
import type { Channel, ChannelDeps } from '../../src/channels/channel.ts';
import { bytes, fitLines } from '../../src/channels/clean.ts';
import { linesOf, plain, titleOf } from '../../src/channels/flatten.ts';
import { postJson, readSecrets, resultOfStatus } from '../../src/channels/http-channel.ts';
import { pageOf } from '../../src/channels/page-links.ts';
import { SecretRef } from '../../src/config/secrets.ts';

export const Ntfy = z.strictObject({ kind: z.literal('ntfy'), url: z.url(), topic: z.string().min(1), token: SecretRef });

/** ntfy (https://docs.ntfy.sh/publish/#publish-as-json): a notification on phones; news only, for it cannot be changed. */
export function createNtfy(settings: z.output<typeof Ntfy>, deps: ChannelDeps): Channel {
  return {
    takesRepaints: false,
    async send({ message, incident, key }) {
      const read = readSecrets({ token: settings.token }, deps);
      if ('failed' in read) return read.failed;
      const token = read.values.token ?? '';
      const body = JSON.stringify({
        topic: settings.topic,
        title: titleOf(message, 250),
        message: fitLines(linesOf(message, plain, { publicUrl: deps.publicUrl, incident }), 4_000, bytes),
        priority: message.tone === 'bad' ? 5 : 3,
        click: pageOf(deps.publicUrl, incident),
      });
      const headers = { authorization: `Bearer ${token}`, 'x-sequence-id': key };
      const posted = await postJson({ url: settings.url, body, headers, timeoutMs: 3_000 });
      return 'failed' in posted ? posted.failed : resultOfStatus(posted.answer, [token], Date.now());
    },
  };
}
