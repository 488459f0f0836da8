import type { Refusal, SendResult } from './channel.ts';
import { scrub } from './clean.ts';

/** What nodemailer puts on its errors (nodemailer `SMTPError`). */
interface SmtpError extends Error {
  recipient?: string;
  code?: string;
  responseCode?: number;
  response?: string;
  originalCode?: string;
  rejectedErrors?: SmtpError[];
}

/** Who of the recipients was refused for now (4xx), and who for good (nodemailer's `rejectedErrors`). */
export function refusalsOf(errors: readonly unknown[], secrets: readonly string[]): { waiting: Refusal[]; left: Refusal[] } {
  const all = (errors as SmtpError[]).map((error) => ({
    isLater: (error.responseCode ?? 500) < 500,
    who: error.recipient ?? 'somebody',
    words: scrub(error.response ?? error.message, secrets),
  }));
  const of = (isLater: boolean) => all.filter((one) => one.isLater === isLater).map(({ who, words }) => ({ who, words }));
  return { waiting: of(true), left: of(false) };
}

/**
 * What a failed SMTP conversation means (RFC 5321 4.2.1): 4xx later, 5xx refused. Without an answer it depends on how far it went: before
 * the message itself left, nothing was sent; after that it is unknown.
 */
export function resultOfSmtpError(error: unknown, hadLeft: boolean, secrets: readonly string[]): SendResult {
  const { code, responseCode, response, originalCode, rejectedErrors, message } = error as SmtpError;
  // No recipient was taken: one that may be taken later is worth the wait.
  const worst = rejectedErrors?.find((e) => (e.responseCode ?? 0) < 500) ?? rejectedErrors?.[0];
  const status = worst?.responseCode ?? responseCode;
  if (status !== undefined && status >= 400 && status < 600) {
    const answer = scrub(worst?.response ?? response ?? String(status), secrets);
    return { is: status < 500 ? 'later' : 'refused', reason: answer, answer };
  }
  const reason = scrub(`${originalCode ?? code ?? ''} ${message ?? 'no answer'}`, secrets);
  if (hadLeft) return { is: 'unknown', reason };
  // It will not be mended by itself: a server without STARTTLS, a password that it has no way to take.
  if (code === 'EAUTH' || code === 'ENOAUTH') return { is: 'refused', reason };
  return { is: 'later', reason };
}
