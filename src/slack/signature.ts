import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far a request's timestamp may be from our clock, before or after. */
const windowSeconds = 5 * 60;

/** Slack's signature over the raw body: `v0=` and the HMAC-SHA256 of `v0:{timestamp}:{body}` in hex. */
export function signatureOf(signingSecret: string, timestamp: string, body: Buffer | string): string {
  return `v0=${createHmac('sha256', signingSecret).update(`v0:${timestamp}:`).update(body).digest('hex')}`;
}

/** Why a request is not Slack's: undefined if it is. Compares in constant time; both sides of the five-minute window count. */
export function signatureFault(
  signingSecret: string,
  timestamp: string | undefined,
  signature: string | undefined,
  body: Buffer,
  nowMs: number,
): string | undefined {
  if (timestamp === undefined || signature === undefined) return 'not signed';
  if (!/^\d{1,12}$/.test(timestamp)) return 'timestamp is no number';
  const expected = Buffer.from(signatureOf(signingSecret, timestamp, body));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return 'signature does not fit';
  const offBySeconds = Number(timestamp) - Math.floor(nowMs / 1000);
  return Math.abs(offBySeconds) > windowSeconds ? `timestamp is ${offBySeconds} s off` : undefined;
}
