import { createHmac, timingSafeEqual } from 'node:crypto';

/** `body` is what came, byte for byte: not parsed and written again. */
export function isFromSluice(headers: Record<string, unknown>, body: string, secret: string, nowMs = Date.now()): boolean {
  const timestamp = String(headers['x-sluice-timestamp']);
  const isOld = !(Math.abs(nowMs / 1000 - Number(timestamp)) <= 300);
  const wanted = Buffer.from(`v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`);
  const given = Buffer.from(String(headers['x-sluice-signature']));
  return !isOld && wanted.length === given.length && timingSafeEqual(wanted, given);
}
