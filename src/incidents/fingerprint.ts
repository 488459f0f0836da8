import { truncate } from '../core/text.ts';

/**
 * What an exception is, without what differs from time to time and from job to job: ids, numbers, addresses of objects, the job's own name. Two problems
 * with one fingerprint have one cause.
 * @param exception `java.io.IOException: Connection to kafka-3:9092 lost`
 */
export function fingerprint(exception: string, job: string | undefined): string {
  let text = exception;
  if (job) text = text.replace(new RegExp(`(?<![\\w-])${job.replace(/[^\w-]/g, '\\$&')}(?![\\w-])`, 'g'), '<job>');
  text = text
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<id>')
    .replace(/\b[0-9a-f]{16,}\b/gi, '<id>')
    // `@1b2c3d4` is where an object lies in memory; `Foo$$Lambda/0x00007f` a generated class.
    .replace(/@[0-9a-f]{5,}\b/gi, '@<id>')
    .replace(/0x[0-9a-f]+/gi, '<id>')
    .replace(/\$\$?Lambda\S*/g, '$Lambda')
    .replace(/\d+/g, '#')
    .replace(/\s+/g, ' ')
    .trim();
  return truncate(text, 300);
}
