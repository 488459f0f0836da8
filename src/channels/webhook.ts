import { createHmac } from 'node:crypto';
import type { Placeholder, SettingsOf } from '../config/channels.ts';
import type { Channel, ChannelDeps, Outgoing } from './channel.ts';
import { bytes, cleanText, fitLines, secretsOfUrl } from './clean.ts';
import { linesOf, plain, titleOf, wordsOf } from './flatten.ts';
import { postJson, readSecrets, resultOfStatus } from './http-channel.ts';
import { pageOf } from './page-links.ts';
import { fillTemplate, type Json } from './template.ts';

const textBytes = 32_000;
/** Everything, under its own name. */
const everything: Json = {
  id: '{{id}}',
  edition: '{{edition}}',
  thread: '{{thread}}',
  tone: '{{tone}}',
  title: '{{title}}',
  text: '{{text}}',
  url: '{{url}}',
  fields: '{{fields}}',
  incident: '{{incident}}',
};

/**
 * JSON by HTTP POST, every change of a message (`id` is the same, `edition` grows). With a secret, `X-Sluice-Signature` is `v1=` and the
 * HMAC-SHA256 in hex of `<X-Sluice-Timestamp>.<body>`, the timestamp in seconds; docs/channels.md shows how to check it.
 * `Idempotency-Key` is the same when the same content is tried again.
 */
export function createWebhook(settings: SettingsOf<'webhook'>, deps: ChannelDeps): Channel {
  return {
    takesRepaints: true,
    async send(outgoing) {
      const read = readSecrets({ url: settings.urlFrom, secret: settings.secret, authorization: settings.authorization }, deps);
      if ('failed' in read) return read.failed;
      const { secret, authorization } = read.values;
      const url = read.values.url ?? settings.url ?? '';
      const now = deps.now?.() ?? Date.now();
      const body = JSON.stringify(fillTemplate((settings.template as Json | undefined) ?? everything, valuesOf(outgoing, deps)));
      const seconds = String(Math.floor(now / 1000));
      const headers: Record<string, string> = { 'idempotency-key': outgoing.key, 'x-sluice-timestamp': seconds };
      if (secret !== undefined) headers['x-sluice-signature'] = signatureOf(secret, seconds, body);
      if (authorization !== undefined) headers['authorization'] = authorization;
      const posted = await postJson({ url, body, headers, timeoutMs: settings.timeout });
      if ('failed' in posted) return posted.failed;
      const secrets = [secret, authorization, authorization?.split(' ')[1]].filter((s) => s !== undefined);
      return resultOfStatus(posted.answer, [...secrets, ...secretsOfUrl(url)], now);
    },
  };
}

/** The value of `X-Sluice-Signature`. */
export function signatureOf(secret: string, seconds: string, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`;
}

function valuesOf(outgoing: Outgoing, deps: ChannelDeps): Record<Placeholder, Json> {
  const { message, incident } = outgoing;
  const place = { publicUrl: deps.publicUrl, incident };
  const known: Json = incident
    ? Object.fromEntries(Object.entries(incident).map(([key, value]) => [key, typeof value === 'string' ? cleanText(value) : null]))
    : null;
  const fields = message.parts
    .flatMap((part) => (part.kind === 'fields' ? part.fields : []))
    .slice(0, 60)
    .map(({ label, value }) => ({ label: cleanText(label), value: wordsOf(value, plain, label) }));
  const { id, state, cause, job, cluster } = (known ?? {}) as Record<string, Json>;
  return {
    id: outgoing.outboxId,
    key: outgoing.key,
    edition: outgoing.edition,
    thread: outgoing.thread?.outboxId ?? null,
    tone: message.tone,
    title: titleOf(message, 1_000),
    text: fitLines(linesOf(message, plain, place), textBytes, bytes),
    url: pageOf(deps.publicUrl, incident),
    fields,
    incident: known,
    'incident.id': id ?? null,
    'incident.state': state ?? null,
    'incident.cause': cause ?? null,
    'incident.job': job ?? null,
    'incident.cluster': cluster ?? null,
  };
}
